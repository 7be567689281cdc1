"""Finds out whether a store works, and brings it back with the writes it missed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Literal, TypeVar

from loguru import logger

from domain.errors import StorageUnavailable
from storage.backlog import Backlog, Write
from storage.ports import Store

T = TypeVar("T")

# Longer than the time-outs of every driver: only a call that would hang for ever is cut.
CALL_SECONDS = 5.0
REPLAY_TRIES = 3


async def bounded(call: Awaitable[T]) -> T:
    """Return what a call of the store gives.

    Raises:
        TimeoutError: the driver has hung for longer than its own time-outs allow.
    """
    async with asyncio.timeout(CALL_SECONDS):
        return await call


class Recovery:
    """Checks a store for as long as it runs, and heals it.

    The writes that wait are made before the store counts as available again, so they never
    replace what came later.
    """

    def __init__(self, store: Store, retry_seconds: float) -> None:
        """Watch over a store that is not opened yet, with `retry_seconds` between two checks."""
        self._store = store
        self._retry_seconds = retry_seconds
        self._state: Literal["new", "up", "down"] = "new"
        self._backlog = Backlog()
        self._wake = asyncio.Event()
        self._attempted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.failures = 0

    @property
    def available(self) -> bool:
        """Whether the store worked when it was last tried."""
        return self._state == "up"

    @property
    def waiting(self) -> int:
        """Writes that the store has not taken yet."""
        return len(self._backlog)

    async def start(self, patience_seconds: float) -> None:
        """Start to open and check the store, and wait for the first outcome, but not for long."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="store recovery")
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds):
                await self._attempted.wait()

    async def stop(self) -> None:
        """Stop checking; from now on the store does not count as available."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None
        self._state = "new"
        self._attempted.clear()

    def keep(self, write: Write) -> None:
        """Let a write wait until the store can take it."""
        self._backlog.keep(write)
        if self.available:
            self._wake.set()

    def report_failure(self, error: StorageUnavailable | TimeoutError, failures_before: int) -> bool:
        """Take the store for down, unless it has failed, and perhaps healed, since the call began.

        Args:
            error: Why the call failed.
            failures_before: `failures` at the moment when the call began.

        Returns:
            Whether this is news.
        """
        news = failures_before == self.failures
        if news:
            self._break(error)
        return news

    async def replay(self) -> int:
        """Make the writes that wait, oldest first, and return how many succeeded.

        A write that fails again and again, while the store answers in between, is refused for
        what it holds. It is logged and given up, or it would keep all others waiting for ever.

        Raises:
            StorageUnavailable, TimeoutError: the store itself failed; the rest still waits.
        """
        replayed = 0
        while write := self._backlog.oldest():
            for _ in range(REPLAY_TRIES):
                try:
                    await bounded(write.apply(self._store))
                except (StorageUnavailable, TimeoutError) as error:
                    reason = describe(error)
                    await bounded(self._store.ping())
                else:
                    replayed += 1
                    break
            else:
                logger.bind(store=self._store.kind, reason=reason).error("store refuses a write; it is given up")
            self._backlog.remove(write)
        return replayed

    async def _run(self) -> None:
        while True:
            try:
                if self.available:
                    await self._check()
                if not self.available or self._backlog:
                    await self._heal()
            except Exception:  # noqa: BLE001 - a fault of ours, and without this loop the store would stay down for good
                logger.exception("store check failed unexpectedly")
            self._attempted.set()
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._retry_seconds):
                    await self._wake.wait()

    async def _check(self) -> None:
        failures = self.failures
        try:
            await bounded(self._store.ping())
        except (StorageUnavailable, TimeoutError) as error:
            self.report_failure(error, failures)

    async def _heal(self) -> None:
        try:
            if not self.available:
                await bounded(self._store.open())
            replayed = await self.replay()
        except (StorageUnavailable, TimeoutError) as error:
            self._break(error)
            return
        if self._state == "down":
            logger.bind(store=self._store.kind, replayed=replayed).info("store is back")
        self._state = "up"

    def _break(self, error: StorageUnavailable | TimeoutError) -> None:
        self.failures += 1
        if self.available:
            self._wake.set()
        if self._state != "down":
            logger.bind(store=self._store.kind, reason=describe(error)).warning("store is down; requests do without it")
        self._state = "down"


def describe(error: StorageUnavailable | TimeoutError) -> str:
    """Return the failure in words for the log, free of host names."""
    return error.message if isinstance(error, StorageUnavailable) else "no answer in time"
