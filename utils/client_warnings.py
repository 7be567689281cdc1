"""Warnings about what clients do, which clients can cause as often as they like: of each kind a few lines a minute."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from loguru import logger

MAX_LINES = 20
WINDOW_SECONDS = 60.0


@dataclass
class _Counted:
    since: float
    count: int = 0


class ClientWarnings:
    """Logs at most `MAX_LINES` of a kind in `WINDOW_SECONDS`; the next line tells how many were left out before it.

    Otherwise a client could fill the disk, and push all other lines out of the rotated files and `GET /ai/log`.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing logged; `monotonic` gives seconds that never jump."""
        self._monotonic = monotonic
        self._counted: dict[str, _Counted] = {}

    def warn(self, message: str, kind: str = "", **facts: object) -> None:
        """Log a warning, unless there were many of its kind.

        Args:
            message: What happened, the same for all of a kind.
            kind: What lines of one message are told apart by, one of a few words.
            facts: Of this line.
        """
        now, key = self._monotonic(), f"{message} {kind}"
        counted, left_out = self._counted.get(key), 0
        if counted is None or now - counted.since >= WINDOW_SECONDS:
            left_out = max(0, counted.count - MAX_LINES) if counted else 0
            counted = self._counted[key] = _Counted(now)
        counted.count += 1
        if counted.count <= MAX_LINES:
            more = {"left_out": left_out} if left_out else {}
            logger.bind(**facts, **more).opt(depth=1).warning(message)

    def reset(self) -> None:
        """Forget what was logged."""
        self._counted.clear()


# One for the process, as its log is.
client_warnings = ClientWarnings()
