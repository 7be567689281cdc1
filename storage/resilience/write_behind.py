"""Writes that nobody waits for: grouped, kept through outages in a spool, and given up for what they hold alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

from loguru import logger

from domain.errors import StorageUnavailable, Unstorable
from storage.ports import StoreState
from storage.resilience.backlog import Backlog
from storage.resilience.form import Form
from storage.resilience.group_writer import GroupWriter
from storage.resilience.pace import Pace
from storage.resilience.promises import Promises
from storage.resilience.recovery import Availability, bounded
from storage.resilience.spilling import Spilling
from storage.resilience.spool_queue import SpoolQueue
from utils import metrics

T = TypeVar("T")
Call = Callable[[], Awaitable[None]]
_UNSAFE = "the store is not available now, and no spool takes what it is to keep"


class WriteBehind(Generic[T]):
    """Takes items at once and writes them in the background, in their order, until the store has them.

    While the store works, items go from memory to the store. Else, and as long as the spool holds any, they go from
    memory to the spool and from there to the store, so that the order stays. Where there is no spool, or it cannot be
    written, they wait in memory, bounded. Every write may happen twice.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], Awaitable[None]],
        *,
        form: Form[T],
        backlog: Backlog[T],
        spool: SpoolQueue[T],
        availability: Availability,
        connect: Call,
        ping: Call,
        pace: Pace,
    ) -> None:
        """Keep the parts; nothing is written before `start`.

        Args:
            write: Writes a group; raises as that of `GroupWriter`.
            form: Of the items.
            backlog: Where items wait in memory.
            spool: Where they wait while the store is down.
            availability: Told how the store is.
            connect: Opens the store, or opens it anew; raises as `write`.
            ping: Returns when the store answers.
            pace: How long and how many.
        """
        self._form = form
        self._queue = backlog
        self._spool = spool
        self._availability = availability
        self._connect = connect
        self._ping = ping
        self._pace = pace
        self._first: list[Call] = []
        self._promises = Promises()
        self._lost = 0
        self._writer = GroupWriter(write, form, self._refused, availability, pace.call_seconds)
        self._spilling = Spilling(
            backlog,
            spool,
            self._promises,
            form=form,
            give_up=self._writer.give_up,
            availability=availability,
            pace=pace,
        )
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
        """How the store is, and what it has not taken yet."""
        return StoreState(
            available=self._availability.available,
            waiting=len(self),
            spooled=len(self._spool),
            dropped=self._lost + self._spool.unreadable,
            reason=self._availability.reason or self._spool.reason,
        )

    def first(self, work: Call) -> None:
        """Do this once what earlier processes have left is written, and before anything new is; it raises as `write`.

        It must not wait for this queue.
        """
        self._first.append(work)
        self._arrived.set()

    async def start(self, patience_seconds: float) -> None:
        """Start to write, and wait for the first try, but no longer than this."""
        if not self._tasks:
            await self._spool.open()
            self._tasks = {asyncio.create_task(self._write_on()), asyncio.create_task(self._spilling.run())}
        await self.tried(patience_seconds)

    async def tried(self, seconds: float) -> None:
        """Return when the store has been tried, or after so many seconds."""
        with suppress(TimeoutError):
            await bounded(self._tried.wait(), seconds)

    async def close(self) -> None:
        """Try once more; what the store does not take stays in the spool, else its loss is logged."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        try:
            async with asyncio.timeout(self._pace.close_seconds):
                if len(self):
                    await self._try()
        except TimeoutError:
            logger.warning("writes could not be finished in time")
        await self._spilling.spill()
        if len(self._spool):
            logger.bind(writes=len(self._spool)).warning("writes wait in the spool for the next start")
        if len(self._queue):
            self._lost += len(self._queue)
            logger.bind(writes=len(self._queue)).error("writes are lost with the shutdown")
        await self._spool.close()
        self._tried.clear()
        self._availability.closed()

    def put(self, item: T) -> None:
        """Take an item; what does not last is taken only while the store works."""
        if not self._form.lasting(item) and not self._availability.available:
            return
        for key in self._queue.keep(self._form.key(item), item):
            self._count_lost("full")
            if key not in self._queue:
                self._promises.refuse(key, StorageUnavailable("too many writes wait for the store already"))
        self._arrived.set()
        self._spilling.notice()

    async def keep(self, item: T) -> None:
        """Take an item, and return when it outlives this process: in the store or on the disk.

        Raises:
            StorageUnavailable: neither takes it; it is forgotten.
            Unstorable: the store refuses it for what it holds.
        """
        key = self._form.key(item)
        with self._promises.expect([key]) as expected:
            self.put(item)
            self._urgent.set()
            if not await self._spilling.safe(expected):
                self._queue.discard(key)
                raise StorageUnavailable(_UNSAFE)

    async def settle(self) -> None:
        """Return when everything that waits outlives this process; raises as `keep`, and forgets nothing."""
        with self._promises.expect(self._queue.keys()) as expected:
            self._urgent.set()
            if not await self._spilling.safe(expected):
                raise StorageUnavailable(_UNSAFE)

    async def flush(self, seconds: float) -> None:
        """Return when the store has what was taken before, or fails, or after so many seconds."""
        if self._availability.available and (len(self) or self._writing.locked()):
            task = asyncio.create_task(self._try())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            await asyncio.wait({task}, timeout=seconds)

    async def _write_on(self) -> None:
        while True:
            self._arrived.clear()
            await self._try(check=True)
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
        """Write what waits; connect first where the store is not known to work, which only a write proves."""
        proven = self._availability.available
        try:
            if not proven:
                await bounded(self._connect(), self._pace.call_seconds)
            elif check and not len(self):
                await bounded(self._ping(), self._pace.call_seconds)
            await self._drain()
            if not proven:
                await self._writer.prove()
                self._availability.healed()
        except (StorageUnavailable, TimeoutError) as error:
            self._broke(error)
        except Exception as error:  # noqa: BLE001 - a fault of ours, and without this loop nothing would be written any more
            if self._broke(error):
                logger.opt(exception=error).error("writing to the store failed unexpectedly")

    async def _drain(self) -> None:
        """Write what waits at this moment, oldest first."""
        async with self._writing:
            left = len(self)
            while left > 0 or self._first:
                await self._spool.settled()  # or else what is on its way there would be written twice, out of order
                if self._first and not self._spool.adopted:
                    await bounded(self._first[0](), self._pace.call_seconds)
                    del self._first[0]
                elif len(self._spool):
                    items, batch = await self._spool.oldest(self._pace.group_items)
                    await self._writer.write(items)
                    await self._spool.done(batch)
                    left -= batch.lines
                elif group := self._queue.oldest(self._pace.group_items):
                    await self._writer.write(list(group.values()))
                    self._promises.keep(self._queue.remove(group))
                    left -= len(group)
                else:
                    return

    def _broke(self, error: Exception) -> bool:
        self._spilling.drop_passing()
        return self._availability.broke(error)

    def _refused(self, key: Hashable, refusal: Unstorable) -> None:
        self._count_lost("refused")
        self._promises.refuse(key, refusal)

    def _count_lost(self, reason: str) -> None:
        self._lost += 1
        metrics.STORE_WRITES_LOST.labels(reason).inc()
