"""The server's clock, injected where time matters, and the freshness of cached values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time; tests hand in one that stands still or jumps."""

    def now(self) -> datetime:
        """Return the current aware UTC time."""


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the current aware UTC time."""
        return datetime.now(UTC)


def is_fresh(made_at: datetime, now: datetime, max_age: timedelta) -> bool:
    """Return whether a value is younger than `max_age`; a value of the future, by a clock set back since, is not."""
    return made_at <= now < made_at + max_age
