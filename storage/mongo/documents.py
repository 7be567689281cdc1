"""The document store in MongoDB, with BSON dates, as the trading engine reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import ASCENDING, DESCENDING, IndexModel, InsertOne, ReplaceOne, UpdateOne
from pymongo.errors import DuplicateKeyError

from storage.document_ports import COLLECTIONS, Collection, Document, DocumentWrite, Total, Where
from storage.document_values import check_fields, checked
from storage.mongo.connection import operation
from storage.mongo.database import MongoDatabase, make_indexes
from storage.mongo.writes import bulk_write

_NEWEST_FIRST = [("created_at", DESCENDING), ("_id", DESCENDING)]
_WITHOUT_ID = {"_id": 0}


class MongoDocumentStore(MongoDatabase):
    """Keeps documents in the database that the URL names; `_id` is MongoDB's own and never shown."""

    opening = "open_documents"

    async def _prepare(self) -> None:
        await asyncio.gather(*(make_indexes(self._of(one), _indexes(one), one.key_field) for one in COLLECTIONS))

    async def put(self, collection: Collection, key: str, document: Document) -> None:
        """Insert the document or replace the one of its key."""
        await self.put_many(collection, [DocumentWrite(key, document, once=False)])

    async def insert(self, collection: Collection, key: str, document: Document) -> bool:
        """Insert the document unless its key is there; return whether it was inserted."""
        stored = checked(collection, key, document)
        with operation("insert_document"):
            try:
                await self._of(collection).insert_one(stored)
            except DuplicateKeyError:
                return False
            return True

    async def replace(self, collection: Collection, key: str, document: Document, where: Where) -> bool:
        """Replace the document of the key, if it has these values."""
        check_fields(collection, where)
        stored = checked(collection, key, document)
        with operation("replace_document"):
            found = {collection.key_field: {"$eq": key}, **_equal(where)}
            return (await self._of(collection).replace_one(found, stored)).matched_count == 1

    async def put_many(self, collection: Collection, writes: Sequence[DocumentWrite]) -> None:
        """Keep all in one bulk write; where one is refused the others are kept."""
        stored = [(write, checked(collection, write.key, write.document)) for write in writes]
        requests = [InsertOne(document) if write.once else _put(collection, document) for write, document in stored]
        with operation("put_documents"):
            if requests:  # MongoDB refuses an empty bulk write
                await bulk_write(self._of(collection), requests)

    async def discard(self, collection: Collection, keys: Sequence[str]) -> None:
        """Remove the documents of these keys."""
        with operation("discard_documents"):
            await self._of(collection).delete_many({collection.key_field: {"$in": list(keys)}})

    async def get(self, collection: Collection, key: str) -> Document | None:
        """Return the document of the key."""
        with operation("get_document"):
            found: Document | None = await self._of(collection).find_one({collection.key_field: key}, _WITHOUT_ID)
        return found

    async def newest(self, collection: Collection, limit: int, where: Where | None = None) -> list[Document]:
        """Return the newest documents with these values."""
        check_fields(collection, where or {})
        with operation("newest_documents"):
            found = self._of(collection).find(_equal(where), _WITHOUT_ID, sort=_NEWEST_FIRST, limit=limit)
            return await found.to_list(limit)

    async def totals(
        self,
        collection: Collection,
        since: datetime,
        sums: Sequence[str] = (),
        *,
        by: Sequence[str] = (),
        where: Where | None = None,
    ) -> list[Total]:
        """Count and add up by group."""
        check_fields(collection, where or {}, by)
        # A missing field and null are one group.
        group = {field: {"$ifNull": [f"${field}", None]} for field in by}
        added = {f"sum_{number}": {"$sum": f"${field}"} for number, field in enumerate(sums)}
        pipeline: list[dict[str, Any]] = [
            {"$match": {"created_at": {"$gte": since}, **_equal(where)}},
            {"$group": {"_id": group, "count": {"$sum": 1}, **added}},
            {"$sort": {"_id": ASCENDING}},
        ]
        with operation("total_documents"):
            rows = await self._of(collection).aggregate(pipeline).to_list(None)
        return [
            Total(
                tuple(row["_id"][field] for field in by),
                row["count"],
                {field: row[name] for field, name in zip(sums, added, strict=True)},
            )
            for row in rows
        ]

    async def remove(self, collection: Collection, older_than: datetime) -> int:
        """Remove the documents created before `older_than`."""
        with operation("remove_documents"):
            return (await self._of(collection).delete_many({"created_at": {"$lt": older_than}})).deleted_count

    def _of(self, collection: Collection) -> AsyncIOMotorCollection[Document]:
        check_fields(collection)
        return self._connection.journaled(collection.name)


def _equal(where: Where | None) -> dict[str, Any]:
    # $eq: a value is never read as an operator.
    return {field: {"$eq": value} for field, value in (where or {}).items()}


def _put(collection: Collection, document: Document) -> ReplaceOne[Document] | UpdateOne:
    key = {collection.key_field: {"$eq": document[collection.key_field]}}
    if not collection.newest_stays:
        return ReplaceOne(key, document, upsert=True)
    newer = {"$gt": ["$created_at", document["created_at"]]}
    kept = {"$cond": [newer, "$$ROOT", {"$literal": document}]}
    return UpdateOne(key, [{"$replaceWith": kept}], upsert=True)


def _indexes(collection: Collection) -> list[IndexModel]:
    key = collection.key_field
    # Documents that another program wrote without a key may stay.
    identity = IndexModel([(key, ASCENDING)], unique=True, partialFilterExpression={key: {"$exists": True}})
    filters = [IndexModel([(field, ASCENDING), *_NEWEST_FIRST]) for field in collection.filters]
    return [identity, IndexModel(_NEWEST_FIRST), *filters]
