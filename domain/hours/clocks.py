"""Clocks of markets: when a local time is, and when a clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from domain.arrays import IntArray

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MINUTES = 1_440
DAY_MS = DAY_MINUTES * MINUTE_MS
WEEK_MS = 7 * DAY_MS


@lru_cache(maxsize=256)
def clock_changes(zone: str, first_year: int, last_year: int) -> tuple[IntArray, IntArray]:
    """Return the moments at which a clock's distance to UTC changes, and the distances from there on, in ms."""
    clock, hour = ZoneInfo(zone), timedelta(hours=1)
    moment, end = datetime(first_year - 1, 12, 1, tzinfo=UTC), datetime(last_year + 1, 2, 1, tzinfo=UTC)
    starts, ahead = [0], [0]
    while moment < end:
        offset = moment.astimezone(clock).utcoffset() or timedelta()
        offset_ms = round(offset.total_seconds()) * 1000
        if len(starts) == 1 or offset_ms != ahead[-1]:
            found = moment
            # Days are looked at one by one, hours only on the day of a change.
            while len(starts) > 1 and (found - hour).astimezone(clock).utcoffset() == offset:
                found -= hour
            starts.append(round(found.timestamp() * 1000))
            ahead.append(offset_ms)
        moment += timedelta(days=1)
    starts[1] = min(starts[1], 0)
    return np.array(starts[1:], dtype=np.int64), np.array(ahead[1:], dtype=np.int64)


def moment_ms(day: date, minute: int, clock: ZoneInfo) -> int:
    """Return the moment of a local minute of a date, which may be 24:00, in epoch ms."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=clock)
    days, minute = divmod(minute, DAY_MINUTES)
    local = midnight + timedelta(days=days)
    return round(local.replace(hour=minute // 60, minute=minute % 60).timestamp() * 1000)
