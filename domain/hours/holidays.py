"""Holidays and half days of the known exchanges, by the `holidays` library."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

# The library takes a fourth of a second to load, and is only needed for shares: it is imported where it is asked.


def is_holiday(exchange: str, day: date) -> bool:
    """Return whether an exchange (MIC) is closed on a date for a holiday; weekends are none."""
    return day in _days(exchange, day.year, "public")


def half_day_close(exchange: str, day: date) -> int | None:
    """Return the local minute at which an exchange closes early on a date, or None."""
    close = _EARLY_CLOSES.get(exchange)
    return close if close is not None and day in _days(exchange, day.year, "half_day") else None


# Minutes since local midnight.
_EARLY_CLOSES = {"XNYS": 13 * 60, "XTSE": 13 * 60, "XLON": 12 * 60 + 30, "XPAR": 14 * 60 + 5, "XHKG": 12 * 60}


@lru_cache(maxsize=512)
def _days(exchange: str, year: int, category: str) -> frozenset[date]:
    from holidays import financial_holidays

    calendar = financial_holidays(exchange, years=year, categories=(category,))
    return frozenset(day for day in calendar if day.year == year)
