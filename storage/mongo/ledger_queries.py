"""The indexes of the ledger in MongoDB, and reading many documents by key."""

from __future__ import annotations

from collections.abc import Sequence

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import ASCENDING, DESCENDING, IndexModel

from storage.ledger_ports import (
    AGGREGATE_COLLECTION,
    LEDGER_COLLECTION,
    LEDGER_DUE_COLLECTION,
    SETTLEMENT_COLLECTION,
)
from storage.mongo.connection import Document

NEWEST_FIRST = [("known_ms", DESCENDING), ("_id", DESCENDING)]
_NEWEST = ("known_ms", DESCENDING)
# `_id` is in no index but its own: it would take as much as all else, and few entries are of one millisecond.
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
    collection: AsyncIOMotorCollection[Document], keys: Sequence[str], fields: Document | None = None
) -> dict[str, Document]:
    """Return the documents of these keys, or some fields of them, by key."""
    found: dict[str, Document] = {}
    for start in range(0, len(keys), KEYS_AT_ONCE):
        part = list(keys[start : start + KEYS_AT_ONCE])
        rows = await collection.find({"_id": {"$in": part}}, fields, batch_size=KEYS_AT_ONCE).to_list(None)
        found.update((row["_id"], row) for row in rows)
    return found
