"""The pause that a server asks for: the forms of `Retry-After`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that the headers ask for, or None without a valid value.

    `retry-after-ms` (OpenAI's own) counts first, then `retry-after` as seconds or as an HTTP date
    (RFC 9110, section 10.2.3). A negative, past or unreadable value does not count.

    Args:
        headers: Of the reply, their names in lower case or found in any case.
        now: Aware UTC time that a date is counted from.
    """
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    text = headers.get("retry-after", "")
    seconds = _number(text)
    return seconds if seconds is not None else _until(text, now)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _until(text: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    # a date with the zone -0000 is read as naive, and is UTC
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    seconds = (moment - now).total_seconds()
    return seconds if seconds >= 0 else None
