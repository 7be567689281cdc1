"""Short holes in a source's candles, filled with candles of other sources."""

from __future__ import annotations

from collections.abc import Iterable

from domain.continuity import MAX_HOLE_CANDLES, missing_times
from domain.market import CandleSeries


def fillable_times(series: CandleSeries) -> frozenset[int]:
    """Return the open times in epoch ms that are missing in holes of at most ten candles."""
    return frozenset(time for part in missing_times(series, MAX_HOLE_CANDLES).values() for time in part.tolist())


def fill(series: CandleSeries, other: CandleSeries, times: Iterable[int]) -> CandleSeries:
    """Return the series with the other's candles of these times put between its own."""
    wanted = set(times)
    found = [candle for candle in other.candles if candle.timestamp in wanted]
    together = sorted([*series.candles, *found], key=lambda candle: candle.timestamp)
    return CandleSeries(series.timeframe, together, series.sessions) if found else series
