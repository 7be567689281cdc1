"""The ledger for readers: pages of entries, single ones, their proofs, days and their exports."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from storage.ledger_ports import EntryFilter, LedgerStore, Position
from utils.clock import Clock

# Days whose leaves are kept in memory, 1 MB each at 10,000 entries.
DAYS_IN_MEMORY = 4
# A page looks through as many entries for those that are wanted, in milliseconds, and leaves the rest to the next one.
LOOKED_THROUGH = 50_000
_SEPARATOR = "~"


@dataclass(frozen=True)
class LedgerPage:
    """Entries, possibly none, and the cursor of the page after them; None on the last one."""

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


class LedgerReader:
    """Reads the ledger; every method raises `StorageUnavailable` where the store does not answer."""

    def __init__(self, store: LedgerStore, clock: Clock, looked_through: int = LOOKED_THROUGH) -> None:
        """Keep the store, the clock, and how many entries a page looks through."""
        self._store = store
        self._clock = clock
        self._looked_through = looked_through
        self._closed: LRUCache[date, _ClosedDay] = LRUCache(DAYS_IN_MEMORY)

    async def page(self, wanted: EntryFilter, limit: int, cursor: str | None = None) -> LedgerPage:
        """Return at most `limit` entries, the newest first.

        A page has fewer, or none, where few of the newest `LOOKED_THROUGH` entries are wanted: the next one goes on.

        Raises:
            InvalidRequest: the cursor is not from a page.
        """
        before = _position(cursor) if cursor else None
        since_ms = await self._looked_to(wanted, before)
        looked_at = wanted if since_ms is None else replace(wanted, since_ms=since_ms)
        records = await self._store.entries(looked_at, limit + 1, before)
        if len(records) > limit:
            last = records[limit - 1].entry
            return LedgerPage(records[:limit], _cursor(last.known_ms, last.id))
        return LedgerPage(records, None if since_ms is None else _cursor(since_ms))

    async def _looked_to(self, wanted: EntryFilter, before: Position | None) -> int | None:
        """Return from which known time on a page looks; None where it looks at all that may be wanted."""
        indexed = _indexed(wanted)
        if replace(wanted, since_ms=None, until_ms=None) == indexed:
            return None
        # Entries of the cursor's own moment may follow it, unless the cursor has no id.
        ends_ms = [wanted.until_ms, before[0] + bool(before[1]) if before else None]
        end_ms = min((end for end in ends_ms if end is not None), default=None)
        since_ms = await self._store.known_at(replace(indexed, until_ms=end_ms), self._looked_through)
        return None if since_ms is None or since_ms <= (wanted.since_ms or 0) else since_ms

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


def _indexed(wanted: EntryFilter) -> EntryFilter:
    """Return the part of a filter that an index answers: the market, else the version, as the stores choose."""
    return EntryFilter(symbol=wanted.symbol, lane_id=None if wanted.symbol is not None else wanted.lane_id)


def _cursor(known_ms: int, entry_id: str = "") -> str:
    """Return where the next page goes on; without an id, after all entries of that moment."""
    return f"{known_ms}{_SEPARATOR}{entry_id}"


def _position(cursor: str) -> Position:
    known_ms, separator, entry_id = cursor.partition(_SEPARATOR)
    if not separator or not known_ms.isdecimal() or len(known_ms) > 15:
        raise InvalidRequest(f"cursor {cursor[:40]!r}: take `next` of the page before", "query.cursor")
    return int(known_ms), entry_id
