"""Gaps in a series of candles: report and fill them, and number the unbroken runs of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from config.settings import GapPolicy
from domain.arrays import BoolArray, IntArray
from domain.errors import InvalidMarketData
from domain.market import Candle, CandleLike, CandleSeries, Timeframe

# The run of a row that belongs to none: its candle is not real.
NO_RUN = -1


@dataclass(frozen=True)
class Gap:
    """`missing` candles after the one that opens at `after_ms` (epoch ms)."""

    after_ms: int
    missing: int


@dataclass(frozen=True)
class GapReport:
    """Every gap of a series, oldest first, and the number of its candles."""

    timeframe: Timeframe
    candles: int
    gaps: tuple[Gap, ...]

    @property
    def missing(self) -> int:
        """Number of candles missing in all gaps."""
        return sum(gap.missing for gap in self.gaps)

    @property
    def longest(self) -> int:
        """Number of candles missing in the longest gap, 0 without one."""
        return max((gap.missing for gap in self.gaps), default=0)

    @property
    def missing_share(self) -> float:
        """Missing candles as a share of all that a series without gaps would have, 0..1."""
        return self.missing / max(1, self.candles + self.missing)


@dataclass(frozen=True)
class FilledCandles:
    """A series after the fill policy; `real` has a row per candle, False for filled ones."""

    series: CandleSeries
    real: BoolArray


def usual_timeframe(times_ms: IntArray) -> Timeframe:
    """Return the timeframe of candles: the most frequent distance between two of them.

    Args:
        times_ms: Open times in epoch ms.

    Raises:
        InvalidMarketData: fewer than 2 candles, or a distance that is no timeframe's.
    """
    if len(times_ms) < 2:
        raise InvalidMarketData(f"a timeframe shows in at least 2 candles, received {len(times_ms)}")
    distances, counts = np.unique(np.abs(np.diff(times_ms)), return_counts=True)
    usual = int(distances[counts.argmax()])
    for timeframe in Timeframe:
        if timeframe.ms == usual:
            return timeframe
    raise InvalidMarketData(f"candles are {usual} ms apart; known timeframes are {', '.join(Timeframe)}")


def find_gaps(series: CandleSeries) -> GapReport:
    """Return the gaps of a checked series."""
    times = series.times_ms
    missing = np.diff(times) // series.timeframe.ms - 1
    gaps = tuple(Gap(int(times[at]), int(missing[at])) for at in np.flatnonzero(missing))
    return GapReport(series.timeframe, len(series), gaps)


def fill_gaps(series: CandleSeries, policy: GapPolicy, max_fill_candles: int) -> FilledCandles:
    """Return the series with its gaps filled or left open, and which of its candles are real.

    A flat candle has all four prices at the close before the gap, and volume 0. It adds no movement,
    but it lowers every measure of volatility and volume, so it stays marked as not real.

    Args:
        series: A checked series.
        policy: `none` leaves all gaps open, `flat` fills them.
        max_fill_candles: A gap with more candles missing stays open. It also bounds the memory
            that two candles far from each other can take.
    """
    fillable = {gap.after_ms: gap.missing for gap in find_gaps(series).gaps if gap.missing <= max_fill_candles}
    if policy == "none" or not fillable:
        return FilledCandles(series, np.ones(len(series), dtype=np.bool_))
    candles: list[CandleLike] = []
    real: list[bool] = []
    for candle in series.candles:
        flat = _flat_candles(candle, fillable.get(candle.timestamp, 0), series.timeframe.ms)
        candles += [candle, *flat]
        real += [True, *([False] * len(flat))]
    return FilledCandles(CandleSeries(series.timeframe, candles), np.array(real, dtype=np.bool_))


def _flat_candles(before: CandleLike, count: int, step_ms: int) -> Sequence[Candle]:
    price = before.close
    return [Candle(before.timestamp + step_ms * i, price, price, price, price, 0.0) for i in range(1, count + 1)]


def unbroken_runs(times_ms: IntArray, step_ms: int, real: BoolArray | None = None) -> IntArray:
    """Return the number of the unbroken run that each row belongs to.

    Rows i < j are without a gap between them, and all real, exactly if `runs[i] == runs[j]`
    and that is not `NO_RUN`, so the two ends of a window or a target are enough to check it.

    Args:
        times_ms: Open times in epoch ms, ascending, n of them.
        step_ms: Length of a candle.
        real: n rows, False for filled candles; None takes all of them as real.

    Returns:
        n numbers, ascending from 0; `NO_RUN` for rows that are not real.
    """
    breaks = np.ones(len(times_ms), dtype=np.bool_)
    breaks[1:] = np.diff(times_ms) != step_ms
    if real is not None:
        breaks[1:] |= ~real[:-1]
    runs: IntArray = np.cumsum(breaks, dtype=np.int64) - 1
    return runs if real is None else np.where(real, runs, NO_RUN)
