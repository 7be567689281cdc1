"""Calls that go on after their caller has given up."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from loguru import logger

from domain.errors import StorageUnavailable

T = TypeVar("T")


class LateCalls:
    """Runs each call as a task of its own, which a caller who gives up does not stop."""

    def __init__(self) -> None:
        self._under_way: set[asyncio.Task[Any]] = set()
        self._late: set[asyncio.Task[Any]] = set()

    def __bool__(self) -> bool:
        """Return whether a call is late: where one caller waited in vain, the next need not."""
        return bool(self._late)

    async def within(self, seconds: float, call: Coroutine[Any, Any, T]) -> T:
        """Return what the call gives in time.

        Raises:
            TimeoutError: it is late and goes on.
        """
        task = asyncio.create_task(call)
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
        """End what is under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        error = None if task.cancelled() else task.exception()
        if task in self._late:
            self._late.discard(task)
            if error is not None and not isinstance(error, StorageUnavailable):
                logger.opt(exception=error).error("store call failed unexpectedly")  # no caller is left to hear it
