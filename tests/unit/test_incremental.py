"""Rows made candle by candle are those of the batch: every column, any market, through gaps, after a restart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from domain.errors import InvalidMarketData
from domain.market import CandleLike, CandleSeries, Timeframe
from features.catalogue import indicator
from features.columns import Column, against_turnover, changed, compared, higher, lagged, windowed
from features.feature_engineering import FeatureEngineer
from features.feature_sets import STANDARD, WIDE, FeatureSet
from features.incremental.columns import find_machine
from features.incremental.engine import IncrementalFeatures
from services.market_data.csv_candles import read_candles
from tests.fixtures.histories import simulated
from tests.unit.test_feature_edges import MARKETS

# What rounding may differ by, in sizes of the value or of the column, whichever is larger: where a
# difference of large numbers passes through 0, neither form knows its last digits.
ROUNDING = 1e-9
# Distances from averages are differences of prices: in a flat market only the prices' own rounding is left of them.
LAST_DIGITS = 1e-13


def rows_of(incremental: IncrementalFeatures, candles: Iterable[CandleLike]) -> NDArray[np.float64]:
    return np.array([incremental.update(candle) for candle in candles])


def differing(
    rows: NDArray[np.float64], expected: NDArray[np.float64], columns: Sequence[Column], tolerance: float = ROUNDING
) -> list[str]:
    """Return the names of the columns in which two tables differ; a value missing in one is a difference."""
    assert rows.shape == expected.shape
    known = np.where(np.isnan(expected), 0.0, expected)
    sizes = np.maximum(np.abs(known), np.sqrt((known**2).mean(axis=0)))
    close = np.abs(rows - expected) <= tolerance * sizes + LAST_DIGITS
    same = (close | (np.isnan(rows) & np.isnan(expected))).all(axis=0)
    return [column.name for column, equal in zip(columns, same, strict=True) if not equal]


def unlike_the_batch(feature_set: FeatureSet, series: CandleSeries) -> list[str]:
    rows = rows_of(IncrementalFeatures(feature_set), series.candles)
    return differing(rows, FeatureEngineer(feature_set).transform(series).to_numpy(), feature_set.columns)


def with_gaps(series: CandleSeries, share: float, seed: int) -> CandleSeries:
    kept = np.flatnonzero(np.random.default_rng(seed).random(len(series)) >= share).tolist()
    return CandleSeries(series.timeframe, [series.candles[place] for place in kept])


@pytest.fixture(scope="module")
def market() -> CandleSeries:
    return simulated(21, timeframe=Timeframe.M15, count=900)


@pytest.mark.parametrize("column", STANDARD.columns, ids=lambda column: column.name)
def test_every_standard_column_has_a_machine_that_needs_no_other_column(column: Column, market: CandleSeries) -> None:
    assert find_machine(column) is not None
    assert unlike_the_batch(FeatureSet("one", (column,)), market.tail(200)) == []


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 100_000),
    gaps=st.sampled_from([0.0, 0.02, 0.3]),
    volatility=st.sampled_from([1e-5, 0.003, 0.05]),
    price=st.sampled_from([1e-8, 100.0, 1e9]),
)
def test_any_history_gives_the_rows_of_the_batch(seed: int, gaps: float, volatility: float, price: float) -> None:
    series = simulated(seed, timeframe=Timeframe.M15, count=300, volatility=volatility, start_price=price)
    assert unlike_the_batch(STANDARD, with_gaps(series, gaps, seed)) == []


@pytest.mark.parametrize("name", MARKETS)
def test_markets_at_their_limits_give_the_rows_of_the_batch(name: str) -> None:
    assert unlike_the_batch(STANDARD, MARKETS[name]) == []


@pytest.mark.parametrize("market_name", ["flat", "no volume", "flat without volume", "volume now and then"])
def test_where_the_market_gives_no_answer_columns_are_neutral(market_name: str) -> None:
    newest = rows_of(IncrementalFeatures(STANDARD), MARKETS[market_name].candles)[-1]
    assert np.isfinite(newest).all()
    value = dict(zip((column.name for column in STANDARD.columns), newest.tolist(), strict=True))
    if "flat" in market_name:
        assert (value["rsi_14"], value["stochastic_k_14"], value["volatility_ratio_5_10"]) == (50, 50, 1)
        assert (value["cci_20"], value["price_position"], value["volatility_20"]) == (0, 0.5, 0)
    if "no volume" in market_name:
        assert (value["mfi_14"], value["volume_ratio_20"], value["obv_balance_20"]) == (50, 1, 0)


def test_other_periods_have_machines_too(market: CandleSeries) -> None:
    """Machines follow the parameters of a column, not its exact name: many columns of the wide set have one."""
    columns = tuple(column for column in WIDE.columns if find_machine(column))
    names = {column.name for column in columns} - {column.name for column in STANDARD.columns}
    assert {"ema_100_distance", "adx_28", "volatility_96", "rsi_7", "vpt_mean_50", "hl_spread_lag_5"} <= names
    assert unlike_the_batch(FeatureSet("with machines", columns), market) == []


def test_sums_do_not_remember_a_level_that_is_long_past() -> None:
    high = simulated(22, timeframe=Timeframe.M15, count=400, start_price=1e9).candles
    low = simulated(23, timeframe=Timeframe.M15, count=2400).candles[400:]
    series = CandleSeries(Timeframe.M15, [*high, *low])
    rows = rows_of(IncrementalFeatures(STANDARD), series.candles)[-300:]
    alone = FeatureEngineer(STANDARD).transform(CandleSeries(Timeframe.M15, low)).to_numpy()[-300:]
    assert differing(rows, alone, STANDARD.columns) == []


def test_warm_ups_are_those_of_the_columns(market: CandleSeries) -> None:
    rows = rows_of(IncrementalFeatures(STANDARD), market.candles[:100])
    assert np.isnan(rows).sum(axis=0).tolist() == [column.warm_up for column in STANDARD.columns]


@pytest.mark.parametrize("known", [0, 1, 13, 48, 500])
def test_a_restart_from_the_history_gives_the_very_rows(known: int, market: CandleSeries) -> None:
    series = with_gaps(market, 0.05, 3)
    continuous = rows_of(IncrementalFeatures(STANDARD), series.candles)
    restarted = IncrementalFeatures(STANDARD)
    restarted.warm_up_with(CandleSeries(series.timeframe, series.candles[:known]))
    rows = rows_of(restarted, series.candles[known:])
    np.testing.assert_array_equal(rows, continuous[known:])


def test_the_needed_history_is_enough_for_a_restart(market: CandleSeries) -> None:
    past = CandleSeries(market.timeframe, market.candles[:-100])
    whole, recent = IncrementalFeatures(STANDARD), IncrementalFeatures(STANDARD)
    whole.warm_up_with(past)
    recent.warm_up_with(past.tail(STANDARD.history - 1))
    rows, expected = rows_of(recent, market.candles[-100:]), rows_of(whole, market.candles[-100:])
    assert differing(rows, expected, STANDARD.columns, tolerance=1e-6) == []


def test_two_markets_do_not_share_a_memory(market: CandleSeries) -> None:
    first, second = IncrementalFeatures(STANDARD), IncrementalFeatures(STANDARD)
    other = simulated(24, timeframe=Timeframe.M15, count=len(market)).candles
    rows = np.array([(first.update(a), second.update(b))[0] for a, b in zip(market.candles, other, strict=True)])
    np.testing.assert_array_equal(rows, rows_of(IncrementalFeatures(STANDARD), market.candles))


@pytest.mark.parametrize("steps_back", [0, 1, 30])
def test_an_old_candle_is_refused_and_changes_nothing(steps_back: int, market: CandleSeries) -> None:
    incremental = IncrementalFeatures(STANDARD)
    incremental.warm_up_with(CandleSeries(market.timeframe, market.candles[:200]))
    with pytest.raises(InvalidMarketData, match=f"opens at {market.candles[199 - steps_back].timestamp}"):
        incremental.update(market.candles[199 - steps_back])
    expected = rows_of(IncrementalFeatures(STANDARD), market.candles[:201])[-1]
    np.testing.assert_array_equal(incremental.update(market.candles[200]), expected)


def test_a_row_belongs_to_the_caller(market: CandleSeries) -> None:
    incremental = IncrementalFeatures(STANDARD)
    incremental.update(market.candles[0])[:] = 7.0
    expected = rows_of(IncrementalFeatures(STANDARD), market.candles[:2])[-1]
    np.testing.assert_array_equal(incremental.update(market.candles[1]), expected)


def test_columns_without_a_machine_are_named() -> None:
    mine = windowed("mine_5", "price", 0, lambda bars: bars.close / bars.open, "close / open", "ratio")
    with pytest.raises(ValueError, match=r"no machine for 1 of the 76 columns of test: mine_5$"):
        IncrementalFeatures(FeatureSet("test", (*STANDARD.columns, mine)))
    with pytest.raises(ValueError, match=r"of wide: .*kama_10_2_30_distance.*x4_rsi_14.*x4_adx_14$"):
        IncrementalFeatures(WIDE)


def test_a_known_indicator_in_an_unknown_relation_has_no_machine() -> None:
    relations = (
        against_turnover(indicator("atr"), 20),
        changed(indicator("rsi"), 5),
        compared(indicator("ema", period=9), indicator("ema", period=21)),
        higher(STANDARD.columns[0], 4),
    )
    assert [column.name for column in relations if find_machine(column) or find_machine(lagged(column, 2))] == []


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["BTCUSDT-15m.csv.gz", "ETHUSDT-1h.csv.gz"])
def test_table_window_and_incremental_agree_on_real_candles(name: str, real_data: Path) -> None:
    series = read_candles(real_data / name, 2**42).tail(5000)
    engineer = FeatureEngineer(STANDARD)
    table = engineer.transform(series).to_numpy()
    rows = rows_of(IncrementalFeatures(STANDARD), series.candles)
    assert differing(rows, table, STANDARD.columns) == []
    for end in (1000, 2345, 5000):
        window = engineer.last_window(CandleSeries(series.timeframe, series.candles[:end]), 60)
        assert differing(rows[end - 60 : end], window, STANDARD.columns, tolerance=1e-6) == []


@pytest.mark.realdata
def test_real_gaps_give_the_rows_of_the_batch(real_data: Path) -> None:
    series = read_candles(real_data / "BTCUSDT-1h.csv.gz", 2**42)
    times = np.array([candle.timestamp for candle in series.candles])
    gap = int(np.argmax(np.diff(times) > series.timeframe.ms))
    around = CandleSeries(series.timeframe, series.candles[max(0, gap - 2500) : gap + 2500])
    assert around.missing
    assert unlike_the_batch(STANDARD, around) == []
