"""State in the document store that one process changes and the others on the store take over within seconds."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Generic, NoReturn, TypeVar

from domain.errors import StorageUnavailable
from domain.values import EPOCH, epoch_ms, utc_time
from storage.document_ports import Collection, Document, LastingDocuments
from utils.clock import Clock
from utils.concurrency import Pause

# How often a change by another process on the same store is looked for.
CHECK_SECONDS = 5.0
S = TypeVar("S")


class WatchedState(ABC, Generic[S]):
    """Holds the state in memory, keeps its changes, and looks for those of others.

    Attributes:
        state: The current one.
        valid_since: Analyses made before this moment may have been made under another state.
    """

    def __init__(
        self,
        documents: LastingDocuments,
        clock: Clock,
        state: S,
        sleep: Callable[[float], Awaitable[object]],
        announce: Callable[[], None],
    ) -> None:
        """Begin with a state; `sleep` waits a number of seconds, `announce` lets other replicas look at once."""
        self.state = state
        self.valid_since = EPOCH
        self._documents = documents
        self._clock = clock
        self._pause = Pause(sleep)
        self._announce = announce
        self._known = asyncio.Event()
        # A look that began before a change must not end after it.
        self._lock = asyncio.Lock()
        # Whether a change, of this process or of an earlier one, may still be on its way to the store.
        self._on_its_way = True
        # Changes that neither the store nor the spool took: they are stored when the store is back.
        self._unkept: dict[tuple[Collection, str], Document] = {}

    def look_soon(self) -> None:
        """Look for a change by another process at once."""
        self._pause.end()

    async def watch(self) -> NoReturn:
        """Read the stored state now and every few seconds, until canceled."""
        # What an earlier process answered after its last change still holds.
        await self._look(first=True)
        while True:
            await self._pause.wait(CHECK_SECONDS)
            await self._look(first=False)

    async def known(self) -> None:
        """Return when the stored state has been read once."""
        await self._known.wait()

    async def _keep(self, collection: Collection, key: str, content: Document, said: str) -> None:
        """Store a change, and return when it outlives this process; `said` tells what it did in this process.

        Raises:
            StorageUnavailable: neither the store nor the spool keeps it; here it holds, and is stored later.
        """
        self._on_its_way = True
        self._unkept.pop((collection, key), None)
        try:
            await self._documents.put(collection, key, content)
        except StorageUnavailable as failure:
            self._unkept[collection, key] = content
            raise StorageUnavailable(
                f"{said} in this process, but nothing keeps it over a restart: {failure.message}"
            ) from failure

    @abstractmethod
    async def _stored(self) -> tuple[S, datetime] | None:
        """Return the stored state and the moment of its newest change, None where nothing was ever stored.

        Raises:
            StorageUnavailable: the store does not answer.
        """

    @abstractmethod
    def _changed(self, before: S, /) -> None:
        """Log and announce that the state is another one than before."""

    async def _look(self, *, first: bool) -> None:
        async with self._lock:
            try:
                found = await self._newest()
            except StorageUnavailable:
                return  # the store's own check says so
            if found is not None:
                self._take(found[0], found[1] if first else self._end_of_now())
            self._known.set()

    async def _newest(self) -> tuple[S, datetime] | None:
        """Return the stored state, never one from before a change that this process made or took over; as `_stored`."""
        if self._on_its_way and not await self._documents.flush():
            raise StorageUnavailable("a change is on its way to the store")
        found = await self._stored()
        if self._unkept:
            for (collection, key), content in list(self._unkept.items()):
                await self._documents.put(collection, key, content)  # one that another process made since stays
                del self._unkept[collection, key]
            found = await self._stored()
        self._on_its_way = False
        return found

    def _moment_after(self, changed_at: datetime) -> datetime:
        """Return the moment of a change that is made now: after the known one, also where the clock was set back."""
        return utc_time(max(epoch_ms(self._clock.now()), epoch_ms(changed_at) + 1))

    def _end_of_now(self) -> datetime:
        """Return the end of the current millisecond: analyses are dated in whole ones where they are stored."""
        return utc_time(epoch_ms(self._clock.now()) + 1)

    def _take(self, state: S, valid_since: datetime) -> None:
        if state != self.state:
            before, self.state, self.valid_since = self.state, state, valid_since
            self._changed(before)
