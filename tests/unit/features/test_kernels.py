"""The kernels against `ta`, on any candles and any length, and against exact sums."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.market import Timeframe
from features.families.definitions import DEFINITIONS
from features.families.family import Indicator
from features.indicators.catalogue import FAMILIES, Engine, compute, indicator
from features.kernels import recursions, windows
from features.kernels.candles import Candles
from tests.fixtures.exchange_candles import exchange_candles
from tests.fixtures.histories import flat_series, simulated
from tests.fixtures.indicators import CUSTOMARY, EVERY, LONGER, SHORTER, closeness

# `ta` keeps a running variance, whose rounding shows in narrow bands.
RUNNING_VARIANCE = {"bollinger_width", "bollinger_percent_b", "historical_volatility"}


def _frame(seed: int | list[int], count: int, volatility: float = 0.003, price: float = 100.0) -> pd.DataFrame:
    return simulated(seed, None, count=count, volatility=volatility, start_price=price).frame


def _assert_equal_to_ta(frame: pd.DataFrame, sample: str) -> None:
    wanted = {"customary": CUSTOMARY, "shorter": SHORTER, "longer": LONGER}[sample]
    fast, slow = compute(frame, wanted), compute(frame, wanted, "ta")
    for tested in wanted:
        difference = closeness(fast[tested.name], slow[tested.name])
        assert difference < (1e-7 if tested.family.name in RUNNING_VARIANCE else 1e-9), f"{tested.name}: {difference}"


@settings(max_examples=12)
@given(
    seed=st.integers(0, 100_000),
    count=st.integers(2, 320),
    volatility=st.sampled_from([0.0005, 0.003, 0.05]),
    sample=st.sampled_from(["customary", "shorter", "longer"]),
)
def test_kernels_equal_ta_on_any_candles(seed: int, count: int, volatility: float, sample: str) -> None:
    _assert_equal_to_ta(_frame(seed, count, volatility), sample)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sample", ["customary", "longer"])
def test_kernels_equal_ta_on_an_exchanges_candles(seed: int, sample: str) -> None:
    _assert_equal_to_ta(exchange_candles(seed, count=600).frame, sample)


def test_every_family_has_a_definition_and_a_name_of_its_own() -> None:
    assert FAMILIES.keys() == DEFINITIONS.keys()
    assert len({tested.name for tested in EVERY}) == len(EVERY)


def test_names_are_the_family_and_its_parameters() -> None:
    assert indicator("rsi").name == "rsi_14"
    assert indicator("macd_histogram").name == "macd_histogram_12_26_9"
    assert indicator("bollinger_percent_b", deviations=2.5).name == "bollinger_percent_b_20_2.5"
    assert indicator("ema", period=9) == indicator("ema", period=9.0)


@pytest.mark.parametrize(
    ("family", "parameters"),
    [("rsi2", {}), ("rsi", {"window": 3}), ("rsi", {"period": 1}), ("ema", {"period": 2.5}), ("psar", {"step": 0})],
)
def test_parameters_out_of_range_are_refused(family: str, parameters: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=family):
        indicator(family, **parameters)


@pytest.mark.parametrize("count", [*range(61), 127, 128, 129, 160, 161])
def test_any_length_gives_a_whole_column_and_nan_in_the_warm_up_only(count: int) -> None:
    frame = _frame(3, count)
    for tested in EVERY:
        values = compute(frame, [tested])[tested.name]
        assert len(values) == count
        assert np.isnan(values[: tested.warm_up]).all()
        assert np.isfinite(values[tested.warm_up :]).all(), tested.name


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000), known=st.integers(1, 399), other=st.integers(0, 10_000))
def test_no_value_depends_on_the_future(seed: int, known: int, other: int) -> None:
    whole = _frame(seed, 400)
    changed = whole.copy()
    changed.iloc[known:] = _frame([1, other], 400, volatility=0.05, price=7.0).iloc[known:].to_numpy()
    before, cut, noise = compute(whole, EVERY), compute(whole.iloc[:known], EVERY), compute(changed, EVERY)
    for tested in EVERY:
        past = before[tested.name][:known]
        # The matrix products add up in another order where the blocks end elsewhere.
        assert closeness(cut[tested.name], past) < 1e-9, tested.name
        np.testing.assert_array_equal(np.isnan(noise[tested.name][:known]), np.isnan(past))
        assert closeness(noise[tested.name][:known], past) < 1e-9, tested.name


@pytest.mark.parametrize("tested", EVERY, ids=lambda tested: tested.name)
def test_a_settled_value_no_longer_depends_on_the_start(tested: Indicator) -> None:
    whole = _frame(11, 4_000)
    values = compute(whole, [tested])[tested.name]
    typical = np.nanmedian(np.abs(values))
    if tested.settled is None:
        assert tested.family.name in {"obv", "vpt", "adi", "nvi"}
        return
    assert tested.warm_up < tested.settled
    for end in (3_200, 3_600, 4_000):
        if tested.settled < end:
            late = compute(whole.iloc[end - tested.settled : end], [tested])[tested.name][-1]
            assert late == pytest.approx(values[end - 1], rel=1e-6, abs=1e-6 * typical), tested.settled


@pytest.mark.parametrize("price", [1e-12, 1e-8, 1e9, 1e12])
def test_any_price_gives_the_same_shape(price: float) -> None:
    values, plain = compute(_frame(6, 200, price=price), CUSTOMARY), compute(_frame(6, 200), CUSTOMARY)
    for tested in CUSTOMARY:
        assert np.isfinite(values[tested.name][tested.warm_up :]).all(), tested.name
        if "price" not in tested.family.scale and tested.family.scale not in {"volume", "turnover"}:
            assert closeness(values[tested.name], plain[tested.name]) < 1e-4, tested.name


@pytest.mark.parametrize("price", [1e-12, 0.1, 1e12])
def test_a_flat_market_gives_finite_values_or_nan(price: float) -> None:
    found = compute(flat_series(count=200, price=price).frame, EVERY)
    assert not any(np.isinf(values).any() for values in found.values())
    for name in ("stochastic_k_14", "williams_r_14", "cci_20", "bollinger_percent_b_20_2", "mfi_14", "tsi_25_13"):
        assert np.isnan(found[name]).all(), name
    for name in ("atr_14", "adx_14", "plus_di_14", "bollinger_width_20_2", "historical_volatility_20", "roc_12"):
        assert (found[name][-100:] == 0).all(), name
    assert (found["rsi_14"][13:] == 50).all()


def test_no_volume_gives_finite_values_or_nan() -> None:
    found = compute(_frame(4, 200).assign(volume=0.0), EVERY)
    assert not any(np.isinf(values).any() for values in found.values())
    for name in ("cmf_20", "mfi_14", "vwap_20", "volume_ratio_20", "volume_roc_12", "ease_of_movement_14"):
        assert np.isnan(found[name]).all(), name


def test_prices_that_overflow_never_give_infinity_nor_touch_the_past() -> None:
    frame = _frame(6, 300)
    before = compute(frame, EVERY)
    frame.loc[200:, ["open", "high", "low", "close"]] *= 1e307
    after = compute(frame, EVERY)
    for tested in EVERY:
        assert not np.isinf(after[tested.name]).any(), tested.name
        assert closeness(after[tested.name][:200], before[tested.name][:200]) < 1e-9, tested.name


@pytest.mark.parametrize("window", [1, 2, 3, 7, 14, 20, 31, 64])
def test_windows_equal_exact_sums_at_any_level(window: int) -> None:
    rng = np.random.default_rng(window)
    # A level of a billion for a thousand rows, then of one: a running sum would keep the rounding.
    values = np.concatenate((1e9 + rng.random(1000), rng.random(1000)))
    sums, squares = (
        windows.rolling_sum(values, window),
        windows.rolling_squares(values, window, windows.rolling_mean(values, window)),
    )
    highest, lowest = windows.rolling_max(values, window), windows.rolling_min(values, window)
    ages = windows.age_of_max(values, window)
    for row in (*range(0, 2001 - window, 97), 2000 - window):
        part = values[row : row + window].tolist()
        mean = math.fsum(part) / window
        assert sums[row] == pytest.approx(math.fsum(part), rel=1e-15)
        assert squares[row] == pytest.approx(math.fsum((x - mean) ** 2 for x in part), rel=1e-6, abs=1e-12)
        assert (highest[row], lowest[row]) == (max(part), min(part))
        assert ages[row] == window - 1 - part.index(max(part))


@pytest.mark.parametrize("count", [1, 2, 31, 32, 33, 128, 129, 1000, 5000])
@pytest.mark.parametrize("decay", [0.0, 0.3, 0.93, 0.999])
def test_recursions_equal_a_loop(count: int, decay: float) -> None:
    values = np.random.default_rng(count).random(count)
    total, expected = 0.0, []
    for value in values.tolist():
        total = decay * total + value
        expected.append(total)
    np.testing.assert_allclose(recursions.decayed(values, decay), expected, rtol=1e-12)


@pytest.mark.parametrize("count", [1, 5, 31, 32, 33, 60, 96, 128, 129, 300, 4200])
@pytest.mark.parametrize("series", [1, 2, 3, 40])
def test_a_recursion_over_many_series_is_bit_for_bit_that_over_each(count: int, series: int) -> None:
    values = np.random.default_rng([count, series]).random((series, count))
    for decay in (0.0, 0.3, 0.93, 0.999):
        together = recursions.decayed(values, decay)
        assert together.tolist() == [recursions.decayed(one, decay).tolist() for one in values]
    averages = recursions.wilder(values, min(14, count))
    assert averages.tolist() == [recursions.wilder(one, min(14, count)).tolist() for one in values]


def test_a_series_that_is_not_finite_leaves_the_others_untouched() -> None:
    values = np.random.default_rng(1).random((3, 200))
    values[1, 150] = np.inf
    with np.errstate(all="ignore"):
        first, second, third = recursions.decayed(values, 0.9)
    np.testing.assert_array_equal(np.isnan(second), np.arange(200) >= 150)
    assert first.tolist() == recursions.decayed(values[0], 0.9).tolist()
    assert third.tolist() == recursions.decayed(values[2], 0.9).tolist()


@pytest.mark.parametrize("window", [2, 8, 9, 14, 20, 50])
def test_a_window_alone_is_bit_for_bit_the_one_among_others(window: int) -> None:
    values = np.random.default_rng(window).random(windows.PIECE + window)
    # The last piece of a series may have one window only.
    for series in (values, values[1:], values[:-1]):
        means = windows.rolling_mean(series, window)
        squares = windows.rolling_squares(series, window, means)
        deviations = windows.mean_deviation(series, window, means)
        skews = windows.rolling_skew(series, window)
        for at in (0, 1, 77, len(means) - 2, len(means) - 1):
            part, mean = series[at : at + window], means[at : at + 1]
            assert windows.rolling_squares(part, window, mean)[0] == squares[at]
            assert windows.mean_deviation(part, window, mean)[0] == deviations[at]
            assert windows.rolling_skew(part, window)[0] == skews[at]


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000), start=st.integers(0, 200), beyond=st.integers(1, 60))
def test_a_rolling_indicator_needs_its_warm_up_and_its_own_candle_alone(seed: int, start: int, beyond: int) -> None:
    frame = _frame(seed, 420)
    for tested in EVERY:
        if tested.rolling:
            end = min(start + tested.warm_up + beyond, 420)
            whole, part = compute(frame, [tested])[tested.name], compute(frame.iloc[start:end], [tested])[tested.name]
            assert part[tested.warm_up :].tolist() == whole[start + tested.warm_up : end].tolist(), tested.name


def test_shared_intermediate_results_are_computed_once() -> None:
    candles = Candles.of(_frame(1, 100))
    compute(candles, [indicator("macd"), indicator("macd_signal"), indicator("macd_histogram"), indicator("ppo")])
    made = [key[0].__name__ for key in candles.memory]  # type: ignore[index]  # keys begin with the function
    assert sorted(made) == ["exponential_average", "exponential_average", "macd", "macd_signal", "ppo"]


def test_both_engines_accept_an_index_of_times() -> None:
    frame = _frame(1, 200)
    dated = frame.set_index(pd.date_range("2024-01-01", periods=200, freq=f"{Timeframe.H1.ms}ms", tz="UTC"))
    engines: tuple[Engine, ...] = ("fast", "ta")
    for engine in engines:
        plain, found = compute(frame, CUSTOMARY, engine), compute(dated, CUSTOMARY, engine)
        for name, values in plain.items():
            np.testing.assert_array_equal(found[name], values, err_msg=name)
