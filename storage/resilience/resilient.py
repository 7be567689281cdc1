"""What the stores of analyses and documents and the ledger share: writes behind the answer, and their state."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, Literal, TypeVar

from domain.errors import StorageUnavailable
from storage.adapter_ports import Database
from storage.ports import StoreState
from storage.resilience.availability import Availability
from storage.resilience.backlog import Backlog
from storage.resilience.item_type import ItemType
from storage.resilience.pace import Pace
from storage.resilience.spool import Spool
from storage.resilience.write_behind import WriteBehind
from utils.clock import SystemClock

T = TypeVar("T")


class Resilient(Generic[T]):
    """A database with a queue of writes in the order of their arrival, which callers do not wait for."""

    def __init__(
        self,
        database: Database,
        write: Callable[[Sequence[T]], Awaitable[None]],
        *,
        items: ItemType[T],
        backlog: Backlog[T],
        spool: Spool | None,
        pace: Pace,
        subject: str,
        consequence: str,
    ) -> None:
        """Wrap a database that is not opened yet.

        Args:
            database: Raises `StorageUnavailable` when it fails.
            write: Writes a group into it; raises as that of `GroupWriter`.
            items: What is written.
            backlog: Where it waits in memory.
            spool: Where it waits while the database is down; None: in memory.
            pace: How long and how many.
            subject: What the log calls the database.
            consequence: What a failure means for its callers.
        """
        self._pace = pace
        self._kind = database.kind
        self._queue = backlog
        self._availability = Availability(database.kind, subject, consequence, SystemClock())
        self._behind = WriteBehind(
            database,
            write,
            items=items,
            backlog=backlog,
            spool=spool,
            availability=self._availability,
            pace=pace,
        )

    @property
    def kind(self) -> str:
        """Short name of the database for people: sqlite or mongodb."""
        return self._kind

    @property
    def state(self) -> StoreState:
        """State of the store, and the writes that it has not taken yet."""
        return self._behind.state

    async def open(self) -> None:
        """Start to open the store and to write; one that cannot be reached is no error."""
        await self._behind.start()

    async def close(self) -> None:
        """Make the waiting writes, or leave them in the spool, and close the store."""
        await self._behind.close()

    async def flush(self) -> bool:
        """Return whether no earlier write is under way, once they are made, or after `Pace.flush_seconds`."""
        return await self._behind.flush()

    def _known_missing(self, key: Hashable) -> Literal[False]:
        """Return False: what the store lacks is not on its way there either.

        Raises:
            StorageUnavailable: it may be.
        """
        if key in self._behind:
            raise StorageUnavailable("it may be among the writes that the store has not taken yet")
        return False
