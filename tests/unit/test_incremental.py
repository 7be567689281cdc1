"""Rows made candle by candle are those of the batch: every column, any market, through gaps, after a restart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.arrays import FloatArray
from domain.errors import InvalidMarketData
from domain.market import CandleLike, CandleSeries, Timeframe
from features.catalogue import indicator
from features.columns import Column, against_turnover, changed, compared, higher, lagged, scaled, windowed
from features.feature_engineering import FeatureEngineer
from features.feature_groups import price_position
from features.feature_sets import FEATURE_SETS, STANDARD, WIDE, FeatureSet
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
M15 = Timeframe.M15
SETS = pytest.mark.parametrize("feature_set", FEATURE_SETS.values(), ids=lambda each: each.name)


def begun(
    feature_set: FeatureSet, history: Sequence[CandleLike] = (), timeframe: Timeframe = M15
) -> IncrementalFeatures:
    return FeatureEngineer(feature_set).incremental(CandleSeries(timeframe, history))


def rows_of(incremental: IncrementalFeatures, candles: Iterable[CandleLike]) -> FloatArray:
    return np.array([incremental.update(candle) for candle in candles])


def differing(
    rows: FloatArray, expected: FloatArray, columns: Sequence[Column], tolerance: float = ROUNDING
) -> list[str]:
    """Return the names of the columns in which two tables differ; a value missing in one is a difference."""
    assert rows.shape == expected.shape
    known = np.where(np.isnan(expected), 0.0, expected)
    sizes = np.maximum(np.abs(known), np.sqrt((known**2).mean(axis=0)))
    close = np.abs(rows - expected) <= tolerance * sizes + LAST_DIGITS
    same = (close | (np.isnan(rows) & np.isnan(expected))).all(axis=0)
    return [column.name for column, equal in zip(columns, same, strict=True) if not equal]


def unlike_the_batch(feature_set: FeatureSet, series: CandleSeries) -> list[str]:
    rows = rows_of(begun(feature_set, timeframe=series.timeframe), series.candles)
    return differing(rows, FeatureEngineer(feature_set).transform(series).to_numpy(), feature_set.columns)


def with_gaps(series: CandleSeries, share: float, seed: int) -> CandleSeries:
    kept = np.flatnonzero(np.random.default_rng(seed).random(len(series)) >= share).tolist()
    return CandleSeries(series.timeframe, [series.candles[place] for place in kept])


@pytest.fixture(scope="module")
def market() -> CandleSeries:
    return simulated(21, timeframe=M15, count=1700)


@pytest.mark.parametrize("column", WIDE.columns, ids=lambda column: column.name)
def test_every_column_has_a_machine_that_needs_no_other_column(column: Column, market: CandleSeries) -> None:
    alone = FeatureSet("alone", (column,))
    series = market.tail(column.warm_up + 150)
    assert unlike_the_batch(alone, series) == []
    assert np.isfinite(rows_of(begun(alone), series.candles)[column.warm_up :]).all()


@SETS
@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 100_000),
    gaps=st.sampled_from([0.0, 0.02, 0.3]),
    volatility=st.sampled_from([1e-5, 0.003, 0.05]),
    price=st.sampled_from([1e-8, 100.0, 1e9]),
)
def test_any_history_gives_the_rows_of_the_batch(
    feature_set: FeatureSet, seed: int, gaps: float, volatility: float, price: float
) -> None:
    series = simulated(seed, timeframe=M15, count=feature_set.warm_up + 250, volatility=volatility, start_price=price)
    assert unlike_the_batch(feature_set, with_gaps(series, gaps, seed)) == []


@SETS
@pytest.mark.parametrize("name", MARKETS)
def test_markets_at_their_limits_give_the_rows_of_the_batch(feature_set: FeatureSet, name: str) -> None:
    # Squares of volumes below 1e-154 vanish in the batch; the incremental form scales them first.
    vanishing = {"volume_variation_20", "volume_variation_60"} if name == "smallest volumes" else set()
    assert set(unlike_the_batch(feature_set, MARKETS[name])) <= vanishing


@pytest.mark.parametrize("market_name", ["flat", "no volume", "flat without volume", "volume now and then"])
def test_where_the_market_gives_no_answer_columns_are_neutral(market_name: str) -> None:
    newest = rows_of(begun(STANDARD), MARKETS[market_name].candles)[-1]
    assert np.isfinite(newest).all()
    value = dict(zip((column.name for column in STANDARD.columns), newest.tolist(), strict=True))
    if "flat" in market_name:
        assert (value["rsi_14"], value["stochastic_k_14"], value["volatility_ratio_5_10"]) == (50, 50, 1)
        assert (value["cci_20"], value["price_position"], value["volatility_20"]) == (0, 0.5, 0)
    if "no volume" in market_name:
        assert (value["mfi_14"], value["volume_ratio_20"], value["obv_balance_20"]) == (50, 1, 0)


def test_machines_follow_the_parameters_of_a_column(market: CandleSeries) -> None:
    columns = (
        scaled(indicator("ema", period=33)),
        against_turnover(indicator("force_index", period=5), 7),
        changed(indicator("rsi"), 5),
        compared(indicator("ema", period=9), indicator("ema", period=90)),
        lagged(scaled(indicator("atr", period=9)), 7),
        higher(scaled(indicator("macd", fast=3, slow=7)), 2),
        higher(lagged(scaled(indicator("roc", period=4)), 3), 8),
    )
    assert unlike_the_batch(FeatureSet("with other parameters", columns), market) == []


def test_sums_do_not_remember_a_level_that_is_long_past() -> None:
    high = simulated(22, timeframe=M15, count=400, start_price=1e9).candles
    low = simulated(23, timeframe=M15, count=2400).candles[400:]
    series = CandleSeries(M15, [*high, *low])
    rows = rows_of(begun(STANDARD), series.candles)[-300:]
    alone = FeatureEngineer(STANDARD).transform(CandleSeries(M15, low)).to_numpy()[-300:]
    assert differing(rows, alone, STANDARD.columns) == []


@SETS
@pytest.mark.parametrize("offset", [0, 1, 7])
def test_rows_are_missing_as_long_as_in_the_batch(feature_set: FeatureSet, offset: int, market: CandleSeries) -> None:
    """Wherever within a higher candle the first candle lies."""
    series = CandleSeries(M15, market.candles[offset : offset + 400])
    rows, table = rows_of(begun(feature_set), series.candles), FeatureEngineer(feature_set).transform(series)
    np.testing.assert_array_equal(np.isnan(rows), table.isna())


def test_a_higher_candle_with_a_missing_part_is_left_out(market: CandleSeries) -> None:
    """It shows with the close that completes it, and what was shown before stays through a gap."""
    four = FeatureSet("four", (higher(price_position(), 4),))
    whole = rows_of(begun(four), market.candles[:12])[:, 0]
    assert np.isnan(whole[:3]).all()
    assert len(set(whole[3:7])) == len(set(whole[7:11])) == 1
    assert len({whole[3], whole[7], whole[11]}) == 3
    broken = [*market.candles[:5], *market.candles[6:12]]
    shown = rows_of(begun(four), broken)[:, 0]
    assert set(shown[3:10]) == {whole[3]}
    assert shown[10] == whole[11]


@SETS
@pytest.mark.parametrize("known", [0, 1, 13, 48, 500])
def test_a_restart_from_the_history_gives_the_very_rows(
    feature_set: FeatureSet, known: int, market: CandleSeries
) -> None:
    candles = with_gaps(market.tail(900), 0.05, 3).candles
    continuous = rows_of(begun(feature_set), candles)
    rows = rows_of(begun(feature_set, candles[:known]), candles[known:])
    np.testing.assert_array_equal(rows, continuous[known:])


@SETS
def test_the_needed_history_is_enough_for_a_restart(feature_set: FeatureSet, market: CandleSeries) -> None:
    past = CandleSeries(M15, market.candles[:-100])
    recent, whole = begun(feature_set, past.tail(feature_set.history - 1).candles), begun(feature_set, past.candles)
    rows, expected = rows_of(recent, market.candles[-100:]), rows_of(whole, market.candles[-100:])
    assert differing(rows, expected, feature_set.columns, tolerance=1e-6) == []


def test_two_markets_do_not_share_a_memory(market: CandleSeries) -> None:
    first, second = begun(WIDE), begun(WIDE)
    other = simulated(24, timeframe=M15, count=len(market)).candles
    rows = np.array([(first.update(a), second.update(b))[0] for a, b in zip(market.candles, other, strict=True)])
    np.testing.assert_array_equal(rows, rows_of(begun(WIDE), market.candles))


@pytest.mark.parametrize("steps_back", [0, 1, 30])
def test_an_old_candle_is_refused_and_changes_nothing(steps_back: int, market: CandleSeries) -> None:
    incremental = begun(WIDE, market.candles[:200])
    with pytest.raises(InvalidMarketData, match=f"opens at {market.candles[199 - steps_back].timestamp}"):
        incremental.update(market.candles[199 - steps_back])
    expected = rows_of(begun(WIDE), market.candles[:201])[-1]
    np.testing.assert_array_equal(incremental.update(market.candles[200]), expected)


def test_a_row_belongs_to_the_caller(market: CandleSeries) -> None:
    incremental = begun(WIDE, market.candles[:400])
    incremental.update(market.candles[400])[:] = 7.0
    expected = rows_of(begun(WIDE), market.candles[:402])[-1]
    np.testing.assert_array_equal(incremental.update(market.candles[401]), expected)


def test_columns_without_a_machine_are_named() -> None:
    mine = windowed("mine_5", "price", 0, lambda bars: bars.close / bars.open, "close / open", "ratio")
    with pytest.raises(ValueError, match=r"no machine for 1 of the 241 columns of test: mine_5$"):
        begun(FeatureSet("test", (*WIDE.columns, mine)))


def test_what_looks_like_a_known_column_has_no_machine() -> None:
    average = scaled(indicator("ema"))
    unknown = (
        scaled(indicator("wma")),
        replace(average, definition="close - ema_21"),
        replace(higher(average, 4), name="ema_21_distance"),
        lagged(higher(average, 4), 2),
    )
    assert [column.name for column in unknown if find_machine(column)] == []


@SETS
@pytest.mark.realdata
@pytest.mark.parametrize("name", ["BTCUSDT-15m.csv.gz", "ETHUSDT-1h.csv.gz"])
def test_table_window_and_incremental_agree_on_real_candles(
    feature_set: FeatureSet, name: str, real_data: Path
) -> None:
    """What a model is trained on, what a request computes and what a stream computes."""
    series = read_candles(real_data / name, 2**42).tail(5000)
    engineer = FeatureEngineer(feature_set)
    table = engineer.transform(series).to_numpy()
    rows = rows_of(engineer.incremental(CandleSeries(series.timeframe, [])), series.candles)
    assert differing(rows, table, feature_set.columns) == []
    windows = rows.copy()
    for end in range(1500, 5001, 500):
        windows[end - 60 : end] = engineer.last_window(CandleSeries(series.timeframe, series.candles[:end]), 60)
    assert differing(windows, rows, feature_set.columns, tolerance=1e-6) == []
    assert differing(windows, table, feature_set.columns, tolerance=1e-6) == []


@SETS
@pytest.mark.realdata
def test_real_gaps_give_the_rows_of_the_batch(feature_set: FeatureSet, real_data: Path) -> None:
    series = read_candles(real_data / "BTCUSDT-1h.csv.gz", 2**42)
    times = np.array([candle.timestamp for candle in series.candles])
    gap = int(np.argmax(np.diff(times) > series.timeframe.ms))
    around = CandleSeries(series.timeframe, series.candles[max(0, gap - 2500) : gap + 2500])
    assert around.missing
    assert unlike_the_batch(feature_set, around) == []
