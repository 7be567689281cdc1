"""From memory to the spool: items that the store does not take soon, and callers that wait until theirs are safe."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

from domain.errors import StorageUnavailable
from storage.resilience.availability import LATE, Availability
from storage.resilience.backlog import Backlog
from storage.resilience.item_type import ItemType
from storage.resilience.pace import Pace
from storage.resilience.spool_queue import SpoolQueue
from storage.resilience.store_calls import bounded

T = TypeVar("T")
Futures = dict[Hashable, "asyncio.Future[None]"]


class Promises:
    """Futures by the key of an item; callers that wait for one key are answered together."""

    def __init__(self) -> None:
        self._waiting: defaultdict[Hashable, set[asyncio.Future[None]]] = defaultdict(set)

    @contextmanager
    def expect(self, keys: Iterable[Hashable]) -> Iterator[Futures]:
        """Give a future for each key, and forget them in the end."""
        loop = asyncio.get_running_loop()
        futures: Futures = {key: loop.create_future() for key in keys}
        for key, future in futures.items():
            self._waiting[key].add(future)
        try:
            yield futures
        finally:
            for key, future in futures.items():
                if not future.cancel() and not future.cancelled():
                    future.exception()  # no caller waits for it any more
                self._waiting[key].discard(future)
                if not self._waiting[key]:
                    del self._waiting[key]

    def keep(self, keys: Iterable[Hashable]) -> None:
        """Answer that the items of these keys are safe."""
        for future in self._open(keys):
            future.set_result(None)

    def refuse(self, key: Hashable, error: Exception) -> None:
        """Answer why an item will not be safe."""
        for future in self._open([key]):
            future.set_exception(error)

    def _open(self, keys: Iterable[Hashable]) -> Iterator[asyncio.Future[None]]:
        found = [future for key in keys if key in self._waiting for future in self._waiting[key]]
        return (future for future in found if not future.done())


class Spilling(Generic[T]):
    """Brings items to the spool that the store does not take soon."""

    def __init__(
        self,
        queue: Backlog[T],
        spool: SpoolQueue[T],
        promises: Promises,
        items: ItemType[T],
        give_up: Callable[[T, str], None],
        availability: Availability,
        pace: Pace,
    ) -> None:
        """Keep the parts.

        Args:
            queue: Where items wait in memory.
            spool: Where they are brought.
            promises: Of callers that wait for an item to be safe.
            items: What they are.
            give_up: Told of an item that has no form as text.
            availability: How the store is.
            pace: How long they may be in memory alone.
        """
        self._queue = queue
        self._spool = spool
        self._promises = promises
        self._type = items
        self._give_up = give_up
        self._availability = availability
        self._pace = pace
        self._arrived, self._pressed = asyncio.Event(), asyncio.Event()

    def notice(self) -> None:
        """Take note of a new item in memory."""
        self._arrived.set()
        if self._queue.half_full:
            self._pressed.set()

    async def run(self) -> None:
        """Bring items until cancelled: at once while the store is down, else when it does not keep up with them."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            before = self._queue.oldest(1)
            with suppress(TimeoutError):
                await bounded(
                    self._pressed.wait(), self._pace.spill_seconds if self._direct else self._pace.group_seconds
                )
            self._pressed.clear()
            stuck = bool(before) and self._queue.oldest(1) == before
            if not self._direct or self._queue.half_full or stuck:
                await self.spill()
            if len(self._queue) and self._spool.configured:
                self._arrived.set()

    async def safe(self, expected: Futures) -> None:
        """Return when all expected items are in the store or in the spool; raises the refusal of one.

        Raises:
            StorageUnavailable: neither takes them soon.
        """
        if not (self._direct and await _within(expected, self._pace.spill_seconds)):
            await self.spill()
            if not await _within(expected, 0 if self._availability.down else self._pace.keep_seconds):
                reason = self._availability.reason or self._spool.reason or LATE
                raise StorageUnavailable(f"the store is not available now, and no spool takes the write: {reason}")
        for future in expected.values():
            future.result()

    async def spill(self) -> None:
        """Bring everything that lasts, as far as the spool takes it."""
        await self._spool.move(self._take, self._moved)

    def drop_passing(self) -> None:
        """Forget items that are not lasting: they have had their one try."""
        self._queue.remove(item for item in self._queue.oldest(len(self._queue)) if not self._type.lasting(item))

    def _take(self) -> list[T]:
        """Return the oldest that last, and forget those before them that do not."""
        while oldest := self._queue.oldest(self._pace.group_items):
            if lasting := [item for item in oldest if self._type.lasting(item)]:
                return lasting
            self._queue.remove(oldest)
        return []

    @property
    def _direct(self) -> bool:
        """Whether items go from memory to the store, not through the spool."""
        return self._availability.available and not len(self._spool)

    def _moved(self, items: Sequence[T], refused: Sequence[T]) -> None:
        for item in refused:
            self._give_up(item, "it has no form as text")
        self._promises.keep(self._queue.remove(items))


async def _within(futures: Futures, seconds: float) -> bool:
    """Return whether all are done within some seconds."""
    late = {future for future in futures.values() if not future.done()}
    if late:
        await asyncio.wait(late, timeout=seconds)
    return all(future.done() for future in late)
