"""How both stores talk to MongoDB: the connection, its time-outs, and what becomes of the driver's failures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from bson.errors import BSONError
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from domain.errors import ConfigurationError, StorageUnavailable
from utils import metrics

Document = dict[str, Any]

# A server that is gone is known as gone after these, not after the driver's 30 s.
TIMEOUTS_MS: dict[str, Any] = {"serverSelectionTimeoutMS": 1_500, "connectTimeoutMS": 1_500, "socketTimeoutMS": 2_000}


class MongoConnection:
    """The database that a URL names; the client reconnects by itself."""

    def __init__(self, url: str) -> None:
        """Check the URL; nothing is connected yet.

        Raises:
            ConfigurationError: the URL is malformed or names no database.
        """
        self._url = url
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

    async def open(self) -> None:
        """Connect, and return when the server answers; a second call keeps the client.

        Raises:
            PyMongoError: no server answers, or it refuses the login.
        """
        if self._client is None:
            self._client = AsyncIOMotorClient(self._url, tz_aware=True, **TIMEOUTS_MS)
        await self.database.command("ping")

    def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            client.close()


@contextmanager
def operation(name: str) -> Iterator[None]:
    """Count the operation, and turn the driver's failures into `StorageUnavailable`.

    The message names the kind of failure only: the driver's own holds host names.
    """
    try:
        yield
    except (PyMongoError, BSONError, UnicodeError, OverflowError) as error:
        metrics.MONGODB_OPERATIONS.labels(name, "failed").inc()
        code = f" (code {error.code})" if isinstance(error, OperationFailure) and error.code else ""
        raise StorageUnavailable(f"mongodb failed at {name}: {type(error).__name__}{code}") from error
    metrics.MONGODB_OPERATIONS.labels(name, "ok").inc()


def _database_name(url: str) -> str:
    """Return the database that a well-formed URL names.

    Raises:
        ConfigurationError: without a word of the URL, which may hold a password.
    """
    shape = "mongodb://user:password@host:27017/database, with user and password percent-encoded"
    try:
        if url.startswith("mongodb://"):
            parse_uri(url)  # the other scheme is looked up in DNS, which must not stop a start
        name = unquote(urlsplit(url).path.removeprefix("/"))
    except (PyMongoError, ValueError) as error:
        raise ConfigurationError(f"storage.url is not a MongoDB URL ({type(error).__name__}); use {shape}") from None
    if not name or set(name) & set('/\\. "$\0'):
        raise ConfigurationError(f"storage.url names no valid database; use {shape}")
    return name
