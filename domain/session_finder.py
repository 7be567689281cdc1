"""The sessions of a market, found from the times of its candles and from its symbol; the candles outweigh the name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date

import numpy as np

from domain.arrays import BoolArray, IntArray
from domain.hours.clocks import DAY_MINUTES, DAY_MS, MINUTE_MS
from domain.hours.sessions import ALL_DAY, ALL_WEEK, AROUND_THE_CLOCK, Hours, Sessions
from domain.hours.trading_hours import known_sessions
from domain.market import CandleSeries, Timeframe

# Share of the candles that have to lie within the hours of a known market.
_FITS = 0.99
# Clocks by which sessions are looked for; between them they have every rule for changes of the clock in use.
_ZONES = (
    "UTC",
    "America/New_York",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Australia/Sydney",
    "America/Sao_Paulo",
)
# Nights are seen in several dates; one break, or two, may as well be holes.
_MIN_DATES = 3
# A time of day, or a weekday, belongs to the hours when it has candles a quarter as often as the others.
_USUAL_SHARE = 0.25
# No exchange without a known calendar is believed to be closed for more trading days in a row.
_MAX_HOLIDAYS = 4
# Candles are left out where nothing was traded when this share is missing, in at least this number of places.
_UNTRADED_SHARE, _UNTRADED_PLACES = 0.05, 20
_UNTRADED_RUN = 10
# Chance of a longer run of candles without a trade in all of the data.
_UNTRADED_CHANCE = 0.01


def find_sessions(symbol: str | None, times_ms: IntArray, length_ms: int) -> Sessions:
    """Return the sessions in which a market trades.

    Args:
        symbol: Name of the market; None where it is not known.
        times_ms: Open times of n candles, ascending and unique, epoch ms.
        length_ms: Length of a candle.
    """
    known = known_sessions(symbol) if symbol else None
    whole = not len(times_ms) or int(times_ms[-1] - times_ms[0]) == (len(times_ms) - 1) * length_ms
    if length_ms > DAY_MS or (whole and (known is None or known.continuous)):
        return AROUND_THE_CLOCK
    if known is not None and not known.continuous and not _fits(known, times_ms, length_ms):
        if whole:
            return AROUND_THE_CLOCK
        known = None
    if length_ms == DAY_MS:
        sessions = _of_days(known, times_ms)
    elif known is None:
        sessions = _of_hours(times_ms, length_ms)
    else:
        sessions = known if known.continuous else _with_dates(known, times_ms, length_ms)
    return _with_untraded(sessions, times_ms, length_ms)


def in_market(symbol: str, series: Mapping[Timeframe, CandleSeries]) -> dict[Timeframe, CandleSeries]:
    """Return ordered candles of a market, by timeframe, with the sessions in which it trades.

    Raises:
        InvalidMarketData: candles whose distance is neither a multiple of their length nor a break between sessions.
    """
    known = known_sessions(symbol)
    if (known is None or known.continuous) and all(candles.regular for candles in series.values()):
        # What nearly every request brings: the general way would come to the same.
        return dict(series)
    return {timeframe: with_sessions(symbol, candles) for timeframe, candles in series.items()}


def with_sessions(symbol: str | None, series: CandleSeries) -> CandleSeries:
    """Return ordered candles of one timeframe with the sessions of their market; raises as `in_market` does."""
    return series.of_market(find_sessions(symbol, series.times_ms, series.timeframe.ms))


def _fits(known: Sessions, times_ms: IntArray, length_ms: int) -> bool:
    """Return whether the candles lie within the hours of a known market, holidays aside."""
    if length_ms == DAY_MS:
        weekdays = _weekdays(known.dates(times_ms, daily=True))
        inside = np.array([bool(known.week[weekday]) for weekday in range(7)])[weekdays]
    else:
        always = replace(known, exchange=None)
        inside = always.traded_between(times_ms, times_ms + 1) > 0
    return float(inside.mean()) >= _FITS


def _of_days(known: Sessions | None, times_ms: IntArray) -> Sessions:
    """Return the weekdays on which daily candles come; other weekdays, and single dates, are no holes."""
    base = known or AROUND_THE_CLOCK
    dates = base.dates(times_ms, daily=True)
    week = tuple(
        (base.week[weekday] or ALL_DAY) if traded else () for weekday, traded in enumerate(_usual_weekdays(dates, base))
    )
    if week == ALL_WEEK:
        return AROUND_THE_CLOCK
    name = known.name if known else "weekdays"
    return _with_dates(replace(base, name=name, week=week), times_ms, DAY_MS)


def _of_hours(times_ms: IntArray, length_ms: int) -> Sessions:
    """Return the sessions that repeat in the candles, by the clock that explains them best."""
    if int(times_ms[-1] // DAY_MS - times_ms[0] // DAY_MS) < _MIN_DATES - 1:
        return AROUND_THE_CLOCK
    found = [_by_clock(zone, times_ms, length_ms) for zone in _ZONES]
    # The first of equals: UTC, where nothing speaks for another clock.
    best = min(found, key=lambda sessions: _unexplained(sessions, times_ms, length_ms))
    return best if best.continuous else _with_dates(best, times_ms, length_ms)


def _by_clock(zone: str, times_ms: IntArray, length_ms: int) -> Sessions:
    clock = Sessions("found in the candles", zone)
    dates = clock.dates(times_ms, daily=False)
    if len(np.unique(dates)) < _MIN_DATES:
        return AROUND_THE_CLOCK
    minutes = _minutes(clock, times_ms)
    slots, counts = np.unique(minutes, return_counts=True)
    slots = slots[counts >= _USUAL_SHARE * np.quantile(counts, 0.75)]
    traded = _usual_weekdays(dates, clock)
    weekdays, step = _weekdays(dates), length_ms // MINUTE_MS
    if traded.all() and len(slots) * step == DAY_MINUTES:
        return AROUND_THE_CLOCK
    week: list[Hours] = []
    for weekday in range(7):
        own = weekdays == weekday
        if not traded[weekday]:
            week.append(())
        elif not own.any():
            week.append(_joined(slots, step))
        else:
            first, last = _usual_ends(minutes[own], dates[own])
            week.append(_joined(slots[(slots >= first) & (slots <= last)], step))
    return AROUND_THE_CLOCK if tuple(week) == ALL_WEEK else replace(clock, week=tuple(week))


def _usual_ends(minutes: IntArray, dates: IntArray) -> tuple[float, float]:
    """Return the minutes of the first and the last candle of a usual date, neither the shortest nor the longest."""
    starts = np.flatnonzero(np.diff(dates, prepend=-1))
    firsts = np.minimum.reduceat(minutes, starts)
    lasts = np.maximum.reduceat(minutes, starts)
    return float(np.quantile(firsts, 0.25, method="lower")), float(np.quantile(lasts, 0.75, method="higher"))


def _joined(slots: IntArray, step: int) -> Hours:
    """Return the spans that slots of `step` minutes cover together, at most to the end of the date."""
    if not len(slots):
        return ()
    breaks = np.flatnonzero(np.diff(slots) > step)
    starts, ends = np.concatenate((slots[:1], slots[breaks + 1])), np.concatenate((slots[breaks], slots[-1:])) + step
    return tuple((int(start), min(int(end), DAY_MINUTES)) for start, end in zip(starts, ends, strict=True))


def _unexplained(sessions: Sessions, times_ms: IntArray, length_ms: int) -> int:
    """Return the number of candles that are missing, or lie outside of the hours."""
    if sessions.continuous:
        return int(sessions.missing_between(times_ms, length_ms).sum())
    outside = sessions.traded_between(times_ms, times_ms + 1) == 0
    # A session that a clock cuts at midnight is one session by another.
    cut = [hours for hours in sessions.week if hours and (hours[0][0] == 0 or hours[-1][1] == DAY_MINUTES)]
    return int(sessions.missing_between(times_ms, length_ms).sum() + outside.sum()) + sessions.anchored * len(cut)


def _with_dates(sessions: Sessions, times_ms: IntArray, length_ms: int) -> Sessions:
    """Return sessions with the dates on which the candles say otherwise: open on holidays, closed, or short."""
    daily = length_ms == DAY_MS
    dates = sessions.dates(times_ms, daily=daily)
    seen, starts = np.unique(dates, return_index=True)
    opened = {date.fromordinal(int(day)) for day in seen if not sessions.hours(date.fromordinal(int(day)))}
    sessions = replace(sessions, open_dates=frozenset(opened))
    if sessions.exchange is None:
        sessions = replace(sessions, closed_dates=frozenset(_holidays(sessions, seen)))
    if daily or sessions.exchange == "XNYS":
        return sessions
    return replace(sessions, short_dates=tuple(_short_dates(sessions, times_ms, seen, starts, length_ms)))


def _holidays(sessions: Sessions, seen: IntArray) -> Iterator[date]:
    """Yield the dates without candles between those with some, in short runs of trading days."""
    for before, after in zip(seen[:-1].tolist(), seen[1:].tolist(), strict=True):
        if after - before > 1:
            days = (date.fromordinal(day) for day in range(before + 1, after))
            missing = [day for day in days if sessions.week[day.weekday()]]
            if len(missing) <= _MAX_HOLIDAYS:
                yield from missing


def _short_dates(
    sessions: Sessions, times_ms: IntArray, seen: IntArray, starts: IntArray, length_ms: int
) -> Iterator[tuple[date, Hours]]:
    """Yield the dates whose candles begin after or end before the hours.

    The data may begin or end within the first and the last date: they count where their neighbor is as short.
    """
    minutes = _minutes(sessions, times_ms)
    firsts = minutes[starts].tolist()
    lasts = (minutes[np.append(starts[1:], len(times_ms)) - 1] + length_ms // MINUTE_MS).tolist()
    step, end = length_ms // MINUTE_MS, len(seen) - 1
    for at, ordinal in enumerate(seen.tolist()):
        day = date.fromordinal(ordinal)
        usual = sessions.hours(day)
        cut = (at == 0 and firsts[:1] != firsts[1:2]) or (at == end and lasts[-1:] != lasts[-2:-1])
        if usual and not cut and (firsts[at] >= usual[0][0] + step or lasts[at] <= usual[-1][1] - step):
            hours = ((max(start, firsts[at]), min(close, lasts[at])) for start, close in usual)
            yield day, tuple(span for span in hours if span[0] < span[1])


def _with_untraded(sessions: Sessions, times_ms: IntArray, length_ms: int) -> Sessions:
    """Return sessions that take short gaps for time without a trade, where such gaps lie all over the data."""
    missing = sessions.missing_between(times_ms, length_ms)
    short = missing[(missing > 0) & (missing <= _UNTRADED_RUN)]
    share = float(short.sum()) / (len(times_ms) + float(short.sum()))
    if len(short) < _UNTRADED_PLACES or share < _UNTRADED_SHARE:
        return sessions
    # Twice the run that trades at even chances would leave out, since markets are quieter by night.
    longest = math.ceil(2 * math.log(_UNTRADED_CHANCE / len(times_ms)) / math.log(share))
    return replace(sessions, untraded_ms=longest * length_ms)


def _usual_weekdays(dates: IntArray, base: Sessions) -> BoolArray:
    """Return for each weekday, Monday first, whether the market trades on it; unseen ones are those of `base`."""
    days = np.unique(dates)
    counts = np.bincount(_weekdays(days), minlength=7)
    spanned = np.bincount(_weekdays(np.arange(days[0], days[-1] + 1)), minlength=7)
    usual = counts >= np.maximum(1, _USUAL_SHARE * counts.max())
    unseen = np.array([bool(hours) for hours in base.week])
    return np.where(spanned > 0, usual, unseen)


def _weekdays(dates: IntArray) -> IntArray:
    """Return the weekday of proleptic ordinals, 0 for Monday."""
    return (dates + 6) % 7


def _minutes(sessions: Sessions, times_ms: IntArray) -> IntArray:
    """Return the minutes of candles since local midnight."""
    minutes: IntArray = (times_ms + sessions.ahead_ms(times_ms)) // MINUTE_MS % DAY_MINUTES
    return minutes
