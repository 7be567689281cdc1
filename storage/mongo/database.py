"""What the stores in a MongoDB database have in common: its opening and closing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from loguru import logger
from motor.motor_asyncio import AsyncIOMotorCollection
from pymongo import IndexModel
from pymongo.errors import OperationFailure

from domain.errors import StorageUnavailable
from storage.mongo.connection import Document, MongoConnection, operation
from storage.mongo.faults import DUPLICATE_KEY


class MongoDatabase(ABC):
    """Collections in the database that a URL names."""

    kind = "mongodb"
    # The name of its opening among the counted operations, and of its checks in the database.
    opening: ClassVar[str]

    def __init__(self, url: str) -> None:
        """Check the URL; nothing is connected yet.

        Args:
            url: mongodb:// or mongodb+srv:// with the database as its path.

        Raises:
            ConfigurationError: the URL is malformed or names no database.
        """
        self._connection = MongoConnection(url)

    @abstractmethod
    async def _prepare(self) -> None:
        """Make the indexes, at each opening and in a database that has become another one."""

    async def open(self) -> None:
        """Connect and make the indexes; the client reconnects by itself, so a second call keeps it.

        Raises:
            StorageUnavailable: no server answers, it refuses the login or an index, or a collection has several
                documents of one key already.
        """
        with operation(self.opening):
            await self._connection.open()
            await self._connection.ping(self.opening)
            await self._prepare()

    async def close(self) -> None:
        """Close the connections; later calls raise `StorageUnavailable`."""
        self._connection.close()

    async def ping(self) -> None:
        """Return when the server has taken a write; a database that was dropped or replaced gets its indexes again."""
        with operation("ping"):
            if not await self._connection.ping(self.opening):
                logger.warning("the MongoDB database was dropped or replaced: a new one is begun")
                await self._prepare()


async def make_indexes(collection: AsyncIOMotorCollection[Document], indexes: Sequence[IndexModel], key: str) -> None:
    """Make the indexes of a collection, one of which allows one document per key.

    Args:
        collection: That of the indexes.
        indexes: All of them.
        key: Its fields in words.

    Raises:
        StorageUnavailable: the collection has several documents of one key already.
        PyMongoError: as the driver does.
    """
    try:
        await collection.create_indexes(indexes)
    except OperationFailure as error:
        if error.code != DUPLICATE_KEY:
            raise
        needed = f"collection {collection.name} needs one document per {key}: remove the others (docs/storage.md)"
        raise StorageUnavailable(needed) from error
