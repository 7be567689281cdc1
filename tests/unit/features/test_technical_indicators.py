"""The warm-up of the rules' indicators, their equality with `ta`, and the errors of `ta`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ta.momentum import ROCIndicator, StochasticOscillator, WilliamsRIndicator
from ta.trend import CCIIndicator
from ta.volatility import AverageTrueRange
from ta.volume import VolumeWeightedAveragePrice

from config.settings import IndicatorSettings
from domain.arrays import FloatArray
from domain.market import Timeframe
from features.indicators.technical_indicators import TechnicalIndicators
from features.kernels.candles import Candles
from tests.fixtures.histories import INDICATORS, flat_series, simulated
from tests.fixtures.settings import configured

# First row with a value, from the definitions: an SMA of 20 needs 20 closes, the MACD signal 26 + 9 - 1, ...
FIRST_ROW = {
    "close": 0,
    "ema_9": 8,
    "ema_12": 11,
    "ema_21": 20,
    "ema_26": 25,
    "ema_50": 49,
    "sma_20": 19,
    "sma_50": 49,
    "macd": 25,
    "macd_signal": 33,
    "macd_histogram": 33,
    "adx": 27,
    "plus_di": 15,
    "minus_di": 15,
    "rsi": 13,
    "stochastic_k": 13,
    "stochastic_d": 15,
    "williams_r": 13,
    "cci": 19,
    "rate_of_change": 12,
    "bollinger_upper": 19,
    "bollinger_middle": 19,
    "bollinger_lower": 19,
    "bollinger_width": 19,
    "bollinger_percent_b": 19,
    "average_true_range": 13,
    "average_true_range_percent": 13,
    "average_true_range_percentile": 13,
    "on_balance_volume": 0,
    "vwap": 19,
    "volume_sma": 19,
    "volume_ratio": 19,
    "volume_rate_of_change": 12,
    "volume_balance": 20,
}


@pytest.mark.parametrize("seed", range(5))
def test_own_formulas_equal_those_of_ta(seed: int) -> None:
    frame = simulated(seed, drift=None, count=200).frame
    high, low, close, volume = (frame[name] for name in ("high", "low", "close", "volume"))
    table = INDICATORS.compute(frame)
    stochastic = StochasticOscillator(high, low, close, 14, 3)
    expected = {
        "average_true_range": AverageTrueRange(high, low, close, 14).average_true_range().where(frame.index >= 13),
        "stochastic_k": stochastic.stoch(),
        "stochastic_d": stochastic.stoch_signal(),
        "williams_r": WilliamsRIndicator(high, low, close, 14).williams_r(),
        "cci": CCIIndicator(high, low, close, 20).cci(),
        "rate_of_change": ROCIndicator(close, 12).roc(),
        "volume_rate_of_change": ROCIndicator(volume, 12).roc(),
        "vwap": VolumeWeightedAveragePrice(high, low, close, volume, 20).volume_weighted_average_price(),
    }
    for name, column in expected.items():
        np.testing.assert_allclose(table[name], column, rtol=1e-9, atol=1e-9, err_msg=name)


def test_both_engines_give_the_same_table() -> None:
    frame = simulated(3, drift=None, count=200).frame
    slow = TechnicalIndicators(configured(IndicatorSettings, engine="ta")).compute(frame)
    pd.testing.assert_frame_equal(INDICATORS.compute(frame), slow, check_exact=False, rtol=1e-8, atol=1e-9)


def test_percentile_ranks_as_pandas_does_across_pieces() -> None:
    table = INDICATORS.compute(simulated(8, count=1_300).frame)
    percents, ranks = table["average_true_range_percent"], table["average_true_range_percentile"]
    np.testing.assert_allclose(ranks, 100 * percents.expanding().rank(pct=True), rtol=1e-12)


def test_percentile_ranks_the_range_among_its_past() -> None:
    percents = (table := INDICATORS.compute(simulated(8, count=80).frame))["average_true_range_percent"]
    known = percents.dropna().tolist()
    expected = 100 * sum(value <= known[-1] for value in known) / len(known)
    assert table["average_true_range_percentile"].iloc[-1] == pytest.approx(expected)


def test_warm_up_rows_are_nan_and_nothing_after_them_is() -> None:
    table = INDICATORS.compute(simulated(1, count=70).frame)
    assert set(table.columns) == set(FIRST_ROW)
    for name, column in table.items():
        known = column.notna().to_numpy()
        assert known.argmax() == FIRST_ROW[str(name)], name
        assert known[known.argmax() :].all(), name


@pytest.mark.parametrize("count", range(61))
def test_short_input_gives_full_length_without_an_exception(count: int) -> None:
    whole = simulated(2, count=61).frame
    table = INDICATORS.compute(whole.iloc[:count])
    assert len(table) == count
    for name, first in FIRST_ROW.items():
        assert table[name].notna().sum() == max(count - first, 0), name


def test_periods_longer_than_the_input_give_nothing() -> None:
    slow = TechnicalIndicators(
        configured(IndicatorSettings, atr_period=80, adx_period=80, rsi_period=80, cci_period=80)
    )
    table = slow.compute(simulated(2, count=61).frame)
    assert table[["average_true_range", "adx", "plus_di", "minus_di", "rsi", "cci"]].isna().all(axis=None)


def test_a_flat_market_has_an_rsi_of_fifty_and_no_oscillators() -> None:
    last = INDICATORS.compute(flat_series(price=0.1).frame).iloc[-1]
    assert last["rsi"] == 50
    assert last[["stochastic_k", "stochastic_d", "williams_r", "cci", "bollinger_percent_b"]].isna().all()
    zero = ["average_true_range", "average_true_range_percent", "adx", "plus_di", "minus_di", "bollinger_width"]
    assert (last[[*zero, "rate_of_change", "volume_balance"]] == 0).all()


def _rsi_of(closes: list[float]) -> pd.Series:
    frame = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), closes)).assign(volume=1.0)
    return INDICATORS.compute(frame)["rsi"]


def test_rsi_is_a_hundred_only_where_the_price_has_risen() -> None:
    assert _rsi_of([5.0] * 30).dropna().eq(50).all()
    assert _rsi_of([5.0] * 20 + [6.0] * 5).iloc[-1] == 100


def test_no_volume_gives_nan_ratios() -> None:
    series = simulated(4, count=100).frame.assign(volume=0.0)
    last = INDICATORS.compute(series).iloc[-1]
    assert last[["volume_ratio", "volume_rate_of_change", "volume_balance", "vwap"]].isna().all()
    assert last["volume_sma"] == 0


def test_volume_that_ends_leaves_no_rounding_error() -> None:
    frame = simulated(4, count=100).frame
    frame.loc[70:, "volume"] = 0.0
    frame.loc[:69, "volume"] *= 1e9
    assert INDICATORS.compute(frame)[["vwap", "volume_balance"]].iloc[90:].isna().all(axis=None)


@pytest.mark.parametrize("price", [1e-12, 1e-8, 1e9, 1e12])
def test_any_price_a_market_may_have_gives_the_same_shape(price: float) -> None:
    table = INDICATORS.compute(simulated(6, count=100, start_price=price).frame)
    plain = INDICATORS.compute(simulated(6, count=100).frame)
    assert np.isfinite(table.iloc[-1]).all()
    same = ["rsi", "adx", "stochastic_k", "cci", "bollinger_percent_b", "average_true_range_percent", "rate_of_change"]
    np.testing.assert_allclose(table[same], plain[same], rtol=1e-5, atol=1e-5)


def test_overflowing_prices_give_nan_and_never_infinity() -> None:
    table = INDICATORS.compute(simulated(6, count=100, start_price=1e308).frame)
    assert not np.isinf(table.to_numpy()).any()


@given(seed=st.integers(0, 10_000), known=st.integers(1, 99), other=st.integers(0, 10_000))
def test_no_past_value_depends_on_the_future(seed: int, known: int, other: int) -> None:
    whole = simulated(seed, drift=None).frame
    changed = whole.copy()
    changed.iloc[known:] = simulated([1, other], timeframe=Timeframe.H1, volatility=0.05).frame.iloc[known:].to_numpy()
    before = INDICATORS.compute(whole).iloc[:known]
    pd.testing.assert_frame_equal(before, INDICATORS.compute(changed).iloc[:known])
    pd.testing.assert_frame_equal(before, INDICATORS.compute(whole.iloc[:known]))


def test_the_newest_values_do_not_depend_on_where_the_frame_starts() -> None:
    whole = simulated(9, drift=None, count=900).frame
    late = INDICATORS.compute(whole.iloc[400:].reset_index(drop=True)).iloc[-1]
    early = INDICATORS.compute(whole).iloc[-1]
    running = ["on_balance_volume", "average_true_range_percentile"]
    np.testing.assert_allclose(late.drop(running), early.drop(running), rtol=1e-6)


def _newest_alone(indicators: TechnicalIndicators, values: FloatArray) -> dict[str, float]:
    columns = indicators.columns(Candles(values.T))
    return {name: float(column[-1]) for name, column in columns.items() if np.isfinite(column[-1])}


@settings(max_examples=15)
@given(
    seed=st.integers(0, 10_000),
    windows=st.lists(st.tuples(st.integers(0, 500), st.integers(1, 320)), min_size=1, max_size=12),
    quiet=st.booleans(),
)
def test_the_newest_of_many_windows_are_bit_for_bit_those_of_each_alone(
    seed: int, windows: list[tuple[int, int]], quiet: bool
) -> None:
    values = simulated(seed, drift=None, count=900).values  # noqa: PD011
    if quiet:
        # Hours without a trade: equal prices, equal ranges and ratios to zero.
        values[200:260] = values[200, [3, 3, 3, 3, 4]] * [1, 1, 1, 1, 0]
    # Neighbors of one length are computed together.
    spans = [(start + shift, start + shift + count) for start, count in windows for shift in range(5)]
    starts, ends = np.array(spans).T
    found = INDICATORS.newest(values, starts, ends)
    for (start, end), newest in zip(spans, found, strict=True):
        alone = _newest_alone(INDICATORS, values[start:end])
        assert list(newest.items()) == list(alone.items())


@settings(max_examples=15)
@given(
    seeds=st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 320)), min_size=1, max_size=8),
    endless=st.booleans(),
)
def test_the_newest_of_many_series_are_bit_for_bit_those_of_each_alone(
    seeds: list[tuple[int, int]], endless: bool
) -> None:
    # Each seed once alone and once with a neighbor of its length, which are computed together.
    lengths = [(seed + shift, count) for seed, count in seeds for shift in range(2)]
    series = [simulated(seed, drift=None, count=count).values.copy() for seed, count in lengths]  # noqa: PD011
    if endless:
        series[0][:, :4] *= 1e306
    found = INDICATORS.newest_of(series)
    assert [list(newest.items()) for newest in found] == [
        list(_newest_alone(INDICATORS, values).items()) for values in series
    ]


def test_no_series_have_no_newest_indicators() -> None:
    assert INDICATORS.newest_of([]) == []


def test_the_newest_are_those_of_ta_where_it_is_the_engine() -> None:
    slow = TechnicalIndicators(configured(IndicatorSettings, engine="ta"))
    values = simulated(3, drift=None, count=140).values  # noqa: PD011
    found = slow.newest(values, np.array([0, 20]), np.array([120, 140]))
    assert found == [_newest_alone(slow, values[:120]), _newest_alone(slow, values[20:])]
    fast = INDICATORS.newest(values, np.array([20]), np.array([140]))[0]
    assert fast == pytest.approx(found[1], rel=1e-8, abs=1e-9)


def test_more_windows_than_are_computed_together_agree_at_any_place() -> None:
    values = simulated(5, drift=None, count=700).values  # noqa: PD011
    starts = np.arange(300)
    found = INDICATORS.newest(values, starts, starts + 300)
    for start in (0, 127, 128, 129, 255, 256, 299):
        assert found[start] == _newest_alone(INDICATORS, values[start : start + 300])
