"""No column of any set depends on the future, on where the series starts, or on a forming higher candle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from domain.market import Candle, CandleSeries, Timeframe
from features.columns.column import Column, windowed
from features.columns.feature_sets import FEATURE_SETS, STANDARD, WIDE, FeatureSet
from features.feature_engineering import FeatureEngineer
from tests.fixtures.exchange_candles import exchange_candles
from tests.fixtures.histories import simulated

# Neither is a multiple of 16, so that higher candles are open at the cut.
CUTS = (1003, 1477)
SETS = pytest.mark.parametrize("feature_set", FEATURE_SETS.values(), ids=FEATURE_SETS)


@pytest.fixture(scope="module")
def market() -> CandleSeries:
    return simulated(7, timeframe=Timeframe.M15, count=1600)


def part(series: CandleSeries, start: int, end: int) -> CandleSeries:
    return CandleSeries(series.timeframe, series.candles[start:end])


def with_noise_after(series: CandleSeries, cut: int) -> CandleSeries:
    """Return the series with all candles from `cut` on replaced by others, at ten times the price."""
    rng = np.random.default_rng(cut)
    noise = []
    for candle in series.candles[cut:]:
        a, b, c, d = np.sort(rng.uniform(5, 15, 4) * candle.close).tolist()
        noise.append(Candle(candle.timestamp, b, d, a, c, float(rng.exponential(1e4))))
    return CandleSeries(series.timeframe, [*series.candles[:cut], *noise])


def differing(first: pd.DataFrame, second: pd.DataFrame) -> list[str]:
    """Return the columns in which two tables differ by more than rounding."""
    same = np.isclose(first.to_numpy(), second.to_numpy(), rtol=1e-9, atol=1e-12, equal_nan=True).all(axis=0)
    return list(first.columns[~same])


def seeing_the_future(feature_set: FeatureSet, series: CandleSeries) -> set[str]:
    """Return the columns whose past changes when the future is cut off or replaced."""
    engineer = FeatureEngineer(feature_set)
    whole = engineer.transform(series)
    culprits: set[str] = set()
    for cut in CUTS:
        past = whole.iloc[:cut]
        culprits.update(differing(past, engineer.transform(part(series, 0, cut))))
        culprits.update(differing(past, engineer.transform(with_noise_after(series, cut)).iloc[:cut]))
    return culprits


@SETS
def test_no_column_sees_the_future(feature_set: FeatureSet, market: CandleSeries) -> None:
    assert seeing_the_future(feature_set, market) == set()


def test_a_column_that_reads_the_future_is_named(market: CandleSeries) -> None:
    peeking = windowed(
        "peeking", "price", 0, lambda bars: np.roll(bars.close, -1) / bars.close, "next / close", "ratio"
    )
    mean = windowed("mean", "price", 0, lambda bars: bars.close / bars.close.mean(), "close / mean of all", "ratio")
    honest = windowed("honest", "price", 1, lambda bars: bars.close[:-1] / bars.close[1:], "before / close", "ratio")
    assert seeing_the_future(FeatureSet("test", (peeking, mean, honest)), market) == {"peeking", "mean"}


def remembering_the_start(columns: tuple[Column, ...], series: CandleSeries) -> dict[str, float]:
    """Return the columns whose newest value from their needed history is another, with the error in typical sizes."""
    whole = FeatureEngineer(FeatureSet("whole", columns)).transform(series)
    sizes = np.sqrt((whole**2).mean())
    culprits = {}
    for history in sorted({column.history for column in columns}):
        group = FeatureSet("group", tuple(column for column in columns if column.history == history))
        newest = FeatureEngineer(group).transform(series.tail(history)).iloc[-1]
        expected = whole.iloc[-1][newest.index]
        # A column may be 0 throughout, such as the sine of the month in January.
        size = np.maximum(np.maximum(expected.abs(), sizes[newest.index]), 1e-12)
        error = (newest - expected).abs() / size
        # A value that is missing is an error too.
        culprits.update(error[~(error <= 1e-6)].to_dict())
    return culprits


@SETS
@pytest.mark.parametrize("seed", [3, 4])
def test_no_column_depends_on_the_start(feature_set: FeatureSet, seed: int) -> None:
    for column in feature_set.columns:
        print(f"{column.name}: warm-up {column.warm_up}, needed history {column.history}")
    series = simulated(seed, timeframe=Timeframe.M15, count=feature_set.history + 1500)
    # Ends at several places within a higher candle.
    for end in (len(series), len(series) - 1, len(series) - 6, len(series) - 700):
        assert remembering_the_start(feature_set.columns, part(series, 0, end)) == {}


def test_a_running_total_is_named(market: CandleSeries) -> None:
    total = windowed("total", "volume", 0, lambda bars: np.cumsum(bars.volume) / bars.volume, "total", "ratio")
    assert list(remembering_the_start((total, *STANDARD.columns[:5]), market)) == ["total"]


@SETS
@pytest.mark.parametrize("timeframe", [Timeframe.M15, Timeframe.H1])
def test_an_exchanges_candles_show_neither_future_nor_start(feature_set: FeatureSet, timeframe: Timeframe) -> None:
    # Without a gap, which would leave higher candles out, and with them part of the history.
    series = exchange_candles(2, timeframe, feature_set.history + 1600)
    assert seeing_the_future(feature_set, series) == set()
    assert remembering_the_start(feature_set.columns, series) == {}


def test_higher_columns_come_from_closed_candles_alone(market: CandleSeries) -> None:
    """Each row equals that of `CandleSeries.resample` over the closed candles, gaps included."""
    gapped = CandleSeries(Timeframe.M15, [c for i, c in enumerate(market.candles[5:]) if i not in {700, 701, 950}])
    table = FeatureEngineer(WIDE).transform(gapped)
    closes = table.index.to_numpy() + Timeframe.M15.ms
    for factor, timeframe in ((4, Timeframe.H1), (16, Timeframe.H4)):
        longer = gapped.resample(timeframe)
        columns = tuple(
            replace(c, name=c.name.removeprefix(f"x{factor}_"), factor=1) for c in WIDE.columns if c.factor == factor
        )
        expected = FeatureEngineer(FeatureSet("longer", columns)).transform(longer).add_prefix(f"x{factor}_")
        newest_closed = np.searchsorted(expected.index.to_numpy() + timeframe.ms, closes, side="right") - 1
        known = newest_closed >= 0
        assert differing(expected.iloc[newest_closed[known]], table[expected.columns][known]) == []
        assert table[expected.columns][~known].isna().all(axis=None)


def test_a_forming_higher_candle_shows_at_its_close() -> None:
    start = 1_700_006_400_000  # a full hour
    closes = [100.0] * 8 + [100.0, 130.0, 160.0, 190.0, 190.0]
    candles = [Candle(start + i * Timeframe.M15.ms, c, c + 1, c - 1, c, 1.0) for i, c in enumerate(closes)]
    column = FeatureEngineer(WIDE).transform(CandleSeries(Timeframe.M15, candles))["x4_price_return_1"]
    # The second hour closes with row 7, the third, in which the price explodes, with row 11.
    assert column.iloc[:7].isna().all()
    assert column.iloc[7:].tolist() == pytest.approx([0.0, 0.0, 0.0, 0.0, 0.9, 0.9])


def test_the_sets_are_found_by_name() -> None:
    assert {name: feature_set.name for name, feature_set in FEATURE_SETS.items()} == {
        name: name for name in ("standard", "led", "extended", "wide")
    }
