"""Holes in a market's candles, for people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.arrays import IntArray
from domain.market import Timeframe
from domain.session_finder import find_sessions


@dataclass(frozen=True)
class Hole:
    """Candles that are missing in a row: the open time of the first, that of the candle after, and their number."""

    start_ms: int
    end_ms: int
    candles: int


def holes_in(symbol: str, timeframe: Timeframe, times_ms: IntArray) -> list[Hole]:
    """Return the holes between candles of n ascending open times, oldest first; what the market slept is none."""
    if not len(times_ms):
        return []
    missing = find_sessions(symbol, times_ms, timeframe.ms).missing_between(times_ms, timeframe.ms)
    starts, ends = times_ms[:-1] + timeframe.ms, times_ms[1:]
    return [Hole(int(starts[at]), int(ends[at]), int(missing[at])) for at in np.flatnonzero(missing)]
