"""Markets at their limits: finite after the warm-up, NaN before it, never an exception, never infinite."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from domain.hours.sessions import AROUND_THE_CLOCK
from domain.market import MAX_PRICE, MAX_VOLUME, MIN_PRICE, Candle, CandleSeries, Timeframe
from features.columns.feature_sets import FEATURE_SETS, STANDARD, FeatureSet
from features.feature_engineering import FeatureEngineer
from tests.fixtures.histories import START_MS, simulated

COUNT = 700
STEP = Timeframe.M15.ms
SETS = pytest.mark.parametrize("feature_set", FEATURE_SETS.values(), ids=FEATURE_SETS)


def made(price: Callable[[int], float], volume: Callable[[int], float] = lambda i: 5.0) -> CandleSeries:
    """Return candles without a range at the given prices."""
    rows = [(START_MS + i * STEP, price(i), volume(i)) for i in range(COUNT)]
    return CandleSeries.ordered(Timeframe.M15, [Candle(time, p, p, p, p, v) for time, p, v in rows]).of_market(
        AROUND_THE_CLOCK
    )


def scaled_market(factor: float, volume: float) -> CandleSeries:
    candles = simulated(5, timeframe=Timeframe.M15, count=COUNT).candles
    return CandleSeries.ordered(
        Timeframe.M15,
        [
            Candle(c.timestamp, c.open * factor, c.high * factor, c.low * factor, c.close * factor, c.volume * volume)
            for c in candles
        ],
    ).of_market(AROUND_THE_CLOCK)


MARKETS = {
    "flat": made(lambda i: 100.0),
    "flat, at a price without an exact float": made(lambda i: 0.1 + 0.2),
    "flat, then one jump": made(lambda i: 100.0 if i < 600 else 130.0),
    "rising by the same step": made(lambda i: 100.0 + i),
    "no volume": made(lambda i: 100.0 + i % 7, lambda i: 0.0),
    "volume now and then": made(lambda i: 100.0 + i % 7, lambda i: float(i % 50 == 0)),
    "flat without volume": made(lambda i: 100.0, lambda i: 0.0),
    "smallest prices": scaled_market(MIN_PRICE, 1.0),
    "largest prices": scaled_market(MAX_PRICE / 1e4, 1.0),
    "largest volumes": scaled_market(1.0, MAX_VOLUME / 1e9),
    "smallest volumes": scaled_market(1.0, 1e-300),
    "from the smallest price to the largest": made(lambda i: MIN_PRICE if i % 2 else MAX_PRICE),
}


@SETS
@pytest.mark.parametrize("name", MARKETS)
def test_columns_are_finite_after_their_warm_up(feature_set: FeatureSet, name: str) -> None:
    table = FeatureEngineer(feature_set).transform(MARKETS[name])
    assert len(table) == COUNT
    assert not np.isinf(table.to_numpy()).any()
    wrong = [
        column.name
        for column in feature_set.columns
        if not np.isfinite(table[column.name].iloc[column.warm_up :]).all()
    ]
    assert wrong == []


@pytest.mark.parametrize("name", ["flat", "no volume", "flat without volume", "volume now and then"])
def test_columns_are_neutral_where_their_formula_has_no_value(name: str) -> None:
    newest = FeatureEngineer(STANDARD).transform(MARKETS[name]).iloc[-1]
    assert np.isfinite(newest).all()
    if "flat" in name:
        assert (newest["rsi_14"], newest["stochastic_k_14"], newest["volatility_ratio_5_10"]) == (50, 50, 1)
        assert (newest["cci_20"], newest["price_position"], newest["volatility_20"]) == (0, 0.5, 0)
    if name in ("no volume", "flat without volume"):
        assert (newest["mfi_14"], newest["volume_ratio_20"], newest["obv_balance_20"]) == (50, 1, 0)


def test_sums_do_not_depend_on_a_level_before_their_window() -> None:
    high = simulated(22, timeframe=Timeframe.M15, count=400, start_price=1e9).candles
    low = simulated(23, timeframe=Timeframe.M15, count=2400).candles[400:]
    whole = FeatureEngineer(STANDARD).matrix(CandleSeries(Timeframe.M15, [*high, *low]))[-300:]
    alone = FeatureEngineer(STANDARD).matrix(CandleSeries(Timeframe.M15, low))[-300:]
    sizes = np.maximum(np.abs(alone), np.sqrt((alone**2).mean(axis=0)))
    same = (np.abs(whole - alone) <= 1e-9 * sizes + 1e-13).all(axis=0)
    assert [column.name for column, equal in zip(STANDARD.columns, same, strict=True) if not equal] == []


@SETS
@pytest.mark.parametrize("offset", [0, 1, 5, 15])
def test_warm_ups_are_exact(feature_set: FeatureSet, offset: int) -> None:
    series = simulated(6, timeframe=Timeframe.M15, count=COUNT)
    table = FeatureEngineer(feature_set).transform(CandleSeries(series.timeframe, series.candles[offset:]))
    missing = {column: int(table[column.name].isna().sum()) for column in feature_set.columns}
    # Warm-ups hold for the worst place to start within a higher candle: one row after its first.
    wrong = [c.name for c, rows in missing.items() if not c.warm_up - c.factor + 1 <= rows <= c.warm_up]
    assert wrong == []
    if offset == 1:
        assert [c.name for c, rows in missing.items() if rows != c.warm_up] == []


@SETS
@pytest.mark.parametrize("count", [0, 1, 2, 3, 17])
def test_a_few_candles_give_a_row_each(feature_set: FeatureSet, count: int) -> None:
    table = FeatureEngineer(feature_set).transform(
        simulated(8, timeframe=Timeframe.M15, count=100).tail(count) if count else CandleSeries(Timeframe.M15, [])
    )
    assert table.shape == (count, len(feature_set.columns))
    assert not np.isinf(table.to_numpy()).any()


@SETS
def test_gaps_leave_the_base_columns_whole(feature_set: FeatureSet) -> None:
    series = simulated(9, timeframe=Timeframe.M15, count=COUNT)
    rng = np.random.default_rng(9)
    kept = np.flatnonzero(rng.random(COUNT) > 0.1).tolist()
    table = FeatureEngineer(feature_set).transform(CandleSeries(series.timeframe, [series.candles[i] for i in kept]))
    assert len(table) == len(kept)
    base = [column for column in feature_set.columns if column.factor == 1]
    assert all(np.isfinite(table[column.name].iloc[column.warm_up :]).all() for column in base)
    assert not np.isinf(table.to_numpy()).any()


@SETS
def test_prices_and_volumes_in_other_units_give_the_same_columns(feature_set: FeatureSet) -> None:
    """Every column is scale-free: in another currency, and in lots instead of pieces, nothing changes."""
    plain = FeatureEngineer(feature_set).transform(scaled_market(1.0, 1.0))
    other = FeatureEngineer(feature_set).transform(scaled_market(64.0, 1024.0))
    same = np.isclose(plain.to_numpy(), other.to_numpy(), rtol=1e-9, atol=1e-9, equal_nan=True).all(axis=0)
    assert plain.columns[~same].tolist() == []
