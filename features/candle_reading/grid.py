"""Rows in the order of time, with open times, each time once, the length of their candles, and their series.

Candles of a length that is no timeframe are joined into those of the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from domain.arrays import FloatArray, IntArray
from domain.errors import InvalidMarketData
from domain.hours.buckets import buckets
from domain.hours.clocks import DAY_MS, HOUR_MS, MINUTE_MS
from domain.market import CandleSeries, Timeframe
from domain.naming.symbols import spelling
from domain.session_finder import find_sessions
from features.candle_reading.one_series import require_one_market
from features.candle_reading.rows import counted
from features.datasets.candle_checks import length_words, no_timeframe, usual_distance

_SECOND_MS = 1_000
# A change of the clock makes one day an hour shorter: a candle of days or weeks may begin that much early.
_CLOCK_CHANGE_MS = 2 * HOUR_MS
_WEEK_MS, _MONDAY, _FRIDAY = 7 * DAY_MS, 0, 4


@dataclass(frozen=True)
class OrderedRows:
    """Rows of a series, oldest first.

    Attributes:
        times_ms: m open times in epoch ms, ascending.
        values: m rows of open, high, low, close, volume.
        at: The number of each row in the file.
        notes: What was done, in words.
    """

    times_ms: IntArray
    values: FloatArray
    at: IntArray
    notes: tuple[str, ...] = ()

    def noting(self, words: str) -> OrderedRows:
        """Return the rows with one more note."""
        return replace(self, notes=(*self.notes, words))


def ordered(times_ms: IntArray, values: FloatArray, at: IntArray, place: Callable[[int], str]) -> OrderedRows:
    """Return rows oldest first, each time once.

    Of two rows with one time, the one written later counts. A file with the oldest row first grows at its end, so that
    is the lower one; a file with the newest first grows at its head, so that is the upper one. A file in no order at
    all is taken for one that grows at its end.

    Args:
        times_ms: n times in epoch ms.
        values: n rows of open, high, low, close, volume.
        at: The number of each row in the file.
        place: Words for the place of such a number.

    Raises:
        InvalidMarketData: rows with the same time are those of two markets or timeframes.
    """
    steps = np.diff(times_ms)
    newest_first = (steps < 0).sum() > (steps > 0).sum()
    if newest_first:
        times_ms, values, at = times_ms[::-1], values[::-1], at[::-1]
    if not (np.diff(times_ms) > 0).all():
        order = np.argsort(times_ms, kind="stable")
        times_ms, values, at = times_ms[order], values[order], at[order]
    require_one_market(times_ms, values, at, place)
    last = np.append(np.diff(times_ms) != 0, True) if len(times_ms) else np.zeros(0, dtype=np.bool_)
    rows = OrderedRows(times_ms[last], values[last], at[last])
    if newest_first:
        rows = rows.noting("newest first")
    if repeats := int((~last).sum()):
        rows = rows.noting(f"{counted(repeats, 'repeated row')} left out, the one written later kept")
    return rows


def with_length(rows: OrderedRows, are_close_times: bool) -> tuple[int, OrderedRows]:
    """Return the length of the candles in ms, and the rows with open times on its grid.

    Times that end with :59 or :59.999 are the last moment of a candle, which opened a step earlier; so are those a
    minute before the next candle. A last row at the
    second of the newest trade belongs to the candle that it falls in.

    Args:
        rows: From `ordered`.
        are_close_times: Whether the column is named as one of close times.

    Raises:
        InvalidMarketData: no candles have the usual distance of two rows, or they open at no whole minutes.
    """
    times = rows.times_ms
    if _most(times % _SECOND_MS == _SECOND_MS - 1):
        times, are_close_times = times + 1, True
    elif _most(times % MINUTE_MS == MINUTE_MS - _SECOND_MS):
        times, are_close_times = times + _SECOND_MS, True
    length_ms = _length_ms(times)
    if length_ms > MINUTE_MS and _most(times % length_ms == length_ms - MINUTE_MS):
        times, are_close_times = times + MINUTE_MS, True
    late_ms = times % MINUTE_MS
    if _most(late_ms > 0):
        if length_ms < MINUTE_MS:
            raise no_timeframe(length_ms)
        raise InvalidMarketData(
            f"its candles open {int(late_ms[late_ms > 0][0]) / 1000:g} s after a minute: write the times at which they "
            "open, not those at which they were asked for"
        )
    mondays = _mondays(times) if length_ms == _WEEK_MS else times
    if mondays is not times:
        times, are_close_times = mondays, False
        rows = rows.noting("weeks dated by a trading day read from Monday on")
    if are_close_times:
        times = times - length_ms
        rows = rows.noting("close times read as the ends of candles")
    return length_ms, _without_newest_trade(replace(rows, times_ms=times), length_ms)


def _mondays(times_ms: IntArray) -> IntArray:
    """Return the Mondays of weeks that are dated by their last trading day, or by their first where holidays move it.

    Weeks that begin on one day of the week, as those of coins on Thursday, are returned as they are.
    """
    weekdays = (times_ms // DAY_MS + 3) % 7
    usual = int(np.bincount(weekdays).argmax())
    off_grid = np.abs((np.diff(times_ms[:-1]) + _WEEK_MS // 2) % _WEEK_MS - _WEEK_MS // 2) > _CLOCK_CHANGE_MS
    if usual != _FRIDAY and not (usual == _MONDAY and off_grid.any()):
        return times_ms
    mondays = times_ms - times_ms % DAY_MS - weekdays * DAY_MS
    return mondays if (np.diff(mondays) > 0).all() else times_ms


def _most(flags: np.ndarray) -> bool:
    return bool(len(flags)) and bool(flags.mean() > 0.5)


def _length_ms(times_ms: IntArray) -> int:
    if len(times_ms) >= 2:
        distances, counts = np.unique(np.diff(times_ms), return_counts=True)
        usual = int(distances[counts.argmax()])
        if 28 * DAY_MS <= usual <= 31 * DAY_MS:
            raise InvalidMarketData(
                "holds monthly candles, and a month has no fixed length: give candles of days or weeks"
            )
        if usual >= 89 * DAY_MS:
            raise InvalidMarketData(f"holds candles {usual // DAY_MS} days apart: give candles of days or weeks")
    return usual_distance(times_ms)


def _without_newest_trade(rows: OrderedRows, step_ms: int) -> OrderedRows:
    """Merge a last row off the grid into the candle that it falls in, or leave it out where that has no row."""
    if len(rows.times_ms) < 3:
        return rows
    distance = int(rows.times_ms[-1] - rows.times_ms[-2])
    if distance % step_ms == 0:
        return rows
    before = replace(rows, times_ms=rows.times_ms[:-1], values=rows.values[:-1], at=rows.at[:-1])
    on_the_minute = rows.times_ms[-1] % MINUTE_MS == 0
    if distance > step_ms:
        return rows if on_the_minute else before.noting("a last row off the grid left out")
    if step_ms >= DAY_MS and on_the_minute and distance >= step_ms - _CLOCK_CHANGE_MS:
        return rows
    candle, trade = rows.values[-2], rows.values[-1]
    volume = candle[4] if np.isnan(trade[4]) else candle[4] + trade[4]
    merged = [candle[0], max(candle[1], trade[1]), min(candle[2], trade[2]), trade[3], volume]
    values = before.values.copy()
    values[-1] = merged
    return replace(before, values=values).noting("the newest trade merged into its candle")


def series_of(rows: OrderedRows, length_ms: int, market: str | None, place: Callable[[int], str]) -> CandleSeries:
    """Return the rows as the series of a market, with its sessions.

    Args:
        rows: From `with_length`.
        length_ms: Of their candles.
        market: Its symbol; None where it is not known.
        place: Words for the place of a row's number.

    Raises:
        InvalidMarketData: a row is off the grid, or no candle of a timeframe can be made of such candles.
    """
    timeframe = _shortest_of(length_ms)
    sessions = find_sessions(market and spelling(market), rows.times_ms, length_ms)
    times, values = rows.times_ms, rows.values
    if timeframe.ms != length_ms:
        longer = buckets(times, length_ms, timeframe.ms, sessions)
        aligned = not sessions.continuous or not (times % length_ms).any()
        if not longer.whole.any() or not aligned:
            raise InvalidMarketData(
                f"candles of {length_words(length_ms)} are joined into those of {timeframe}, but these make no whole "
                f"ones: give more of them, that open at multiples of {length_words(length_ms)} UTC"
            )
        times, values = longer.opens_ms[longer.whole], longer.merged(values)[longer.whole]
    try:
        return CandleSeries.of_arrays(timeframe, times, values).of_market(sessions)
    except InvalidMarketData as error:
        off = np.flatnonzero(np.diff(rows.times_ms) % length_ms)
        named = f"{place(int(rows.at[off[0] + 1]))}: " if len(off) else ""
        raise InvalidMarketData(f"{named}{error.message}; delete the rows that are no candles") from error


def joined_note(length_ms: int, series: CandleSeries) -> str:
    """Return words for candles that were joined; empty where none were."""
    if series.timeframe.ms == length_ms:
        return ""
    return f"candles of {length_words(length_ms)} joined into whole ones of {series.timeframe}"


def _shortest_of(length_ms: int) -> Timeframe:
    """Return the timeframe of this length; else the shortest that such candles make, where a day is made of them."""
    divides_days = DAY_MS % length_ms == 0 == length_ms % MINUTE_MS
    for timeframe in Timeframe:
        if timeframe.ms == length_ms or (divides_days and timeframe.ms % length_ms == 0):
            return timeframe
    raise no_timeframe(length_ms)
