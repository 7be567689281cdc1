"""Short holes in a source's candles, filled with candles of other sources."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from domain.continuity import MAX_HOLE_CANDLES
from domain.market import CandleSeries


def missing_times(series: CandleSeries) -> frozenset[int]:
    """Return the open times in epoch ms that are missing in holes of at most ten candles."""
    if series.regular:
        return frozenset()
    times, missing = series.times_ms, series.missing_after
    holes = np.flatnonzero((missing > 0) & (missing <= MAX_HOLE_CANDLES))
    between = (series.sessions.missing_times(int(times[at]), int(times[at + 1]), series.timeframe.ms) for at in holes)
    return frozenset(int(time) for part in between for time in part)


def fill(series: CandleSeries, other: CandleSeries, times: Iterable[int]) -> CandleSeries:
    """Return the series with the other's candles of these times put between its own."""
    wanted = set(times)
    found = [candle for candle in other.candles if candle.timestamp in wanted]
    together = sorted([*series.candles, *found], key=lambda candle: candle.timestamp)
    return CandleSeries(series.timeframe, together, series.sessions) if found else series
