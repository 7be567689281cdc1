"""The ledger in MongoDB. There are no transactions: what follows from a write is written before it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import ASCENDING, DESCENDING, InsertOne, ReplaceOne, UpdateOne
from pymongo.errors import DuplicateKeyError

from domain.ledger.days import Aggregate, DayRoot
from domain.ledger.entries import LedgerEntry
from domain.ledger.settlements import LedgerRecord, Settlement
from storage.ledger_ports import (
    AGGREGATE_COLLECTION,
    DAY_COLLECTION,
    EVER_MS,
    LEDGER_COLLECTION,
    MARK_COLLECTION,
    REPEAT_COLLECTION,
    SETTLEMENT_COLLECTION,
    Due,
    EntryFilter,
    LedgerSize,
    Position,
    Postponed,
)
from storage.ledger_values import booked_day, first_due, stretch_day
from storage.mongo.connection import Document, operation
from storage.mongo.database import MongoDatabase
from storage.mongo.ledger_documents import (
    by_entry,
    entry_document,
    level_documents,
    query_of,
    read_entry_document,
    read_level,
    read_root,
    root_document,
    settlement_document,
    settlement_keys,
)
from storage.mongo.ledger_due import MongoDue
from storage.mongo.ledger_queries import LEDGER_INDEXES, count_all, found_by_key, known_at, newest, newest_day, prune
from storage.mongo.writes import bulk_write

_NEVER = {"repeats": 0}


class MongoLedger(MongoDatabase):
    """Keeps the ledger in the database that the URL names; what is acknowledged is in the server's journal."""

    opening = "open_ledger"

    def __init__(self, url: str) -> None:
        """Check the URL, as `MongoDatabase`."""
        super().__init__(url)
        self._due = MongoDue(self._connection)

    async def _prepare(self) -> None:
        await asyncio.gather(*(self._of(name).create_indexes(indexes) for name, indexes in LEDGER_INDEXES.items()))

    async def append(self, entries: Sequence[LedgerEntry]) -> None:
        """Keep the due times, then the entries: a crash in between leaves nothing that is never settled.

        Where a day is closed meanwhile, those booked in it are booked in the next one.
        """
        with operation("append_ledger"):
            known = await self._found(LEDGER_COLLECTION, [entry.id for entry in entries], {"_id": 1})
            new = list({entry.id: entry for entry in reversed(entries) if entry.id not in known}.values())
            if not new:
                return
            closed = await newest_day(self._of(DAY_COLLECTION))
            documents = [entry_document(entry, booked_day(entry.known_ms, closed)) for entry in new]
            await self._due.owe(new)
            await self._insert(LEDGER_COLLECTION, documents)
            if (closed_since := await newest_day(self._of(DAY_COLLECTION))) != closed and closed_since is not None:
                wrong = {"_id": {"$in": [entry.id for entry in new]}, "day": {"$lte": closed_since.isoformat()}}
                day = booked_day(0, closed_since).isoformat()
                await self._of(LEDGER_COLLECTION).update_many(wrong, {"$set": {"day": day}})

    async def repeat(self, counts: Mapping[str, int]) -> None:
        """Count entries that were given again; an id without an entry counts nothing."""
        with operation("repeat_ledger"):
            known = await self._found(LEDGER_COLLECTION, list(counts), {"_id": 1})
            if known:
                requests = [UpdateOne({"_id": key}, {"$inc": {"repeats": counts[key]}}, upsert=True) for key in known]
                await bulk_write(self._of(REPEAT_COLLECTION), requests)

    async def entry(self, entry_id: str) -> LedgerRecord | None:
        """Return an entry with its settlements."""
        with operation("ledger_entry"):
            found = await self._of(LEDGER_COLLECTION).find({"_id": {"$eq": entry_id}}).to_list(1)
            return next(iter(await self._records(found)), None)

    async def entries(self, wanted: EntryFilter, limit: int, before: Position | None = None) -> list[LedgerRecord]:
        """Return a page of entries, the newest known first."""
        with operation("ledger_entries"):
            return await self._records(await newest(self._of(LEDGER_COLLECTION), query_of(wanted, before), limit))

    async def known_at(self, wanted: EntryFilter, place: int) -> int | None:
        """Return when the entry at a place was known, the newest at 1."""
        with operation("ledger_known_at"):
            return await known_at(self._of(LEDGER_COLLECTION), query_of(wanted, None), place)

    async def due(self, now_ms: int, limit: int) -> list[Due]:
        """Return horizons that are due, the first due first."""
        with operation("ledger_due"):
            waiting = await self._due.waiting(now_ms, limit)
            entries = await self._found(LEDGER_COLLECTION, list(waiting))
            await self._due.forget_lost(waiting.keys() - entries.keys(), now_ms)
            times = ((read_entry_document(entries[key]), own) for key, own in waiting.items() if key in entries)
            return first_due(times, now_ms, limit)

    async def settle(self, settlements: Sequence[Settlement], postponed: Sequence[Postponed] = ()) -> int:
        """Mark the days, keep the settlements, then take their horizons off the list."""
        with operation("settle_ledger"):
            ids = {told.entry_id for told in settlements} | {wait.entry_id for wait in postponed}
            found = await self._found(LEDGER_COLLECTION, list(ids))
            entries = {entry_id: read_entry_document(entry) for entry_id, entry in found.items()}
            known = [(told, entries[told.entry_id]) for told in settlements if told.entry_id in entries]
            days = {stretch_day(entry.closed_ms, entry.timeframe, told.horizon).isoformat() for told, entry in known}
            await self._insert(MARK_COLLECTION, [{"_id": day} for day in days])
            new = await self._insert(SETTLEMENT_COLLECTION, [settlement_document(told, entry) for told, entry in known])
            await self._due.change([told for told, _ in known], postponed)
            return new

    async def days_to_add_up(self) -> list[date]:
        """Return the days that are marked."""
        with operation("ledger_marks"):
            rows = await self._of(MARK_COLLECTION).find({}, sort=[("_id", ASCENDING)]).to_list(None)
        return [date.fromisoformat(row["_id"]) for row in rows]

    async def settled(self, day: date, made_ms: tuple[int, int] = EVER_MS) -> list[LedgerRecord]:
        """Return the scored entries with settlements whose stretches begin in this day."""
        with operation("ledger_settled"):
            query = {"day": day.isoformat(), "settled_ms": {"$gte": made_ms[0], "$lt": made_ms[1]}}
            rows = await self._of(SETTLEMENT_COLLECTION).find(query).to_list(None)
            settlements = by_entry(rows)
            entries = await self._found(LEDGER_COLLECTION, list(settlements))
            return await self._records(list(entries.values()), settlements)

    async def put_aggregates(self, day: date, aggregates: Sequence[Aggregate]) -> None:
        """Replace the sums of the day, level by level, and take its mark away."""
        with operation("put_ledger_aggregates"):
            levels = level_documents(day, aggregates)
            collection = self._of(AGGREGATE_COLLECTION)
            if levels:
                requests = [ReplaceOne({"_id": level["_id"]}, level, upsert=True) for level in levels]
                await bulk_write(collection, requests)
            kept = [level["_id"] for level in levels]
            await collection.delete_many({"day": day.isoformat(), "_id": {"$nin": kept}})
            await self._of(MARK_COLLECTION).delete_one({"_id": day.isoformat()})

    async def aggregates(self, level: str, since: date, until: date) -> list[Aggregate]:
        """Return the sums of a level, by day."""
        days = {"$gte": since.isoformat(), "$lte": until.isoformat()}
        with operation("ledger_aggregates"):
            query = {"level": {"$eq": level}, "day": days}
            cursor = self._of(AGGREGATE_COLLECTION).find(query, sort=[("day", ASCENDING)])
            return [sums for row in await cursor.to_list(None) for sums in read_level(row)]

    async def booked(self, day: date) -> list[LedgerEntry]:
        """Return the entries of a day by known time and id."""
        with operation("ledger_booked"):
            rows = await self._of(LEDGER_COLLECTION).find({"day": day.isoformat()}).to_list(None)
        return sorted(map(read_entry_document, rows), key=lambda entry: (entry.known_ms, entry.id))

    async def close_day(self, root: DayRoot) -> bool:
        """Keep the root of a day once, if its entries are those that are booked in it, before and after."""
        with operation("close_ledger_day"):
            try:
                if not await self._has_booked(root):
                    return False
                await self._of(DAY_COLLECTION).insert_one(root_document(root))
            except DuplicateKeyError:
                return False
            kept = await self._has_booked(root)
            if not kept:
                await self._of(DAY_COLLECTION).delete_one({"_id": root.day.isoformat()})
            return kept

    async def day_roots(self, limit: int, before: date | None = None) -> list[DayRoot]:
        """Return roots, the newest day first."""
        days = {} if before is None else {"_id": {"$lt": before.isoformat()}}
        with operation("ledger_days"):
            rows = await self._of(DAY_COLLECTION).find(days, sort=[("_id", DESCENDING)], limit=limit).to_list(limit)
        return [read_root(row) for row in rows]

    async def size(self) -> LedgerSize:
        """Count the ledger in its indexes; the server's own count of a collection is wrong after a crash."""
        with operation("ledger_size"):
            entries = await count_all(self._of(LEDGER_COLLECTION), "day")
            apart = await count_all(self._of(LEDGER_COLLECTION), "apart")
            return LedgerSize(entries, entries - apart, *await self._due.count())

    async def prune_ledger(self, before_ms: int) -> int:
        """Remove settled entries known before that; the entry goes last, so that a crash leaves nothing behind."""
        with operation("prune_ledger"):
            return await prune(self._of, before_ms)

    async def _records(
        self, entries: Sequence[Document], settlements: Mapping[str, tuple[Settlement, ...]] | None = None
    ) -> list[LedgerRecord]:
        ids = [entry["_id"] for entry in entries]
        if settlements is None:
            settlements = by_entry((await self._found(SETTLEMENT_COLLECTION, settlement_keys(ids))).values())
        repeats = await self._found(REPEAT_COLLECTION, ids)
        return [
            LedgerRecord(read_entry_document(entry), settlements.get(key, ()), repeats.get(key, _NEVER)["repeats"])
            for key, entry in zip(ids, entries, strict=True)
        ]

    async def _insert(self, collection: str, documents: Sequence[Document]) -> int:
        requests = [InsertOne(document) for document in documents]
        return await bulk_write(self._of(collection), requests) if requests else 0

    async def _found(self, collection: str, keys: Sequence[str], fields: Document | None = None) -> dict[str, Document]:
        return await found_by_key(self._of(collection), keys, fields)

    async def _has_booked(self, root: DayRoot) -> bool:
        return await self._of(LEDGER_COLLECTION).count_documents({"day": root.day.isoformat()}) == root.entries

    def _of(self, collection: str) -> AsyncIOMotorCollection[Document]:
        return self._connection.journaled(collection)
