"""Candles of a longer timeframe: which candles each is made of, where it begins, and when it is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from domain.arrays import BoolArray, FloatArray, IntArray
from domain.hours.clocks import DAY_MS, WEEK_MS
from domain.hours.sessions import EPOCH_ORDINAL, FIRST_MONDAY_MS, Sessions


@dataclass(frozen=True)
class Buckets:
    """The m longer candles that n candles make, oldest first.

    Attributes:
        opens_ms: Open time of each, epoch ms.
        first: Position of its first candle among the n, ascending; a bucket ends where the next begins.
        whole: Whether nothing tradable is missing in it.
        known_from: Position of the candle on whose close it is known; n where none of them shows its end.
    """

    opens_ms: IntArray
    first: IntArray
    whole: BoolArray
    known_from: IntArray

    def merged(self, values: FloatArray) -> FloatArray:
        """Return the prices and volumes of the m longer candles, shape (m, 5), from those of the n, shape (n, 5)."""
        if not len(self.first):
            return np.empty((0, 5))
        last = np.append(self.first[1:], len(values)) - 1
        merged: FloatArray = np.stack(
            (
                values[self.first, 0],
                np.maximum.reduceat(values[:, 1], self.first),
                np.minimum.reduceat(values[:, 2], self.first),
                values[last, 3],
                np.add.reduceat(values[:, 4], self.first),
            ),
            axis=1,
        )
        return merged


class _Rows(NamedTuple):
    """The shorter candles: open and close times, and length, in ms."""

    times_ms: IntArray
    closes_ms: IntArray
    length_ms: int


def buckets(times_ms: IntArray, length_ms: int, target_ms: int, sessions: Sessions) -> Buckets:
    """Return the candles of `target_ms` that candles of `length_ms` make.

    They lie on the grid of UTC (weeks begin on Monday), or, in a market that closes every night, are counted from the
    open of the session, and a day is the market's date. Each ends with the trading in it.

    Args:
        times_ms: Open times of n candles, ascending, epoch ms.
        length_ms: Their length.
        target_ms: Length of the longer candles, a multiple.
        sessions: When the market trades.
    """
    rows = _Rows(times_ms, sessions.closes_ms(times_ms, length_ms), length_ms)
    opens = _opens(times_ms, length_ms, target_ms, sessions)
    first = np.flatnonzero(np.concatenate((np.ones(min(1, len(opens)), dtype=np.bool_), opens[1:] != opens[:-1])))
    starts = opens[first]
    ends = sessions.closes_ms(starts, target_ms)
    whole = (
        _whole(rows, starts, ends, first, target_ms // DAY_MS, sessions) if len(first) else np.zeros(0, dtype=np.bool_)
    )
    return Buckets(starts, first, whole, np.searchsorted(rows.closes_ms, ends).astype(np.int64))


def _opens(times_ms: IntArray, length_ms: int, target_ms: int, sessions: Sessions) -> IntArray:
    """Return for each candle the open time of the longer one that it belongs to."""
    if not sessions.continuous and target_ms >= DAY_MS and (length_ms == DAY_MS or sessions.anchored):
        midnights = (sessions.dates(times_ms, daily=length_ms == DAY_MS) - EPOCH_ORDINAL) * DAY_MS
        return midnights if target_ms == DAY_MS else _on_grid(midnights, target_ms)
    if not sessions.anchored or target_ms >= DAY_MS:
        return _on_grid(times_ms, target_ms)
    if not len(times_ms):
        return times_ms
    spans = sessions.spans(int(times_ms[0]), int(times_ms[-1]))
    at = np.searchsorted(spans.opens, times_ms, side="right") - 1
    # Of a date with a lunch break, the first open counts.
    opened = spans.opens[np.searchsorted(spans.dates, spans.dates[at])]
    since = times_ms - opened
    return np.where(since < DAY_MS, times_ms - since % target_ms, _on_grid(times_ms, target_ms))


def grid_open(moment_ms: int, length_ms: int) -> int:
    """Return when the candle that holds a moment opens on the grid of UTC, epoch ms; weeks begin on Monday."""
    return moment_ms - (moment_ms - _shift_ms(length_ms)) % length_ms


def _on_grid(times_ms: IntArray, target_ms: int) -> IntArray:
    return times_ms - (times_ms - _shift_ms(target_ms)) % target_ms


def _shift_ms(length_ms: int) -> int:
    return FIRST_MONDAY_MS if length_ms == WEEK_MS else 0


def _whole(
    rows: _Rows, opens_ms: IntArray, ends_ms: IntArray, first: IntArray, target_days: int, sessions: Sessions
) -> BoolArray:
    if not len(first):
        return np.zeros(0, dtype=np.bool_)
    missing = np.concatenate(([0], np.cumsum(sessions.missing_between(rows.times_ms, rows.length_ms))))
    last = np.append(first[1:], len(rows.times_ms)) - 1
    whole: BoolArray = missing[last] == missing[first]
    if sessions.untraded_ms:
        # What was not traded leaves no row at the edges of a longer candle either.
        return whole
    if rows.length_ms == DAY_MS and not sessions.continuous:
        days = np.unique(sessions.spans(int(opens_ms[0]), int(ends_ms[-1])).dates)
        begun = opens_ms // DAY_MS + EPOCH_ORDINAL
        expected = np.searchsorted(days, begun + target_days) - np.searchsorted(days, begun)
        return np.asarray(last - first + 1 == expected)
    # By its label a day or a week may begin in the session before, or before its own label.
    begins = sessions.begins_ms(opens_ms) if sessions.anchored and target_days else opens_ms
    # After a lunch break hours may lie across the border of two longer candles: they belong to the one they open in.
    known = np.where(first > 0, np.maximum(begins, rows.closes_ms[first - 1]), begins)
    head = sessions.traded_between(known, rows.times_ms[first])
    tail = sessions.traded_between(rows.closes_ms[last], ends_ms)
    whole &= (head <= 0) & (tail <= 0)
    return whole
