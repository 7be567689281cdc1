"""Holes in a series of candles, and its breaks: a hole of many candles, or a jump that no trading explains."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from domain.arrays import BoolArray, FloatArray, IntArray
from domain.market import CandleSeries

# A few lost candles change an indicator little; candles before a longer pause are not the recent history that an
# indicator expects.
MAX_HOLE_CANDLES = 10
# The smallest usual split is 3:2. Smaller gaps happen: news of a company moves its share by a quarter over night.
_LEAST_JUMP = 1.4
# And it has to be this many times the usual range of a candle, and the usual move between two.
_USUAL_RANGES = 8.0
_SPLITS = ((3, 2), (2, 1), (5, 2), (3, 1), (4, 1), (5, 1), (6, 1), (7, 1), (8, 1), (10, 1), (15, 1), (20, 1), (25, 1))
_LARGE_SPLITS = ((30, 1), (40, 1), (50, 1), (75, 1), (100, 1), (200, 1), (500, 1), (1_000, 1))
# With fewer candles no range is usual.
_LEAST_KNOWN = 20
# Up to so many jumps, or candles of a request, are put in order for each jump by itself.
_FEW_JUMPS, _FEW_CANDLES = 300, 10_000
# A split comes with the move of a night.
_NEAR = 0.06


@dataclass(frozen=True)
class SeriesBreak:
    """The newest break of a series.

    Attributes:
        position: The first candle after it.
        opened_ms: Its open time, epoch ms.
        missing: Number of candles missing in the hole; 0 for a jump.
        change: Open of that candle over the close before it, less 1.
    """

    position: int
    opened_ms: int
    missing: int
    change: float

    @property
    def words(self) -> str:
        """What it looks like, for a person."""
        if self.missing:
            return f"{self.missing:,} candles are missing"
        return split_words(1 + self.change) or f"the price jumps by {self.change:+.0%} between two candles"


@dataclass(frozen=True)
class Hole:
    """Candles that are missing in a row: the open time of the first, that of the candle after, and their number."""

    start_ms: int
    end_ms: int
    candles: int


def holes(series: CandleSeries) -> list[Hole]:
    """Return the holes of a series, oldest first; nights, weekends and holidays of its market are none."""
    times, missing = series.times_ms, series.missing_after
    starts, ends = times[:-1] + series.timeframe.ms, times[1:]
    return [Hole(int(starts[at]), int(ends[at]), int(missing[at])) for at in np.flatnonzero(missing)]


def missing_times(series: CandleSeries, max_hole: int | None = None) -> dict[int, IntArray]:
    """Return the open times of missing candles, epoch ms, by the position of the candle before their hole.

    Args:
        series: Candles with the sessions of their market.
        max_hole: Number of candles of the largest hole that counts; None counts all.
    """
    if series.regular:
        return {}
    times, missing, length_ms = series.times_ms, series.missing_after, series.timeframe.ms
    counted = (missing > 0) if max_hole is None else (missing > 0) & (missing <= max_hole)
    return {
        at: series.sessions.missing_times(int(times[at]), int(times[at + 1]), length_ms)
        for at in np.flatnonzero(counted).tolist()
    }


def jumps(series: CandleSeries) -> BoolArray:
    """Return for n candles whether each opens beyond anything that trading explains, seen from the close before.

    What is usual is told by the candles before it, or by the first twenty where there are fewer. Only candles that
    follow each other are compared: a price may go anywhere in a hole.
    """
    found = np.zeros(len(series), dtype=np.bool_)
    candidates = np.flatnonzero(_wide_moves(series))
    if len(candidates):
        candidates = candidates[series.missing_after[candidates] == 0]
        moves, ranges = np.abs(np.log(series.opens[1:] / series.closes[:-1])), np.log(series.highs / series.lows)
        # In a market that always jumps a jump is nothing unusual.
        known = np.maximum(candidates, _LEAST_KNOWN)
        usual = np.maximum(_medians(ranges, known), _medians(moves, known))
        found[candidates + 1] = moves[candidates] > _USUAL_RANGES * usual
    return found


def breaks(series: CandleSeries, max_hole: int = MAX_HOLE_CANDLES) -> IntArray:
    """Return the positions of the first candles after a break: a hole of more than `max_hole` candles, or a jump."""
    broken = jumps(series)
    if not series.regular:
        broken[1:] |= series.missing_after > max_hole
    return np.flatnonzero(broken)


def possible_breaks(series: CandleSeries) -> IntArray:
    """Return the positions at which some window of the series may have a break; no window has one elsewhere."""
    possible = _wide_moves(series)
    if not series.regular:
        possible |= series.missing_after > MAX_HOLE_CANDLES
    return np.flatnonzero(possible) + 1


def newest_break(series: CandleSeries, max_hole: int = MAX_HOLE_CANDLES) -> SeriesBreak | None:
    """Return the newest break of a series, or None; see `breaks`."""
    positions = breaks(series, max_hole)
    if not len(positions):
        return None
    at = int(positions[-1])
    missing = int(series.missing_after[at - 1])
    change = float(series.opens[at] / series.closes[at - 1]) - 1
    return SeriesBreak(at, int(series.times_ms[at]), missing if missing > max_hole else 0, change)


def since_break(series: CandleSeries, max_hole: int = MAX_HOLE_CANDLES) -> CandleSeries:
    """Return the candles since the newest break, all of them without one."""
    found = newest_break(series, max_hole)
    return series if found is None else series.tail(len(series) - found.position)


def _wide_moves(series: CandleSeries) -> BoolArray:
    """Return for each of n candles but the first whether the price has moved far between the close before and its open.

    Whether that is a jump depends on what is usual around it.
    """
    ratios = series.opens[1:] / series.closes[:-1]
    wide: BoolArray = (ratios > _LEAST_JUMP) | (ratios < 1 / _LEAST_JUMP)
    return wide


def _medians(values: FloatArray, counts: IntArray) -> FloatArray:
    """Return the medians of the first values, as many as each of m counts says, or of all where there are fewer."""
    if len(counts) <= _FEW_JUMPS or len(values) <= _FEW_CANDLES:
        return np.array([np.median(values[:count]) for count in counts.tolist()])
    import pandas as pd  # keeps the values in order from one count to the next; its import takes 40 MB

    medians: FloatArray = pd.Series(values).expanding().median().to_numpy()[np.minimum(counts, len(values)) - 1]
    return medians


def split_words(ratio: float) -> str | None:
    """Return the split that a ratio of prices, new over old, looks like; None where it looks like none."""
    for many, few in (*_SPLITS, *_LARGE_SPLITS):
        if abs(math.log(ratio * many / few)) < _NEAR:
            return f"it looks like a split {many}:{few}"
        if abs(math.log(ratio * few / many)) < _NEAR:
            return f"it looks like a reverse split {few}:{many}"
    return None
