"""Holes in a market's candles, for people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.arrays import IntArray
from domain.market import Timeframe


@dataclass(frozen=True)
class Hole:
    """Candles that are missing in a row: the open time of the first, that of the candle after, and their number."""

    start_ms: int
    end_ms: int
    candles: int


def holes_in(times_ms: IntArray, timeframe: Timeframe) -> list[Hole]:
    """Return the holes between candles of n ascending open times, oldest first."""
    missing = np.diff(times_ms) // timeframe.ms - 1
    return [
        Hole(int(times_ms[at]) + timeframe.ms, int(times_ms[at + 1]), int(missing[at]))
        for at in np.flatnonzero(missing)
    ]
