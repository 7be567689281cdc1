"""Gaps in a series of candles: fill them, and number the unbroken runs of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from config.settings import GapPolicy
from domain.arrays import BoolArray, IntArray
from domain.continuity import breaks, missing_times
from domain.errors import InvalidMarketData
from domain.hours.clocks import DAY_MS, HOUR_MS, MINUTE_MS
from domain.market import CandleSeries, Timeframe

# The run of a row that belongs to none: its candle is not real.
NO_RUN = -1
# Share of the distances that are those of neighbors, where a file has more holes than candles.
_LEAST_NEIGHBORS = 0.1


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
    usual = usual_distance(times_ms)
    for timeframe in Timeframe:
        if timeframe.ms == usual:
            return timeframe
    raise no_timeframe(usual)


def usual_distance(times_ms: IntArray) -> int:
    """Return the most frequent distance between two candles, ms.

    Args:
        times_ms: Open times in epoch ms.

    Raises:
        InvalidMarketData: fewer than 2 candles.
    """
    if len(times_ms) < 2:
        raise InvalidMarketData(f"a timeframe shows in at least 2 candles, received {len(times_ms)}")
    distances, counts = np.unique(np.abs(np.diff(times_ms)), return_counts=True)
    usual = int(distances[counts.argmax()])
    # Where most candles are missing, holes are more frequent than neighbors, and all are multiples of their distance.
    if distances[0] and not (distances % distances[0]).any() and counts[0] >= _LEAST_NEIGHBORS * counts.sum():
        usual = int(distances[0])
    return usual


def no_timeframe(distance_ms: int) -> InvalidMarketData:
    """Return the error about candles so far apart."""
    apart = length_words(distance_ms)
    return InvalidMarketData(f"candles are {apart} apart; known timeframes are {', '.join(Timeframe)}")


def length_words(length_ms: int) -> str:
    """Return a length as a person writes it: 45m, 2h, 3d, or in milliseconds."""
    units = ((DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "m"), (1_000, "s"))
    whole = (f"{length_ms // unit_ms}{unit}" for unit_ms, unit in units if length_ms and length_ms % unit_ms == 0)
    return next(whole, f"{length_ms} ms")


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
    flat = {} if policy == "none" else missing_times(series, max_fill_candles)
    if not flat:
        return FilledCandles(series, np.ones(len(series), dtype=np.bool_))
    # Behind each row of the filled series stands the row whose close it has.
    repeats = np.ones(len(series), dtype=np.int64)
    for at, added in flat.items():
        repeats[at] += len(added)
    source = np.repeat(np.arange(len(series)), repeats)
    real = np.diff(source, prepend=-1) > 0
    values = series.values[source]
    values[~real, :4] = series.closes[source[~real], None]
    values[~real, 4] = 0.0
    filled_times = series.times_ms[source]
    filled_times[~real] = np.concatenate(list(flat.values()))
    return FilledCandles(CandleSeries.of_arrays(series.timeframe, filled_times, values, series.sessions), real)


def unbroken_runs(series: CandleSeries, real: BoolArray | None = None) -> IntArray:
    """Return the number of the unbroken run that each row belongs to; nights and weekends break none.

    Rows i < j are without a gap and without a jump of the price between them, and all real, exactly if
    `runs[i] == runs[j]` and that is not `NO_RUN`, so the two ends of a window or a target are enough to check it.

    Args:
        series: n candles.
        real: n rows, False for those that belong to no run; None takes all of them.

    Returns:
        n numbers, ascending from 0; `NO_RUN` for rows that are not real.
    """
    broken = np.zeros(len(series), dtype=np.bool_)
    broken[breaks(series, max_hole=0)] = True
    broken[:1] = True
    if real is not None:
        broken[1:] |= ~real[:-1]
    runs: IntArray = np.cumsum(broken, dtype=np.int64) - 1
    return runs if real is None else np.where(real, runs, NO_RUN)


def runs_of_rows(runs: IntArray, kept: IntArray) -> IntArray:
    """Return the runs of rows that are left of n candles: a row that is gone breaks a run as a gap does.

    Args:
        runs: Run of each candle, from `unbroken_runs`.
        kept: Positions of the rows among the candles, ascending.
    """
    left = runs[kept]
    broken = np.ones(len(kept), dtype=np.bool_)
    broken[1:] = (np.diff(kept) != 1) | (left[1:] != left[:-1])
    numbered: IntArray = np.where(left == NO_RUN, NO_RUN, np.cumsum(broken, dtype=np.int64) - 1)
    return numbered


def axis_times(markets: Sequence[CandleSeries]) -> IntArray:
    """Return the time axis of markets: the open times of all their candles, missing ones included, epoch ms."""
    parts = [part for series in markets for part in (series.times_ms, *missing_times(series).values())]
    return np.unique(np.concatenate(parts))


def reach(slots: IntArray, horizon: int) -> int:
    """Return the greatest number of slots from a candle to the one `horizon` candles later."""
    return int((slots[horizon:] - slots[:-horizon]).max(initial=horizon))
