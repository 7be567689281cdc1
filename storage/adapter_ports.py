"""The ports of a whole database adapter: those of the services, and those of start, upkeep and operators."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from storage.document_ports import DocumentStore
from storage.ledger_ports import LedgerStore
from storage.ports import AnalysisCache, CandleIntake, SignalArchive


@dataclass(frozen=True)
class Pruned:
    """Rows that one step of `Store.prune` removed.

    Attributes:
        complete: Whether the store is within its bounds now.
    """

    analyses: int
    candles: int
    complete: bool


@dataclass(frozen=True)
class CollectionSize:
    """Rows or documents of one collection, with the disk space of them and their indexes, None if it is not known."""

    name: str
    documents: int
    size_bytes: int | None


@dataclass(frozen=True)
class StoreSize:
    """Disk space of the database; `free_bytes` of it are empty, for later writes."""

    collections: tuple[CollectionSize, ...]
    total_bytes: int
    free_bytes: int


class Database(Protocol):
    """A database that is opened at the start, checked while the service runs, and closed at the end.

    Every method raises `StorageUnavailable` when the database fails or does not answer in time.
    """

    @property
    def kind(self) -> str:
        """Short name for people: sqlite or mongodb."""

    async def open(self) -> None:
        """Connect, make tables or indexes, and write as `ping` does; safe to call again after a failure."""

    async def close(self) -> None:
        """Release the connection; saved data stays."""

    async def ping(self) -> None:
        """Return when the database has taken a small write: one on a full disk can still be read."""


class Store(Database, AnalysisCache, SignalArchive, CandleIntake, Protocol):
    """Keeps analyses as cache and as archive, and the closed candles of trusted clients."""

    async def prune(self) -> Pruned:
        """Remove a part of the rows beyond the bounds, in some milliseconds; call again until `complete`.

        Ages are measured by the clock at the start and the time since then: a clock that jumps ahead empties no
        archive.
        """


class DocumentDatabase(Database, DocumentStore, Protocol):
    """Keeps documents by key."""


class LedgerDatabase(Database, LedgerStore, Protocol):
    """Keeps the ledger."""


class StoreMaintenance(Protocol):
    """Measures, compacts and copies the database of a store, while the service runs or not.

    All raise `StorageUnavailable` as the store does.
    """

    async def size(self) -> StoreSize:
        """Measure every collection of the service's, in alphabetical order."""

    async def vacuum(self) -> None:
        """Give empty space in the database back to the disk, which may take minutes."""

    async def backup(self, target: Path) -> int:
        """Write a consistent copy of the database to a new file, while the service may write; return its bytes.

        Raises:
            InvalidRequest: the target exists, or this database is backed up by tools of its own.
        """
