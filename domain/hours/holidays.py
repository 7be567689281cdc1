"""Holidays and half days of the known exchanges, by the `holidays` library."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache


@lru_cache(maxsize=1)
def load_holidays() -> Callable[..., Iterable[date]]:
    """Import the library, which takes half a second and 40 MB and is needed for shares alone.

    An event loop calls it in a thread before it reads the first share; elsewhere the first question does.
    """
    from holidays import financial_holidays

    return financial_holidays


def holidays_loaded() -> bool:
    """Return whether a question for a holiday is answered at once."""
    return load_holidays.cache_info().currsize > 0


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
    calendar = load_holidays()(exchange, years=year, categories=(category,))
    return frozenset(day for day in calendar if day.year == year)
