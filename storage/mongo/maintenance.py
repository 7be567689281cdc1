"""Size and compaction of a MongoDB database, on a separate connection without a time limit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from motor.motor_asyncio import AsyncIOMotorDatabase

from domain.errors import InvalidRequest
from storage.adapter_ports import CollectionSize, StoreSize
from storage.document_ports import COLLECTION_NAMES
from storage.mongo.connection import TIMEOUTS_MS, Document, MongoConnection, operation

_SMALLEST_FILE_BYTES = 4_096


class MongoMaintenance:
    """Measures and compacts the collections that this service writes; those of the engine are left alone."""

    def __init__(self, url: str) -> None:
        """Check the URL; nothing is connected yet.

        Raises:
            ConfigurationError: the URL is malformed or names no database.
        """
        self._connection = MongoConnection(url, TIMEOUTS_MS | {"socketTimeoutMS": None})

    async def size(self) -> StoreSize:
        """Measure the collections as they are on disk, compressed."""
        async with self._database("size") as database:
            sizes = [await database.command("collStats", name) for name in await _existing(database)]
        return StoreSize(
            tuple(CollectionSize(s["ns"].partition(".")[2], s["count"], s["totalSize"]) for s in sizes),
            total_bytes=sum(s["totalSize"] for s in sizes),
            free_bytes=sum(s.get("freeStorageSize", 0) for s in sizes),
        )

    async def backup(self, target: Path) -> int:
        """Refuse: MongoDB's own tools know of its replicas and shards."""
        raise InvalidRequest(
            f"a MongoDB database is not copied to a file such as {target.name}: use mongodump --uri with the value of "
            "DATABASE_URL, or snapshots of its disks (docs/deployment.md)"
        )

    async def vacuum(self) -> None:
        """Compact every collection that may have empty space, in a second or more each; the server keeps serving."""
        async with self._database("vacuum") as database:
            for name in await _existing(database):
                if (await database.command("collStats", name))["storageSize"] <= _SMALLEST_FILE_BYTES:
                    continue
                # A primary compacts only by force; since MongoDB 4.4 it keeps reading and writing.
                await database.command("compact", name, force=True)

    @asynccontextmanager
    async def _database(self, name: str) -> AsyncIterator[AsyncIOMotorDatabase[Document]]:
        try:
            with operation(name):
                await self._connection.open()
                yield self._connection.database
        finally:
            self._connection.close()


async def _existing(database: AsyncIOMotorDatabase[Document]) -> list[str]:
    return sorted(set(await database.list_collection_names()) & set(COLLECTION_NAMES))
