"""The ledger for readers: pages of entries, single ones, their proofs, days and their exports."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Self

from cachetools import LRUCache

from domain.errors import Conflict, InvalidRequest, NotFound
from domain.ledger.days import DayRoot
from domain.ledger.entries import LedgerEntry
from domain.ledger.settlements import LedgerRecord
from services.ledger.proofs.chain import read_root
from services.ledger.proofs.day_closing import GRACE, find_booked
from services.ledger.proofs.export import DayExport, export_day
from services.ledger.proofs.merkle import merkle_path
from services.ledger.proofs.published import entry_hash
from storage.ledger_ports import EntryFilter, LedgerStore
from utils.clock import Clock

# Days whose leaves are kept in memory, 1 MB each at 10,000 entries.
DAYS_IN_MEMORY = 4
_SEPARATOR = "~"


@dataclass(frozen=True)
class LedgerPage:
    """Entries, and the cursor of the page after them; None on the last one."""

    records: list[LedgerRecord]
    next: str | None


@dataclass(frozen=True)
class EntryProof:
    """That an entry is one of those over which the root of its day was made.

    Attributes:
        leaf: Hash of the entry, 64 hex digits, as are the others.
        index: Its place in the day, from 0.
        path: The neighbors that lead from leaf to root, the lowest first.
        previous: `chained` of the day before.
    """

    entry_id: str
    leaf: str
    index: int
    path: tuple[str, ...]
    root: DayRoot
    previous: str


@dataclass(frozen=True)
class _ClosedDay:
    """What proofs of a day are made of; it never changes."""

    root: DayRoot
    previous: str
    leaves: list[bytes]
    index: dict[str, int]

    @classmethod
    def of(cls, root: DayRoot, previous: str, booked: Sequence[LedgerEntry]) -> Self:
        leaves = [entry_hash(entry) for entry in booked]
        return cls(root, previous, leaves, {entry.id: place for place, entry in enumerate(booked)})


class LedgerBook:
    """Reads the ledger; every method raises `StorageUnavailable` where the store does not answer."""

    def __init__(self, store: LedgerStore, clock: Clock) -> None:
        """Keep the store and the clock."""
        self._store = store
        self._clock = clock
        self._closed: LRUCache[date, _ClosedDay] = LRUCache(DAYS_IN_MEMORY)

    async def page(self, wanted: EntryFilter, limit: int, cursor: str | None = None) -> LedgerPage:
        """Return at most `limit` entries, the newest first.

        Raises:
            InvalidRequest: the cursor is none that a page gave.
        """
        before = _position(cursor) if cursor else None
        records = await self._store.entries(wanted, limit + 1, before)
        more = len(records) > limit
        last = records[:limit][-1].entry if more else None
        return LedgerPage(records[:limit], f"{last.known_ms}{_SEPARATOR}{last.id}" if last else None)

    async def record(self, entry_id: str) -> LedgerRecord:
        """Return an entry with its settlements.

        Raises:
            NotFound: there is no such entry.
        """
        record = await self._store.entry(entry_id)
        if record is None:
            raise NotFound(f"the ledger has no entry {entry_id}: GET /ai/ledger lists those that it has")
        return record

    async def proof(self, entry_id: str) -> EntryProof:
        """Return the proof of an entry.

        Raises:
            NotFound: there is no such entry.
            Conflict: its day is not closed yet.
        """
        entry = (await self.record(entry_id)).entry
        day = next((day for day in self._closed.values() if entry_id in day.index), None) or await self._read_day(entry)
        index = day.index[entry_id]
        path = tuple(node.hex() for node in merkle_path(day.leaves, index))
        return EntryProof(entry_id, day.leaves[index].hex(), index, path, day.root, day.previous)

    async def days(self, limit: int) -> list[DayRoot]:
        """Return the roots of at most `limit` closed days, the newest first."""
        return await self._store.day_roots(limit)

    async def export(self, day: date) -> DayExport:
        """Return a day.

        Raises:
            NotFound: nothing was said in it, or it is past its retention.
        """
        exported = await export_day(self._store, day)
        if not exported.entries and exported.root is None:
            raise NotFound(f"the ledger has no entries of {day}")
        return exported

    async def _read_day(self, entry: LedgerEntry) -> _ClosedDay:
        """Read the day in which an entry is booked, and keep it in memory; raises as `proof`."""
        found = await find_booked(self._store, entry, self._clock.now().date())
        if found is None:
            raise NotFound(f"entry {entry.id} is past its retention")
        day, booked = found
        root, previous = await read_root(self._store, day)
        if root is None:
            minutes = int(GRACE.total_seconds() / 60)
            raise Conflict(f"{day} is not closed yet: its proofs are there {minutes} minutes after its end, UTC")
        closed = self._closed[day] = await asyncio.to_thread(_ClosedDay.of, root, previous, booked)
        return closed


def _position(cursor: str) -> tuple[int, str]:
    known_ms, separator, entry_id = cursor.partition(_SEPARATOR)
    if not separator or not known_ms.isdecimal() or len(known_ms) > 15:
        raise InvalidRequest(f"cursor {cursor[:40]!r}: take `next` of the page before")
    return int(known_ms), entry_id
