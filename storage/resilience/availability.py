"""Whether a store works, and its failures in words."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from loguru import logger

from domain.errors import AppError
from utils.clock import Clock

LATE = "no answer in time"
UNOPENED = "it is not open yet"


class Availability:
    """The state of a store: new, up or down; each change is logged once."""

    def __init__(self, kind: str, name: str, consequence: str, clock: Clock) -> None:
        """Start as new.

        Args:
            kind: Short name of the store: sqlite or mongodb.
            name: What it is called in the log.
            consequence: What its failure means for callers, for the log.
            clock: Dates the failure.
        """
        self._kind = kind
        self._name = name
        self._consequence = consequence
        self._clock = clock
        self._state: Literal["new", "up", "down"] = "new"
        self.failures = 0
        self.reason: str | None = None
        self.since: datetime | None = None

    @property
    def available(self) -> bool:
        """Whether the store worked when it was last tried."""
        return self._state == "up"

    @property
    def down(self) -> bool:
        """Whether the store failed when it was last tried; one that was not tried yet has not."""
        return self._state == "down"

    def broke(self, error: Exception, failures_before: int | None = None) -> bool:
        """Take the store for down, unless it has failed, and perhaps healed, since the call began.

        Args:
            error: Why the call failed.
            failures_before: `failures` at the moment when the call began; None for a call during which no other runs.

        Returns:
            Whether this is news.
        """
        if failures_before is not None and failures_before != self.failures:
            return False
        self.failures += 1
        self.reason = describe(error)
        news = self._state != "down"
        if news:
            self.since = self._clock.now()
            log = logger.bind(store=self._kind, reason=self.reason)
            log.warning(f"{self._name} is down; {self._consequence}")
        self._state = "down"
        return news

    def healed(self) -> None:
        """Take the store for up: it has just taken a write."""
        if self._state == "down":
            logger.bind(store=self._kind, since=self.since).info(f"{self._name} is back")
        self._state, self.reason, self.since = "up", None, None

    def closed(self) -> None:
        """Take the store for new again."""
        self._state, self.reason, self.since = "new", None, None


def describe(error: Exception) -> str:
    """Return the failure in words for the log, free of host names."""
    if isinstance(error, AppError):
        return error.message
    return LATE if isinstance(error, TimeoutError) else type(error).__name__
