"""The clock that wrote times without an offset: one that the file names, or one that the market's hours prove."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from domain.arrays import IntArray
from domain.errors import InvalidMarketData
from domain.hours.clocks import DAY_MS, HOUR_MS, MINUTE_MS
from domain.hours.sessions import Sessions
from domain.hours.trading_hours import CLOSING_MINUTES, FOREX, known_sessions
from features.candle_reading.times.column_times import Times
from features.candle_reading.times.zones import Clock, NamedZone, ServerClock, clock_words, utc_of_local, zone_of

# So much of the candles has to lie within the hours of the market, and so much more than by UTC. Candles looked at.
_FITS, _BETTER, _LOOKED_AT = 0.99, 0.005, 20_000
# Before and after the regular hours of the exchanges of the United States.
_EXTENDED = ((4 * 60, 20 * 60),)
_FEWEST_ROWS = 10
# Clocks that are put back in autumn, at different hours or on different days.
_PUT_BACK = ("Europe/London", "Europe/Berlin", "Europe/Athens", "America/New_York", "Australia/Sydney")
_WORKING_DAYS = {0, 1, 2, 3, 4}  # Monday is 0
# A day on which the clock is put forward.
_NEARLY_A_DAY_MS = DAY_MS - 120 * MINUTE_MS


def with_clock(times: Times, zone: NamedZone, market: str | None, of_broker: bool) -> Times:
    """Return times of candles in UTC, where they have no offset and the clock they were written by is known.

    Args:
        times: As they were read, those without an offset taken for UTC.
        zone: What the file says of its time zone beside or above its rows.
        market: The symbol; its hours prove the clock where candles keep them by the local clock and not by UTC.
        of_broker: Whether a terminal of a broker wrote the file: all markets have the clock of its server, and are
            closed when currencies are.

    Raises:
        InvalidMarketData: what the file says of its zone names no single one, and no hours of a market prove it.
    """
    if not times.local or not len(times.ms):
        return times
    sessions = known_sessions(market) if market else None
    ordered = np.sort(times.ms)
    if len(ordered) < 2 or float(np.median(ordered[1:] - ordered[:-1])) >= _NEARLY_A_DAY_MS:
        return _dates(times, sessions)
    known = sessions is not None and not sessions.continuous and len(times.ms) >= _FEWEST_ROWS
    named = zone_of(zone.words) if zone.words else None
    if named is not None and not (
        zone.of_exchange and sessions and known and _share_within(sessions, times.ms) >= _FITS
    ):
        return _by(times, named, clock_words(named))
    sample = times.ms[:: 1 + len(times.ms) // _LOOKED_AT]
    for hours in _hours_of(sessions, of_broker):
        by_utc = _share_within(hours, sample)
        clock = max(_clocks(hours), key=lambda clock: _share_within(hours, utc_of_local(sample, clock)))
        share = _share_within(hours, utc_of_local(sample, clock))
        if share >= _FITS and share > by_utc + _BETTER:
            return _by(times, clock, f"{clock_words(clock)}, whose hours they keep")
        if by_utc >= _FITS:
            break
    else:
        if zone.words and not zone.of_exchange:
            raise InvalidMarketData(
                f"its times have the zone {zone.words[:40]!r}, which names no single one: write it as UTC-6 or "
                "America/Chicago, or write the times in UTC"
            )
    _require_no_hour_twice(times.ms)
    return times


def _require_no_hour_twice(times_ms: IntArray) -> None:
    """Refuse times of which only one hour comes twice, at which the clocks of a place are put back.

    Raises:
        InvalidMarketData: they are those of such a clock, and which of its zone is not known.
    """
    moments, counts = np.unique(times_ms, return_counts=True)
    twice = moments[counts > 1]
    if not len(twice) or counts.max() > 2 or twice[0] // HOUR_MS != twice[-1] // HOUR_MS:
        return
    hour = pd.DatetimeIndex(twice[:1].astype("datetime64[ms]"))
    if any(hour.tz_localize(zone, ambiguous="NaT", nonexistent="NaT").isna().all() for zone in _PUT_BACK):
        raise InvalidMarketData(
            f"{hour[0]:%Y-%m-%d %H:%M} comes twice, as on a clock that is put back in autumn: write times with their "
            "offset, or name the zone in the header, as Time (Europe/Berlin)"
        )


def _dates(times: Times, sessions: Sessions | None) -> Times:
    """Return days that are stamped by the close of the market on its own clock, as 16:00, as dates.

    Of a market whose hours are not known, days from Monday to Friday may be stamped by the close of any exchange.
    """
    clock = int(times.ms[0] % DAY_MS) // MINUTE_MS
    if (times.ms % DAY_MS // MINUTE_MS != clock).any():
        return times
    if sessions is None:
        of_shares, closes = set(np.unique((times.ms // DAY_MS + 3) % 7)) == _WORKING_DAYS, CLOSING_MINUTES
    else:
        of_shares, closes = sessions.anchored, frozenset(hours[-1][1] for hours in sessions.week if hours)
    if not of_shares or clock not in closes:
        return times
    return replace(times, ms=times.ms - times.ms % DAY_MS, local=False, words="dates read as midnight UTC")


def _by(times: Times, clock: Clock, words: str) -> Times:
    return replace(times, ms=utc_of_local(times.ms, clock), local=False, words=f"times read by the clock {words}")


def _hours_of(sessions: Sessions | None, of_broker: bool) -> Iterator[Sessions]:
    if sessions and not sessions.continuous:
        yield sessions
    if sessions and sessions.exchange == "XNYS" and not of_broker:
        yield replace(sessions, week=(_EXTENDED,) * 5 + ((), ()), exchange=None)
    if of_broker:
        yield FOREX


def _clocks(sessions: Sessions) -> tuple[Clock, ...]:
    """Return the clocks that exports use: of the exchange, or those of vendors and brokers of currencies."""
    own = ZoneInfo(sessions.zone)
    if sessions.anchored:
        return (own,)
    # HistData's clock is that of New York in winter, all year.
    winter = zone_of("EST") or own
    return (
        own,
        ServerClock(),
        ZoneInfo("America/New_York"),
        winter,
        ZoneInfo("Europe/London"),
        ZoneInfo("Europe/Athens"),
        ZoneInfo("Europe/Berlin"),
    )


def _share_within(sessions: Sessions, times_ms: IntArray) -> float:
    always = replace(sessions, exchange=None)
    ordered = np.sort(times_ms)
    return float((always.traded_between(ordered, ordered + MINUTE_MS) > 0).mean())
