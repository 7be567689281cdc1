"""The indexes of the ledger in MongoDB, and reading many documents by key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import ASCENDING, DESCENDING, IndexModel

from storage.ledger_ports import (
    AGGREGATE_COLLECTION,
    LEDGER_COLLECTION,
    LEDGER_DUE_COLLECTION,
    REPEAT_COLLECTION,
    SETTLEMENT_COLLECTION,
)
from storage.ledger_values import ENTRIES_AT_ONCE
from storage.mongo.connection import Document
from storage.mongo.ledger_documents import settlement_keys

_NEWEST = ("known_ms", DESCENDING)
# `_id` is in no index but its own: it would double the size of each, and few entries are of one millisecond.
LEDGER_INDEXES = {
    LEDGER_COLLECTION: [
        IndexModel([_NEWEST]),
        IndexModel([("symbol", ASCENDING), _NEWEST]),
        IndexModel([("lane_id", ASCENDING), _NEWEST]),
        IndexModel([("day", ASCENDING)]),
        IndexModel([("apart", ASCENDING)], sparse=True),
    ],
    LEDGER_DUE_COLLECTION: [IndexModel([("first", ASCENDING)])],
    SETTLEMENT_COLLECTION: [IndexModel([("day", ASCENDING)], sparse=True)],
    AGGREGATE_COLLECTION: [IndexModel([("level", ASCENDING), ("day", ASCENDING)])],
}
# A command with more would keep the server busy for long.
KEYS_AT_ONCE = 2_000


async def found_by_key(
    collection: AsyncIOMotorCollection[Document], keys: Sequence[str], fields: Document | None
) -> dict[str, Document]:
    """Return the documents of these keys, or some fields of them, by key."""
    found: dict[str, Document] = {}
    for start in range(0, len(keys), KEYS_AT_ONCE):
        part = list(keys[start : start + KEYS_AT_ONCE])
        rows = await collection.find({"_id": {"$in": part}}, fields, batch_size=KEYS_AT_ONCE).to_list(None)
        found.update((row["_id"], row) for row in rows)
    return found


async def newest(collection: AsyncIOMotorCollection[Document], query: Document, limit: int) -> list[Document]:
    """Return at most `limit` entries, the newest known first, of one moment by id in descending order."""
    found = await collection.find(query, sort=[_NEWEST], limit=limit).to_list(limit)
    if len(found) == limit:  # the index knows nothing of ids: all of the last moment are needed to choose among them
        last_ms = found[-1]["known_ms"]
        of_last = await collection.find({"$and": [query, {"known_ms": last_ms}]}).to_list(None)
        found = [entry for entry in found if entry["known_ms"] != last_ms] + of_last
    return sorted(found, key=lambda entry: (entry["known_ms"], entry["_id"]), reverse=True)[:limit]


async def known_at(collection: AsyncIOMotorCollection[Document], query: Document, place: int) -> int | None:
    """Return when the entry at a place was known, the newest at 1."""
    found = collection.find(query, {"_id": 0, "known_ms": 1}, sort=[_NEWEST], skip=place - 1, limit=1)
    return next((int(row["known_ms"]) for row in await found.to_list(1)), None)


async def prune(collection_of: Callable[[str], AsyncIOMotorCollection[Document]], before_ms: int) -> int:
    """Remove settled entries known before a time; the entry goes last, so that a crash leaves nothing behind."""
    cursor = collection_of(LEDGER_COLLECTION).find(
        {"known_ms": {"$lt": before_ms}}, {"_id": 1}, sort=[("known_ms", ASCENDING)], batch_size=ENTRIES_AT_ONCE
    )
    while candidates := [row["_id"] for row in await cursor.to_list(ENTRIES_AT_ONCE)]:
        waiting = await found_by_key(collection_of(LEDGER_DUE_COLLECTION), candidates, {"_id": 1})
        if old := [entry_id for entry_id in candidates if entry_id not in waiting]:
            await collection_of(SETTLEMENT_COLLECTION).delete_many({"_id": {"$in": settlement_keys(old)}})
            for name in (REPEAT_COLLECTION, LEDGER_COLLECTION):
                await collection_of(name).delete_many({"_id": {"$in": old}})
            return len(old)
    return 0


async def newest_day(collection: AsyncIOMotorCollection[Document]) -> date | None:
    """Return the newest of the days that are the keys of a collection, None of an empty one."""
    row = await collection.find_one({}, {"_id": 1}, sort=[("_id", DESCENDING)])
    return None if row is None else date.fromisoformat(row["_id"])


async def count_all(collection: AsyncIOMotorCollection[Document], field: str) -> int:
    """Count the documents that have an indexed field, value by value: one command for millions would time out."""
    values = await collection.distinct(field)
    return sum([await collection.count_documents({field: value}) for value in values])
