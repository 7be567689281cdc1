"""When a market trades: around the clock, or in sessions with nights, weekends, holidays and changes of the clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from domain.arrays import IntArray
from domain.hours.clocks import DAY_MINUTES, DAY_MS, MINUTE_MS, clock_changes, moment_ms
from domain.hours.holidays import half_day_close, is_holiday

# 1970-01-05 was the first Monday of the epoch.
FIRST_MONDAY_MS = 4 * DAY_MS
# The proleptic ordinal of 1970-01-01.
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()

# Spans of a date in which a market trades: minutes since local midnight, in order, open before close.
Hours = tuple[tuple[int, int], ...]
ALL_DAY: Hours = ((0, DAY_MINUTES),)
ALL_WEEK = (ALL_DAY,) * 7

# Candles of a market that trades for most of the day lie on the grid of UTC; others are counted from the open.
_MAX_ANCHORED_MINUTES = 16 * 60
# Daily candles are labeled by midnight UTC, by midnight or the open of the market, or by the evening before: eight
# hours later all of them lie in their own date.
_INTO_THE_DATE_MS = 8 * 60 * MINUTE_MS


class TradingSpans(NamedTuple):
    """Spans of trading in epoch ms, oldest first, the local date of each (ordinal), and the trading time before it."""

    opens: IntArray
    closes: IntArray
    dates: IntArray
    before: IntArray


@dataclass(frozen=True)
class Sessions:
    """The rhythm of one market.

    Attributes:
        name: For people.
        zone: IANA name of the market's clock.
        week: Hours of each weekday, Monday first.
        exchange: Code (MIC) of the exchange whose holidays are kept; None without.
        closed_dates: Further dates without trading.
        open_dates: Dates with the hours of their weekday, whatever the calendar says.
        short_dates: Dates with other hours than their weekday.
        untraded_ms: Candles left out in a row for at most this long were not traded: they are not missing.
    """

    name: str
    zone: str = "UTC"
    week: tuple[Hours, ...] = ALL_WEEK
    exchange: str | None = None
    closed_dates: frozenset[date] = frozenset()
    open_dates: frozenset[date] = frozenset()
    short_dates: tuple[tuple[date, Hours], ...] = ()
    untraded_ms: int = 0

    @cached_property
    def continuous(self) -> bool:
        """Whether the market never closes."""
        return self.week == ALL_WEEK

    @property
    def anchored(self) -> bool:
        """Whether candles are counted from the open of a session instead of lying on the grid of UTC."""
        longest = max((sum(end - start for start, end in hours) for hours in self.week), default=0)
        return 0 < longest <= _MAX_ANCHORED_MINUTES

    def hours(self, day: date) -> Hours:
        """Return the hours of a date; none when the market is closed."""
        usual = self.week[day.weekday()]
        for special, hours in self.short_dates:
            if special == day:
                return hours
        if not usual or day in self.open_dates:
            return usual
        if day in self.closed_dates or (self.exchange and is_holiday(self.exchange, day)):
            return ()
        if self.exchange and (close := half_day_close(self.exchange, day)) is not None:
            return tuple((start, min(end, close)) for start, end in usual if start < close)
        return usual

    def open_at(self, moment_ms: int) -> bool:
        """Return whether the market trades at a moment."""
        if self.continuous:
            return True
        spans = self.spans(moment_ms, moment_ms)
        at = int(np.searchsorted(spans.opens, moment_ms, side="right")) - 1
        return at >= 0 and moment_ms < int(spans.closes[at])

    def last_close_before(self, moment_ms: int) -> int:
        """Return the end of trading before a moment in epoch ms; the moment itself while the market is open."""
        if self.open_at(moment_ms):
            return moment_ms
        spans = self.spans(moment_ms, moment_ms)
        return int(spans.closes[int(np.searchsorted(spans.closes, moment_ms, side="right")) - 1])

    def next_open(self, moment_ms: int) -> int:
        """Return the begin of trading after a moment in epoch ms; the moment itself while the market is open."""
        if self.open_at(moment_ms):
            return moment_ms
        spans = self.spans(moment_ms, moment_ms)
        return int(spans.opens[int(np.searchsorted(spans.opens, moment_ms, side="right"))])

    def trading_ms(self, start_ms: int, end_ms: int) -> int:
        """Return the time of trading from one moment to another, in ms; 0 where the second is not later."""
        if end_ms <= start_ms:
            return 0
        return int(self.traded_between(np.array([start_ms], dtype=np.int64), np.array([end_ms], dtype=np.int64))[0])

    def traded_between(self, starts_ms: IntArray, ends_ms: IntArray) -> IntArray:
        """Return the time of trading from each of n moments to another, in ms; negative where the other is earlier."""
        if self.continuous or not len(starts_ms):
            return ends_ms - starts_ms
        moments = np.concatenate((starts_ms, ends_ms))
        spans = self.spans(int(moments.min()), int(moments.max()))
        at = (np.searchsorted(spans.opens, moments, side="right") - 1).clip(min=0)
        traded = spans.before[at] + np.clip(moments - spans.opens[at], 0, spans.closes[at] - spans.opens[at])
        between: IntArray = traded[len(starts_ms) :] - traded[: len(starts_ms)]
        return between

    def dates(self, times_ms: IntArray, *, daily: bool) -> IntArray:
        """Return the market's date of candles as proleptic ordinals; `daily` reads the labels of daily candles."""
        shift_ms = _INTO_THE_DATE_MS if daily else 0
        return (times_ms + shift_ms + self.ahead_ms(times_ms)) // DAY_MS + EPOCH_ORDINAL

    def closes_ms(self, opens_ms: IntArray, length_ms: int) -> IntArray:
        """Return when candles close: at their nominal end, or earlier where trading ends for the day.

        Args:
            opens_ms: Open times, ascending, epoch ms.
            length_ms: Nominal length of a candle.
        """
        ends: IntArray = opens_ms + length_ms
        if self.continuous or not len(opens_ms):
            return ends
        spans = self.spans(int(opens_ms[0]), int(ends[-1]))
        if length_ms >= DAY_MS and self.anchored:
            # With the last of its dates on which the market trades: in Sydney a date begins on the evening before, UTC.
            first = self.dates(opens_ms, daily=True)
            at = np.searchsorted(spans.dates, first + length_ms // DAY_MS - 1, side="right") - 1
            return np.asarray(np.where(spans.dates[at] >= first, spans.closes[at], ends))
        at = (np.searchsorted(spans.opens, ends, side="left") - 1).clip(min=0)
        last_trade = np.minimum(spans.closes[at], ends)
        return np.where(last_trade > opens_ms, last_trade, ends)

    def begins_ms(self, days_ms: IntArray) -> IntArray:
        """Return the first open of the market on the dates of candles, by their labels in epoch ms; else the labels."""
        spans = self.spans(int(days_ms[0]), int(days_ms[-1]))
        dates = self.dates(days_ms, daily=True)
        at = np.searchsorted(spans.dates, dates).clip(max=len(spans.dates) - 1)
        return np.asarray(np.where(spans.dates[at] == dates, spans.opens[at], days_ms))

    def missing_between(self, times_ms: IntArray, length_ms: int) -> IntArray:
        """Return for n candles how many are missing between each and the next, n - 1 numbers >= 0."""
        gaps = np.diff(times_ms)
        if self.continuous or length_ms > DAY_MS:
            missing = np.maximum(0, (gaps + length_ms // 2) // length_ms - 1)
        else:
            missing = np.zeros(len(gaps), dtype=np.int64)
            wide = np.flatnonzero(gaps > length_ms)
            if len(wide):
                missing[wide] = self._missing_in(times_ms[wide], times_ms[wide + 1], length_ms)
        return np.where(missing * length_ms <= self.untraded_ms, 0, missing) if self.untraded_ms else missing

    def untraded_between(self, times_ms: IntArray, length_ms: int) -> int:
        """Return the number of candles left out between the first and the last of n because nothing was traded."""
        if not self.untraded_ms:
            return 0
        every = replace(self, untraded_ms=0).missing_between(times_ms, length_ms)
        return int((every - self.missing_between(times_ms, length_ms)).sum())

    def missing_times(self, before_ms: int, after_ms: int, length_ms: int) -> IntArray:
        """Return the open times of the candles between two others, epoch ms, as the market trades."""
        start_ms = before_ms + length_ms
        if self.continuous:
            return np.arange(start_ms, after_ms, length_ms, dtype=np.int64)
        spans = self.spans(before_ms, after_ms)
        if length_ms == DAY_MS:
            first, last = self.dates(np.array([before_ms, after_ms], dtype=np.int64), daily=True)
            dates = np.unique(spans.dates)
            between: IntArray = (dates[(dates > first) & (dates < last)] - first) * DAY_MS + before_ms
            return between
        within = (spans.closes > start_ms) & (spans.opens < after_ms)
        parts = [
            np.arange(max(opened, start_ms), min(closed, after_ms), length_ms, dtype=np.int64)
            for opened, closed in zip(spans.opens[within].tolist(), spans.closes[within].tolist(), strict=True)
        ]
        return np.concatenate([np.empty(0, dtype=np.int64), *parts])

    def spans(self, first_ms: int, last_ms: int) -> TradingSpans:
        """Return the trading around two moments, with at least two weeks before the first and after the last."""
        first = datetime.fromtimestamp(first_ms / 1000, UTC) - timedelta(days=15)
        last = datetime.fromtimestamp(last_ms / 1000, UTC) + timedelta(days=15)
        return _spans_of_years(self, first.year, last.year)

    def _missing_in(self, before_ms: IntArray, after_ms: IntArray, length_ms: int) -> IntArray:
        if length_ms == DAY_MS:
            first, last = self.dates(before_ms, daily=True), self.dates(after_ms, daily=True)
            known = np.unique(self.spans(int(before_ms[0]), int(after_ms[-1])).dates)
            missing = np.searchsorted(known, last) - np.searchsorted(known, first, side="right")
            return np.maximum(0, missing.astype(np.int64))
        ends, spans = before_ms + length_ms, self.spans(int(before_ms[0]), int(after_ms[-1]))
        at = np.searchsorted(spans.opens, before_ms, side="right") - 1
        # Nearly all gaps lie within one session.
        within = (at >= 0) & (after_ms <= spans.closes[at])
        counts: IntArray = np.where(within, -((ends - after_ms) // length_ms), 0)
        for place in np.flatnonzero(~within & (self.traded_between(ends, after_ms) > 0)):
            counts[place] = len(self.missing_times(int(before_ms[place]), int(after_ms[place]), length_ms))
        return counts

    def ahead_ms(self, times_ms: IntArray) -> IntArray:
        """Return how far the market's clock is ahead of UTC at each of n ascending times."""
        if self.zone == "UTC" or not len(times_ms):
            return np.zeros(len(times_ms), dtype=np.int64)
        starts, ahead = clock_changes(self.zone, _year(int(times_ms.min())), _year(int(times_ms.max())))
        found: IntArray = ahead[np.searchsorted(starts, times_ms, side="right") - 1]
        return found


def _year(moment_ms: int) -> int:
    return datetime.fromtimestamp(moment_ms / 1000, UTC).year


@lru_cache(maxsize=512)
def _spans_of_years(sessions: Sessions, first_year: int, last_year: int) -> TradingSpans:
    clock = ZoneInfo(sessions.zone)
    opens, closes, dates = [], [], []
    for ordinal in range(date(first_year, 1, 1).toordinal(), date(last_year, 12, 31).toordinal() + 1):
        day = date.fromordinal(ordinal)
        for start, end in sessions.hours(day):
            opens.append(moment_ms(day, start, clock))
            closes.append(moment_ms(day, end, clock))
            dates.append(ordinal)
    opened, closed = np.array(opens, dtype=np.int64), np.array(closes, dtype=np.int64)
    before = np.concatenate(([0], np.cumsum(closed - opened)[:-1])) if len(opened) else opened
    return TradingSpans(opened, closed, np.array(dates, dtype=np.int64), before)


AROUND_THE_CLOCK = Sessions("around the clock")
