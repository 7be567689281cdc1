"""The horizons of entries that are not settled yet: one document for all of an entry, gone with the last of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import ASCENDING, InsertOne, UpdateOne

from domain.hours.clocks import DAY_MS
from domain.ledger.entries import LedgerEntry
from domain.ledger.settlements import Settlement
from storage.ledger_ports import LEDGER_DUE_COLLECTION, Postponed
from storage.ledger_values import due_ms
from storage.mongo.connection import Document, MongoConnection
from storage.mongo.writes import bulk_write

# The first due time of those that are left.
_FIRST: Document = {"$set": {"first": {"$min": "$times.t"}}}


class MongoDue:
    """Documents `{_id, first, times: [{h, t}]}`: horizons with their due times, and the first of these."""

    def __init__(self, connection: MongoConnection) -> None:
        """Use the connection of the ledger."""
        self._connection = connection

    async def owe(self, entries: Sequence[LedgerEntry]) -> None:
        """Put every horizon of the entries on the list; those of an entry that is on it stay as they are."""
        documents = [_document(entry) for entry in entries if entry.horizons]
        if documents:
            await bulk_write(self._collection, [InsertOne(document) for document in documents])

    async def waiting(self, now_ms: int, limit: int) -> dict[str, dict[int, int]]:
        """Return the due times by horizon of the `limit` entries that are due first, by id of the entry.

        The first `limit` horizons of all are among them.
        """
        cursor = self._collection.find({"first": {"$lte": now_ms}}, sort=[("first", ASCENDING)], limit=limit)
        return {row["_id"]: {time["h"]: time["t"] for time in row["times"]} for row in await cursor.to_list(limit)}

    async def forget_lost(self, ids: Collection[str], now_ms: int) -> None:
        """Remove what has been due for a day without an entry: the server took the due times and refused the entry."""
        if ids:
            await self._collection.delete_many({"_id": {"$in": list(ids)}, "first": {"$lt": now_ms - DAY_MS}})

    async def change(self, settlements: Sequence[Settlement], postponed: Sequence[Postponed]) -> None:
        """Take settled horizons off the list, and give others a later due time; what is not due stays so."""
        settled, later = defaultdict[str, list[int]](list), defaultdict[str, dict[int, int]](dict)
        for settlement in settlements:
            settled[settlement.entry_id].append(settlement.horizon)
        for wait in postponed:
            later[wait.entry_id][wait.horizon] = wait.due_ms
        ids = list(settled.keys() | later.keys())
        if ids:
            updates = [UpdateOne({"_id": key}, _changes(settled.get(key, []), later.get(key, {}))) for key in ids]
            await bulk_write(self._collection, updates)
            await self._collection.delete_many({"_id": {"$in": ids}, "times": []})

    async def count(self) -> tuple[int, int | None]:
        """Return how many horizons wait, and when the first of them was due."""
        group = {"_id": None, "waiting": {"$sum": {"$size": "$times"}}, "first": {"$min": "$first"}}
        rows = await self._collection.aggregate([{"$group": group}]).to_list(1)
        return (rows[0]["waiting"], rows[0]["first"]) if rows else (0, None)

    @property
    def _collection(self) -> AsyncIOMotorCollection[Document]:
        return self._connection.journaled(LEDGER_DUE_COLLECTION)


def _document(entry: LedgerEntry) -> Document:
    times = [{"h": horizon, "t": due_ms(entry.closed_ms, entry.timeframe, horizon)} for horizon in entry.horizons]
    return {"_id": entry.id, "first": min(time["t"] for time in times), "times": times}


def _changes(settled: list[int], later: dict[int, int]) -> list[Document]:
    """Return the stages of an update in one step, so that two settlers do not undo each other's."""
    left = {"input": "$times", "cond": {"$not": [{"$in": ["$$this.h", settled]}]}}
    stages: list[Document] = [{"$set": {"times": {"$filter": left}}}]
    if later:
        branches: list[Any] = [
            {"case": {"$eq": ["$$this.h", horizon]}, "then": {"h": horizon, "t": time_ms}}
            for horizon, time_ms in later.items()
        ]
        changed = {"$switch": {"branches": branches, "default": "$$this"}}
        stages.append({"$set": {"times": {"$map": {"input": "$times", "in": changed}}}})
    return [*stages, _FIRST]
