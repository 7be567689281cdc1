"""Short holes in a source's candles, filled with candles of other sources."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from domain.market import CandleSeries

# A few lost candles change an indicator little; candles before a longer pause are not the recent history that an
# indicator expects. Exchanges close for longer: those pauses are no holes.
MAX_HOLE_CANDLES = 10


def missing_times(series: CandleSeries) -> frozenset[int]:
    """Return the open times in epoch ms that are missing in holes of at most ten candles."""
    step = series.timeframe.ms
    times = [candle.timestamp for candle in series.candles]
    return frozenset(
        time
        for before, after in pairwise(times)
        if step < after - before <= (MAX_HOLE_CANDLES + 1) * step
        for time in range(before + step, after, step)
    )


def fill(series: CandleSeries, other: CandleSeries, times: Iterable[int]) -> CandleSeries:
    """Return the series with the other's candles of these times put between its own."""
    wanted = set(times)
    found = [candle for candle in other.candles if candle.timestamp in wanted]
    together = sorted([*series.candles, *found], key=lambda candle: candle.timestamp)
    return CandleSeries(series.timeframe, together) if found else series
