"""Calls of a store: bounded, counted, and told to its availability; late ones go on without their caller."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from loguru import logger

from domain.errors import StorageUnavailable
from storage.resilience.availability import LATE, UNOPENED, Availability, describe
from utils import metrics

T = TypeVar("T")


async def bounded(call: Awaitable[T], seconds: float) -> T:
    """Return the result of a call of the store.

    Raises:
        TimeoutError: the driver has hung for longer than its own time-outs allow.
    """
    async with asyncio.timeout(seconds):
        return await call


class StoreCalls:
    """Runs the calls of one store."""

    def __init__(self, kind: str, availability: Availability, seconds: float, *, prefix: str = "") -> None:
        """Keep the parts.

        Args:
            kind: Short name of the store: sqlite or mongodb.
            availability: Told of each call that fails.
            seconds: A call that takes longer has failed.
            prefix: Of the operations' names in the metric.
        """
        self._kind = kind
        self._availability = availability
        self._seconds = seconds
        self._prefix = prefix
        self._under_way: set[asyncio.Task[Any]] = set()
        self._late: set[asyncio.Task[Any]] = set()

    @property
    def late(self) -> bool:
        """Whether a call is late: where one caller waited in vain, the next need not."""
        return bool(self._late)

    async def run(self, operation: str, call: Callable[[], Awaitable[T]]) -> T:
        """Return the result of the call.

        Raises:
            StorageUnavailable: the store failed, or did not answer in time; it is taken for down.
        """
        failures = self._availability.failures
        try:
            with self.counted(operation):
                return await bounded(call(), self._seconds)
        except (StorageUnavailable, TimeoutError) as error:
            self._availability.broke(error, failures)
            raise self._unavailable(describe(error)) from error

    async def within(self, seconds: float, operation: str, call: Callable[[], Awaitable[T]]) -> T:
        """Return the result of the call, if it comes in time; raises as `run` too.

        Raises:
            TimeoutError: it is late and goes on, in a task of its own that this caller does not stop.
        """
        task = asyncio.create_task(self.run(operation, call))
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        try:
            await asyncio.wait({task}, timeout=seconds)
        finally:
            if not task.done():
                self._late.add(task)
        if not task.done():
            raise TimeoutError
        return task.result()

    async def close(self) -> None:
        """Cancel the calls under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def skip(self, operation: str) -> None:
        """Count an operation that is not tried."""
        self._count(operation, "skipped")

    @contextmanager
    def counted(self, operation: str) -> Iterator[None]:
        """Count an operation as failed or not."""
        try:
            yield
        except (StorageUnavailable, TimeoutError):
            self._count(operation, "failed")
            raise
        self._count(operation, "ok")

    def unavailable(self) -> StorageUnavailable:
        """Return the error for a caller that needs the store: it is down, late or not open yet."""
        return self._unavailable(self._availability.reason or (LATE if self._availability.available else UNOPENED))

    def _unavailable(self, reason: str) -> StorageUnavailable:
        return StorageUnavailable(f"the {self._kind} store is not available now: {reason}")

    def _count(self, operation: str, outcome: str) -> None:
        metrics.store_operation(self._kind, f"{self._prefix}{operation}", outcome).inc()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        error = None if task.cancelled() else task.exception()
        if task in self._late:
            self._late.discard(task)
            if error is not None and not isinstance(error, StorageUnavailable):
                logger.opt(exception=error).error("store call failed unexpectedly")  # no caller is left to hear it
