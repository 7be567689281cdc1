"""Writes behind the answer: in groups, in order, and kept through outages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from loguru import logger

from domain.errors import StorageUnavailable, Unstorable
from storage.adapter_ports import Database
from storage.ports import StoreState
from storage.resilience.availability import Availability, describe
from storage.resilience.backlog import Backlog
from storage.resilience.group_writer import GroupWriter
from storage.resilience.item_type import ItemType
from storage.resilience.pace import Pace
from storage.resilience.spilling import Promises, Spilling
from storage.resilience.spool import Spool
from storage.resilience.spool_queue import SpoolQueue
from storage.resilience.store_calls import bounded
from utils import metrics

T = TypeVar("T")
Call = Callable[[], Awaitable[None]]


class WriteBehind(Generic[T]):
    """Takes items at once and writes them in the background, in their order, until the store has them.

    While the store works, items go from memory to the store. While it does not, and as long as the spool holds items,
    they go from memory to the spool and from there to the store, so that the order stays. Without a spool, or with one
    that cannot be written, they wait in memory, bounded. Every write may happen twice.
    """

    def __init__(
        self,
        store: Database,
        write: Callable[[Sequence[T]], Awaitable[None]],
        *,
        items: ItemType[T],
        backlog: Backlog[T],
        spool: Spool | None,
        availability: Availability,
        pace: Pace,
    ) -> None:
        """Keep the parts; nothing is opened or written before `start`.

        Args:
            store: Opened here, opened again after each failure, and closed.
            write: Writes a group into it; raises as that of `GroupWriter`.
            items: What the items are.
            backlog: Where they wait in memory.
            spool: Where they wait while the store is down; None: in memory.
            availability: Told how the store is.
            pace: How long and how many.
        """
        self._store, self._type, self._queue = store, items, backlog
        self._spool = SpoolQueue(spool, items, retry_seconds=pace.retry_seconds)
        self._availability, self._pace = availability, pace
        self._first: list[Call] = []
        self._promises = Promises()
        self._lost = 0
        self._writer = GroupWriter(write, items, self._refused, availability, pace)
        self._spilling = Spilling(backlog, self._spool, self._promises, items, self._writer.give_up, availability, pace)
        self._writing = asyncio.Lock()
        self._arrived, self._urgent, self._tried = (asyncio.Event() for _ in range(3))
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """Return how many items the store has not taken yet."""
        return len(self._queue) + len(self._spool)

    def __contains__(self, key: Hashable) -> bool:
        """Return whether an item of this key waits, or may wait, for the store."""
        return key in self._queue or bool(len(self._spool))

    @property
    def state(self) -> StoreState:
        """State of the store, and the items that it has not taken yet."""
        return StoreState(
            available=self._availability.available,
            waiting=len(self),
            spooled=len(self._spool),
            dropped=self._lost + self._spool.unreadable,
            reason=self._availability.reason or self._spool.reason,
        )

    def first(self, work: Call) -> None:
        """Run work after the writes of earlier processes and before new ones; it must not wait for this queue."""
        self._first.append(work)
        self._arrived.set()

    async def start(self) -> None:
        """Start to open the store and to write; one that cannot be reached is no error."""
        if not self._tasks:
            await self._spool.open()
            self._tasks = {asyncio.create_task(self._write_on()), asyncio.create_task(self._spilling.run())}
        await self.tried(self._pace.open_seconds)

    async def tried(self, seconds: float) -> None:
        """Return when the store has been tried for the first time, or after some seconds."""
        with suppress(TimeoutError):
            await bounded(self._tried.wait(), seconds)

    async def close(self) -> None:
        """Try once more and close the store; items it does not take stay in the spool, else their loss is logged."""
        try:
            async with asyncio.timeout(self._pace.close_seconds):
                async with self._writing:  # a group under way ends: one that is cut off would be written again
                    await self._end_tasks()
                if len(self):
                    await self._try()
        except TimeoutError:
            logger.warning("writes could not be finished in time")
        await self._end_tasks()
        await self._spilling.spill()
        if len(self._spool):
            logger.bind(writes=len(self._spool)).warning("writes wait in the spool for the next start")
        if len(self._queue):
            self._lost += len(self._queue)
            logger.bind(writes=len(self._queue)).error("writes are lost with the shutdown")
        await self._spool.close()
        self._tried.clear()
        self._availability.closed()
        try:
            await bounded(self._store.close(), self._pace.close_seconds)
        except (StorageUnavailable, TimeoutError) as error:
            logger.bind(store=self._store.kind, reason=describe(error)).warning("store did not close")

    def put(self, item: T) -> None:
        """Take an item; one that is not lasting is taken only while the store works."""
        if not self._type.lasting(item) and not self._availability.available:
            return
        self._writer.expect(item)
        for key in self._queue.keep(item):
            self._count_lost("full")
            if key not in self._queue:
                self._promises.refuse(key, StorageUnavailable("too many writes wait for the store already"))
        self._arrived.set()
        self._spilling.notice()

    async def keep(self, *items: T) -> None:
        """Take items, and return when they outlive this process: in the store or on the disk.

        Raises:
            StorageUnavailable: neither takes them; they are forgotten.
            Unstorable: the store refuses the content of one.
        """
        with self._promises.expect(map(self._type.key, items)) as expected:
            for item in items:
                self.put(item)
            self._urgent.set()
            try:
                await self._spilling.safe(expected)
            except StorageUnavailable:
                for key in expected:
                    self._queue.discard(key)
                raise

    async def settle(self) -> None:
        """Return when everything that waits outlives this process; raises as `keep`, and forgets nothing."""
        with self._promises.expect(self._queue.keys()) as expected:
            self._urgent.set()
            await self._spilling.safe(expected)

    async def flush(self) -> bool:
        """Return whether no earlier item is under way, once they are written or the store fails, or time is up."""
        if not (self._availability.available and (len(self) or self._writing.locked() or self._spool.moving)):
            return not len(self)
        self._tasks.add(task := asyncio.create_task(self._try()))
        task.add_done_callback(self._tasks.discard)
        await asyncio.wait({task}, timeout=self._pace.flush_seconds)
        return task.done()

    async def _end_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _write_on(self) -> None:
        time, check_at = asyncio.get_running_loop().time, 0.0
        while True:
            self._arrived.clear()
            if check := time() >= check_at:
                check_at = time() + self._pace.retry_seconds
            await self._try(check=check)
            self._tried.set()
            if self._availability.available:
                await self._spool.look_again()
            wake = self._arrived if self._availability.available else asyncio.Event()
            with suppress(TimeoutError):
                await bounded(wake.wait(), self._pace.retry_seconds)
            with suppress(TimeoutError):
                await bounded(self._urgent.wait(), self._pace.group_seconds)
            self._urgent.clear()

    async def _try(self, *, check: bool = False) -> None:
        """Write the waiting items; connect first where the store is not known to work, which only a write proves."""
        proven = self._availability.available
        try:
            if not proven:
                await bounded(self._store.open(), self._pace.call_seconds)
            await self._drain()
            if not proven:
                await self._writer.prove()
                self._availability.healed()
            elif check:
                await bounded(self._store.ping(), self._pace.call_seconds)
        except Exception as error:  # noqa: BLE001 - where it is a bug, nothing would be written any more without this loop
            self._spilling.drop_passing()
            if self._availability.broke(error) and not isinstance(error, StorageUnavailable | TimeoutError):
                logger.opt(exception=error).error("writing to the store failed unexpectedly")

    async def _drain(self) -> None:
        """Write the items that wait now, oldest first."""
        async with self._writing:
            await self._spool.settled()  # what was on its way there is counted
            left = len(self)
            while left > 0 or self._first:
                await self._spool.settled()  # else items on their way there would be written twice, out of order
                if self._first and not self._spool.adopted:
                    await bounded(self._first[0](), self._pace.call_seconds)
                    del self._first[0]
                elif len(self._spool):
                    items, batch = await self._spool.oldest(self._pace.group_items)
                    for group in self._writer.groups(items):
                        await self._writer.write(group)
                    await self._spool.done(batch)
                    left -= batch.lines
                elif waiting := self._queue.oldest(self._pace.group_items):
                    group = next(self._writer.groups(waiting))
                    await self._writer.write(group)
                    self._promises.keep(self._queue.remove(group))
                    left -= len(group)
                else:
                    return

    def _refused(self, key: Hashable, refusal: Unstorable) -> None:
        self._count_lost("refused")
        self._promises.refuse(key, refusal)

    def _count_lost(self, reason: str) -> None:
        self._lost += 1
        metrics.STORE_WRITES_LOST.labels(reason).inc()
