"""The server's clock, injected where time matters."""

from __future__ import annotations

from datetime import UTC, datetime
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
