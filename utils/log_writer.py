"""Writes log lines in a thread of its own, so that an unread pipe or a full disk never stops the service."""

from __future__ import annotations

import asyncio
import os
import select
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Thread
from typing import TYPE_CHECKING, Protocol

from loguru import logger

from utils import metrics

if TYPE_CHECKING:
    from loguru import Message

# At a shutdown waiting lines are written for at most this long: an unread pipe must not hang it.
FLUSH_SECONDS = 1.0
_ERROR_LEVEL = 40
# Part of the queue that is reserved for errors: the lines that flood a log rarely explain it.
_SHARE_OF_ERRORS = 0.25


class Place(Protocol):
    """A destination of lines; only the thread of the writer calls it."""

    def write(self, text: str) -> None:
        """Write a text whole, however long that takes; OSError when it cannot be done."""

    def close(self) -> None:
        """Close it."""


class Descriptor:
    """An open file of this process, such as standard error, which is a pipe in many a deployment."""

    def __init__(self, number: int) -> None:
        self._number = number

    def write(self, text: str) -> None:
        """Write a text, not through Python's buffer: its lock would be held while the pipe is full."""
        left = memoryview(text.encode("utf-8", "backslashreplace"))
        while left:
            try:
                left = left[os.write(self._number, left) :]
            except BlockingIOError:  # another process that has the pipe too made it non-blocking
                waiting = select.poll()
                waiting.register(self._number, select.POLLOUT)
                waiting.poll()

    def close(self) -> None:
        """Leave it open: others write to it as well."""


@dataclass(frozen=True)
class LogState:
    """State of one destination of log lines.

    Attributes:
        name: `stderr` or `file`.
        dropped: Lines lost since the start.
        missing: Lost lines that the log itself does not report yet, because it still cannot be written.
        reason: Why writing fails, None while it works or only waits.
    """

    name: str
    dropped: int
    missing: int
    reason: str | None


class LogWriter:
    """A sink of loguru that never waits: a line is queued, or dropped and counted where the queue is full.

    Once lines can be written again, the log says how many are missing.
    """

    def __init__(self, name: str, place: Place, max_waiting_bytes: int, finish: Callable[[str], str]) -> None:
        """Start the thread.

        Args:
            name: `stderr` or `file`, for metrics and health.
            place: Where lines go.
            max_waiting_bytes: Of lines that wait to be written, about.
            finish: What is done to a line before it is written, in the thread.
        """
        self._name = name
        self._place = place
        self._finish = finish
        self._max_waiting = max_waiting_bytes
        self._lines: deque[str] = deque()
        self._waiting = 0  # characters, of the line that is being written too
        self._dropped = 0
        self._missing = 0
        self._reason: str | None = None
        self._stopped = False
        self._changed = Condition()
        self._thread = Thread(target=self._run, name=f"log {name}", daemon=True)
        self._thread.start()

    def write(self, message: Message) -> None:
        """Queue a line."""
        room = self._max_waiting
        if message.record["level"].no < _ERROR_LEVEL:
            room = int(room * (1 - _SHARE_OF_ERRORS))
        with self._changed:
            if self._waiting + len(message) > room:
                self._lose()
                return
            self._lines.append(str(message))
            self._waiting += len(message)
            self._changed.notify_all()

    def state(self) -> LogState:
        """Return the state of the writer, without waiting."""
        return LogState(self._name, self._dropped, self._missing, self._reason)

    def drained(self, seconds: float) -> bool:
        """Wait at most `seconds` until every line is written; return whether all are."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, seconds)

    async def complete(self) -> None:
        """Wait for what is queued, off the event loop, for `logger.complete()`."""
        await asyncio.to_thread(self.drained, FLUSH_SECONDS)

    def stop(self) -> None:
        """Write what is queued and end the thread, as loguru asks when it removes the sink and at the process' end."""
        self.drained(FLUSH_SECONDS)
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._thread.join(FLUSH_SECONDS)

    def _run(self) -> None:
        while (line := self._next()) is not None:
            try:
                self._place.write(self._finish(line))
                reason = None
            except OSError as error:
                reason = error.strerror or type(error).__name__
            with self._changed:
                self._reason = reason
                if reason is not None:
                    self._lose()
                missing = self._missing if reason is None and self._waiting < self._max_waiting / 2 else 0
                self._missing -= missing
            if missing:
                logger.bind(log=self._name, lines=missing).warning("log lines were dropped: they could not be written")
            with self._changed:
                self._waiting -= len(line)
                self._changed.notify_all()
        self._place.close()

    def _next(self) -> str | None:
        """Wait for a line and take it; None once the writer is stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._stopped)
            return None if self._stopped else self._lines.popleft()

    def _lose(self) -> None:
        self._dropped += 1
        self._missing += 1
        metrics.LOG_LINES_DROPPED.labels(self._name).inc()
