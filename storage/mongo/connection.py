"""The connection to MongoDB: its time-outs, and the driver's failures as errors of the service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import WriteConcern
from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

from domain.errors import ConfigurationError, StorageUnavailable
from storage.mongo.faults import FAILURES, failure
from utils import metrics

Document = dict[str, Any]

# With these a server that is gone is noticed after 1.5 to 2 s, not after the driver's 30 s.
TIMEOUTS_MS: dict[str, Any] = {"serverSelectionTimeoutMS": 1_500, "connectTimeoutMS": 1_500, "socketTimeoutMS": 2_000}
_HEALTH_COLLECTION = "service_health"


class MongoConnection:
    """The database that a URL names; the client reconnects by itself."""

    def __init__(self, url: str, timeouts_ms: Mapping[str, Any] = TIMEOUTS_MS) -> None:
        """Check the URL; nothing is connected yet.

        Args:
            url: mongodb:// or mongodb+srv:// with the database as its path.
            timeouts_ms: As the driver names them.

        Raises:
            ConfigurationError: the URL is malformed or names no database.
        """
        self._url = url
        self._timeouts_ms = timeouts_ms
        self._name = _database_name(url)
        self._client: AsyncIOMotorClient[Document] | None = None

    @property
    def database(self) -> AsyncIOMotorDatabase[Document]:
        """The database of the open connection.

        Raises:
            StorageUnavailable: it is not open.
        """
        if self._client is None:
            raise StorageUnavailable("the mongodb store is not open")
        return self._client[self._name]

    def journaled(self, collection: str) -> AsyncIOMotorCollection[Document]:
        """Return a collection whose writes are acknowledged once they are in the journal.

        A server that is killed after that still has them; the rest of the URL's write concern stays.
        """
        concern = self.database.write_concern.document | {"j": True}
        return self.database.get_collection(collection, write_concern=WriteConcern(**concern))

    async def open(self) -> None:
        """Connect, and return when the server answers; a second call keeps the client.

        Raises:
            PyMongoError: no server answers, or it refuses the login.
        """
        if self._client is None:
            self._client = AsyncIOMotorClient(self._url, tz_aware=True, **self._timeouts_ms)
        await self.database.command("ping")

    async def ping(self, row: str) -> bool:
        """Return when the server has taken a small write, since one whose disk is full still answers.

        Args:
            row: Counts the writes of the caller.

        Returns:
            Whether the row was there before; it is not in a new database.

        Raises:
            PyMongoError: it does not answer, or takes no writes.
        """
        checks = self.journaled(_HEALTH_COLLECTION)
        counted = await checks.update_one({"_id": row}, {"$inc": {"writes": 1}}, upsert=True)
        return counted.upserted_id is None

    def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


@contextmanager
def operation(name: str) -> Iterator[None]:
    """Count the operation, and turn the driver's failures into `StorageUnavailable` or `Unstorable`."""
    try:
        yield
    except FAILURES as error:
        metrics.mongodb_operation(name, "failed").inc()
        raise failure(name, error) from error
    metrics.mongodb_operation(name, "ok").inc()


def _database_name(url: str) -> str:
    """Return the database that a well-formed URL names.

    Raises:
        ConfigurationError: without a word of the URL, which may hold a password.
    """
    shape = "mongodb://user:password@host:27017/database, with user and password percent-encoded"
    unanswered = False
    try:
        if url.startswith("mongodb://"):  # the other scheme is looked up in DNS, which must not stop a start
            unanswered = parse_uri(url)["options"].get("w") == 0
        name = unquote(urlsplit(url).path.removeprefix("/"))
    except (PyMongoError, ValueError) as error:
        raise ConfigurationError(
            f"DATABASE_URL (storage.url) is not a MongoDB URL ({type(error).__name__}); use {shape}"
        ) from None
    if unanswered:
        raise ConfigurationError(
            "DATABASE_URL (storage.url): with w=0 the server confirms nothing that it stored; leave it out"
        )
    if not name or set(name) & set('/\\. "$\0'):
        raise ConfigurationError(f"DATABASE_URL (storage.url) names no valid database; use {shape}")
    return name
