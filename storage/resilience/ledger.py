"""A ledger that keeps no writer waiting, and loses no entry."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import TypeVar

from loguru import logger
from pydantic import TypeAdapter

from domain.errors import StorageUnavailable
from domain.ledger.days import Aggregate, DayRoot
from domain.ledger.entries import LedgerEntry
from domain.ledger.settlements import LedgerRecord, Settlement
from storage.adapter_ports import LedgerDatabase
from storage.ledger_ports import EVER_MS, Due, EntryFilter, LedgerSize, Position, Postponed
from storage.resilience.backlog import Backlog
from storage.resilience.item_type import ItemType
from storage.resilience.pace import Pace
from storage.resilience.resilient import Resilient
from storage.resilience.spool import Spool
from storage.resilience.store_calls import StoreCalls

T = TypeVar("T")

# Entries are small: a burst of them goes in one transaction.
GROUP_ENTRIES = 2_000
# Repeats are counted in memory meanwhile.
REPEAT_SECONDS = 5.0
# A day of entries, or thousands of settlements, may take a busy machine longer than a client is kept waiting.
WORK_SECONDS = 10.0

_ENTRY = TypeAdapter(LedgerEntry)


def encode(entry: LedgerEntry) -> str:
    """Return the entry as JSON text.

    Raises:
        ValueError: a text in it is not valid Unicode.
    """
    return _ENTRY.dump_json(entry).decode()


def decode(text: str) -> LedgerEntry:
    """Return the entry of a text by `encode`.

    Raises:
        ValueError: another version of the service made it.
    """
    return _ENTRY.validate_json(text)


ENTRIES = ItemType(key=lambda entry: entry.id, encode=encode, decode=decode)


class ResilientLedger(Resilient[LedgerEntry]):
    """A ledger that takes entries at once and answers within seconds, or at once that it is not available.

    Entries wait for the database in memory and in the spool, which outlives the process. Repeats are counted in memory
    and written every few seconds: a kill loses those of the last seconds, and an outage during a write may
    count some twice.
    """

    def __init__(
        self,
        ledger: LedgerDatabase,
        *,
        pace: Pace,
        spool: Spool | None = None,
        max_waiting: int = 20_000,
        repeat_seconds: float = REPEAT_SECONDS,
    ) -> None:
        """Wrap a ledger that is not opened yet.

        Args:
            ledger: Raises `StorageUnavailable` when it fails.
            pace: Of the writes, and the time limit of a query by a client (`query_seconds`).
            spool: Where entries wait while the database is down; None: in memory.
            max_waiting: Entries in memory at most, beyond it the oldest are dropped; also ids with repeats.
            repeat_seconds: How long repeats are counted before they are written.
        """
        pace = replace(pace, group_items=GROUP_ENTRIES)
        super().__init__(
            ledger,
            self._save,
            items=ENTRIES,
            backlog=Backlog(ENTRIES, max_items=max_waiting),
            spool=spool,
            pace=pace,
            subject="ledger",
            consequence="its entries wait, and what reads it says so",
        )
        self._ledger = ledger
        self._calls = StoreCalls(ledger.kind, self._availability, WORK_SECONDS, prefix="ledger_")
        self._repeats: Counter[str] = Counter()
        self._max_repeats = max_waiting
        self._repeat_seconds = repeat_seconds
        self._counting: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start to open the ledger and to write; one that cannot be reached is no error."""
        await super().open()
        if self._counting is None:
            self._counting = asyncio.create_task(self._write_repeats_on())

    async def close(self) -> None:
        """Write what waits, or leave entries in the spool, and close the ledger."""
        if self._counting is not None:
            self._counting.cancel()
            await asyncio.gather(self._counting, return_exceptions=True)
            self._counting = None
            with suppress(StorageUnavailable, TimeoutError):  # its own wrapper logs it
                async with asyncio.timeout(self._pace.close_seconds):
                    await self._write_repeats()
        if lost := self._repeats.total():
            logger.bind(repeats=lost).warning("repeats of ledger entries are not counted")
        await self._calls.close()
        await super().close()

    def put(self, entries: Sequence[LedgerEntry]) -> None:
        """Take entries and return; they are kept soon. Of an id the first stays, as in the ledger itself."""
        for entry in entries:
            if entry.id not in self._queue:
                self._behind.put(entry)

    def put_repeat(self, entry_id: str, count: int = 1) -> None:
        """Count an entry that was given again; the count is kept soon, unless those of too many wait already."""
        if entry_id in self._repeats or len(self._repeats) < self._max_repeats:
            self._repeats[entry_id] += count

    async def append(self, entries: Sequence[LedgerEntry]) -> None:
        """Take entries, and return when the ledger or the spool has them."""
        self.put(entries)
        await self._behind.settle()

    async def repeat(self, counts: Mapping[str, int]) -> None:
        """Take counts of entries that were given again, and return."""
        for entry_id, count in counts.items():
            self.put_repeat(entry_id, count)

    async def entry(self, entry_id: str) -> LedgerRecord | None:
        """Return an entry with its settlements."""
        record = await self._query("entry", lambda: self._ledger.entry(entry_id))
        if record is None:
            self._known_missing(entry_id)
        return record

    async def entries(self, wanted: EntryFilter, limit: int, before: Position | None = None) -> list[LedgerRecord]:
        """Return a page of entries, the newest known first."""
        return await self._query("entries", lambda: self._ledger.entries(wanted, limit, before))

    async def known_at(self, wanted: EntryFilter, place: int) -> int | None:
        """Return when the entry at a place was known, the newest at 1."""
        return await self._query("known_at", lambda: self._ledger.known_at(wanted, place))

    async def due(self, now_ms: int, limit: int) -> list[Due]:
        """Return horizons that are due, the first due first."""
        return await self._run("due", lambda: self._ledger.due(now_ms, limit))

    async def settle(self, settlements: Sequence[Settlement], postponed: Sequence[Postponed] = ()) -> int:
        """Keep settlements and take their horizons off the list; return how many are new."""
        return await self._run("settle", lambda: self._ledger.settle(settlements, postponed))

    async def days_to_add_up(self) -> list[date]:
        """Return the days that are marked."""
        return await self._run("days_to_add_up", self._ledger.days_to_add_up)

    async def settled(self, day: date, made_ms: tuple[int, int] = EVER_MS) -> list[LedgerRecord]:
        """Return the scored entries with settlements of stretches that begin in this day."""
        return await self._run("settled", lambda: self._ledger.settled(day, made_ms))

    async def put_aggregates(self, day: date, aggregates: Sequence[Aggregate]) -> None:
        """Replace the sums of the day and take its mark away."""
        await self._run("put_aggregates", lambda: self._ledger.put_aggregates(day, aggregates))

    async def aggregates(self, level: str, since: date, until: date) -> list[Aggregate]:
        """Return the sums of a level, by day."""
        return await self._query("aggregates", lambda: self._ledger.aggregates(level, since, until))

    async def booked(self, day: date) -> list[LedgerEntry]:
        """Return the entries of a day by known time and id."""
        return await self._run("booked", lambda: self._ledger.booked(day))

    async def close_day(self, root: DayRoot) -> bool:
        """Keep the root of a day once."""
        return await self._run("close_day", lambda: self._ledger.close_day(root))

    async def day_roots(self, limit: int, before: date | None = None) -> list[DayRoot]:
        """Return roots, the newest day first."""
        return await self._query("day_roots", lambda: self._ledger.day_roots(limit, before))

    async def size(self) -> LedgerSize:
        """Count the ledger."""
        return await self._run("size", self._ledger.size)

    async def prune_ledger(self, before_ms: int) -> int:
        """Remove a part of the settled entries known before that."""
        return await self._run("prune", lambda: self._ledger.prune_ledger(before_ms))

    async def _query(self, operation: str, call: Callable[[], Awaitable[T]]) -> T:
        """Return what a client asks for; a call that is late goes on, and tells by itself whether the ledger works."""
        await self._ready(operation)
        with suppress(TimeoutError):
            return await self._calls.within(self._pace.query_seconds, operation, call)
        raise self._calls.unavailable()

    async def _run(self, operation: str, call: Callable[[], Awaitable[T]]) -> T:
        await self._ready(operation)
        return await self._calls.run(operation, call)

    async def _ready(self, operation: str) -> None:
        """Return when earlier entries are written; raises `StorageUnavailable` while the ledger is down."""
        await self._behind.tried(self._pace.query_seconds)
        if not self._availability.available:
            self._calls.skip(operation)
            raise self._calls.unavailable()
        await self.flush()

    async def _save(self, entries: Sequence[LedgerEntry]) -> None:
        with self._calls.counted("append"):
            await self._ledger.append(entries)

    async def _write_repeats_on(self) -> None:
        while True:
            await asyncio.sleep(self._repeat_seconds)
            try:
                await self._write_repeats()
            except StorageUnavailable:
                pass  # logged where the ledger is taken for down; they are counted on
            except Exception:  # noqa: BLE001 - a bug; without this loop no repeat would be written any more
                logger.exception("writing repeats to the ledger failed unexpectedly")

    async def _write_repeats(self) -> None:
        """Write the repeats, once the ledger has the entries that they belong to."""
        if self._repeats and await self.flush() and not len(self._behind):
            counts, self._repeats = self._repeats, Counter()
            try:
                await self._run("repeat", lambda: self._ledger.repeat(counts))
            except StorageUnavailable:
                self._repeats.update(counts)
                raise
