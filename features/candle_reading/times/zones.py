"""Time zones as files name them, and times on the clock of one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pandas as pd

from domain.arrays import IntArray
from domain.hours.clocks import HOUR_MS

# Words for the clock of a place, which changes in spring and autumn, and for one of its two times. CST is none of them:
# it is the time of Chicago and of Shanghai.
_PLACES = {
    **dict.fromkeys(("ET", "EST5EDT"), "America/New_York"),
    "PT": "America/Los_Angeles",
    "CET": "Europe/Berlin",
    "EET": "Europe/Athens",
    "MSK": "Europe/Moscow",
    "IST": "Asia/Kolkata",
    "KST": "Asia/Seoul",
    "JST": "Asia/Tokyo",
    "HKT": "Asia/Hong_Kong",
    "SGT": "Asia/Singapore",
    "BRT": "America/Sao_Paulo",
}
_HOURS_AHEAD = {
    **dict.fromkeys(("UTC", "GMT", "Z", "WET"), 0.0),
    **{"EST": -5, "EDT": -4, "CDT": -5, "PST": -8, "PDT": -7, "BST": 1, "CEST": 2, "EEST": 3, "AEST": 10, "AEDT": 11},
}
# The word in summer of the same place, and hours ahead in winter.
_IN_WINTER = {"CET": ("CEST", 1), "EET": ("EEST", 2)}
# Of the rows of one market; for each of them, all rows are looked at.
MOST_ZONES = 20
_MOST_HOURS = 14  # of a clock ahead of UTC
_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([-+])(\d{1,2})(?::?(\d{2}))?", re.IGNORECASE)
# Zones as a part of a text: Europe/Berlin, US/Eastern, EST, UTC+8.
ZONE_WORDS = r"(?:UTC|GMT)\s?[-+]\d{1,2}(?::?\d{2})?|[A-Za-z]+/[A-Za-z_]+(?:/[A-Za-z_]+)?|[A-Z]{1,4}T|UTC|MSK"


@dataclass(frozen=True)
class NamedZone:
    """What a file says of the time zone of all its times.

    Attributes:
        words: The zone as it is written there, or nothing.
        of_exchange: Whether it is said of the exchange, whose clock the times may have or not.
    """

    words: str = ""
    of_exchange: bool = False


UNNAMED = NamedZone()


@dataclass(frozen=True)
class ServerClock:
    """The clock of many brokers of currencies: midnight is when New York closes the day, at 17:00."""


_AHEAD_OF_NEW_YORK = 7  # hours of a `ServerClock`

Clock = tzinfo | ServerClock


def zone_of(words: str, beside: Sequence[str] = ()) -> tzinfo | None:
    """Return the zone that words name, such as EST, US/Eastern, Europe/Berlin or UTC+8; None where they name none.

    Args:
        words: As they are written.
        beside: The other words in the same column: CET beside CEST is the time of winter, alone that of a place.
    """
    if words in _IN_WINTER and _IN_WINTER[words][0] in beside:
        return timezone(timedelta(hours=_IN_WINTER[words][1]))
    return _zone(words.strip())


@lru_cache(maxsize=256)
def _zone(words: str) -> tzinfo | None:
    short = words.upper()
    if short in _HOURS_AHEAD:
        return timezone(timedelta(hours=_HOURS_AHEAD[short]))
    if found := _OFFSET.fullmatch(words):
        ahead = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
        return timezone(-ahead if found[1] == "-" else ahead) if ahead < timedelta(hours=24) else None
    name = _PLACES.get(short, words)
    return ZoneInfo(name) if "/" in name and name in _zone_names() else None


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    """Return the names of zones, for which folders are looked through."""
    return frozenset(available_timezones())


def offset_words(text: str) -> str:
    """Return an offset from UTC that is a number as -05:00: -5 and 5.5 hours, -500, -18000 seconds; others as given."""
    try:
        number = float(text)
    except ValueError:
        return text
    size = abs(number)
    if size <= _MOST_HOURS:
        minutes = size * 60
    elif size <= _MOST_HOURS * 100 and size % 100 in {0, 30, 45}:
        minutes = size // 100 * 60 + size % 100
    else:
        minutes = size / 60
    if minutes % 15 or minutes > _MOST_HOURS * 60:
        return text
    return f"{'-' if number < 0 else '+'}{int(minutes // 60):02}:{int(minutes % 60):02}"


def clock_words(clock: Clock) -> str:
    """Return the name of a clock for a person."""
    if isinstance(clock, ServerClock):
        return f"of brokers' servers, New York + {_AHEAD_OF_NEW_YORK} h"
    return f"of {clock}"


def utc_of_local(local_ms: IntArray, clock: Clock) -> IntArray:
    """Return the moments, epoch ms, of times on a local clock, as ms since its 1970.

    The hour that comes twice in autumn is counted on where times repeat; the hour that spring leaves out is the next.

    Args:
        local_ms: n times in the order of the file.
        clock: Where they were written.
    """
    if isinstance(clock, ServerClock):
        return utc_of_local(local_ms - _AHEAD_OF_NEW_YORK * HOUR_MS, ZoneInfo("America/New_York"))
    times = pd.DatetimeIndex(local_ms.astype("datetime64[ms]"))
    again = times.duplicated()
    newest_first = len(times) > 1 and times[0] > times[-1]
    first_is_summer = again if newest_first and again.any() else ~again
    moments = times.tz_localize(clock, ambiguous=np.asarray(first_is_summer), nonexistent="shift_forward")
    found: IntArray = moments.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[ms]").astype(np.int64)
    return found
