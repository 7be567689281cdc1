"""Chooses the store by the scheme of its URL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import timedelta
from hashlib import sha256
from os.path import isdir
from pathlib import Path
from typing import Any, TypeVar

from config.settings import SQLITE, StorageSettings
from domain.errors import ConfigurationError
from storage.adapter_ports import DocumentDatabase, LedgerDatabase, Store, StoreMaintenance
from storage.ports import EngineCandles
from storage.pruning import Bounds
from storage.resilience.documents import ResilientDocuments
from storage.resilience.ledger import ResilientLedger
from storage.resilience.pace import Pace
from storage.resilience.resilient import Resilient
from storage.resilience.spool import Spool
from storage.resilience.store import ResilientStore
from storage.sqlite.documents import SqliteDocumentStore
from storage.sqlite.ledger.ledger import SqliteLedger
from storage.sqlite.maintenance import SqliteMaintenance
from storage.sqlite.store import SqliteStore
from utils.clock import Clock

_MONGODB = ("mongodb://", "mongodb+srv://")

T = TypeVar("T", bound=Resilient[Any])


def build_store(settings: StorageSettings, writing: asyncio.Lock | None = None, clock: Clock | None = None) -> Store:
    """Return the store of `settings.url`, not opened yet.

    A SQLite file is written by one connection at a time: stores that are open together share the lock `writing`.
    `clock` tells when an analysis was cached; the machine's own by default.

    Raises:
        ConfigurationError: no store has this scheme, or the URL lacks a file or a database.
    """
    url = settings.url.get_secret_value()
    cache_retention = timedelta(hours=settings.cache_retention_hours)
    bounds = Bounds(timedelta(days=settings.archive_retention_days), settings.candles_per_series, settings.max_candles)
    if (path := _sqlite_path(url)) is not None:
        return SqliteStore(
            path,
            cache_retention=cache_retention,
            bounds=bounds,
            when_damaged=settings.when_damaged,
            writing=writing,
            clock=clock,
        )
    from storage.mongo.store import MongoStore  # 48 MB that a service on SQLite does without

    return MongoStore(url, cache_retention=cache_retention, bounds=bounds, clock=clock)


def build_maintenance(settings: StorageSettings) -> StoreMaintenance:
    """Return the maintenance of the database of `settings.url`.

    Raises:
        ConfigurationError: as `build_store` does.
    """
    url = settings.url.get_secret_value()
    if (path := _sqlite_path(url)) is not None:
        return SqliteMaintenance(path)
    from storage.mongo.maintenance import MongoMaintenance

    return MongoMaintenance(url)


@asynccontextmanager
async def open_stores(
    settings: StorageSettings, clock: Clock | None = None
) -> AsyncIterator[tuple[ResilientStore, ResilientDocuments, ResilientLedger]]:
    """Open the stores of analyses and of documents and the ledger, with a spool each; `clock` as for `build_store`.

    At the end the writes that wait go to the database or stay in the spool.

    Raises:
        ConfigurationError: as `build_store` does.
    """
    writing = asyncio.Lock()
    pace = Pace(retry_seconds=settings.retry_seconds)
    spool = _spool(settings, "analyses")
    analyses = ResilientStore(
        build_store(settings, writing, clock), timeout_ms=settings.timeout_ms, pace=pace, spool=spool
    )
    async with (
        _opened(analyses) as opened,
        open_documents(settings, writing) as documents,
        open_ledger(settings, writing) as ledger,
    ):
        yield opened, documents, ledger


def open_documents(
    settings: StorageSettings, writing: asyncio.Lock | None = None
) -> AbstractAsyncContextManager[ResilientDocuments]:
    """Open the store of documents alone, with its spool; `writing` as for `build_store`.

    Raises:
        ConfigurationError: as `build_store` does.
    """
    pace = Pace(retry_seconds=settings.retry_seconds)
    return _opened(ResilientDocuments(_documents(settings, writing), pace=pace, spool=_spool(settings, "documents")))


def open_ledger(
    settings: StorageSettings, writing: asyncio.Lock | None = None
) -> AbstractAsyncContextManager[ResilientLedger]:
    """Open the ledger alone, with its spool; `writing` as for `build_store`.

    Raises:
        ConfigurationError: as `build_store` does.
    """
    pace = Pace(retry_seconds=settings.retry_seconds)
    return _opened(ResilientLedger(build_ledger(settings, writing), pace=pace, spool=_spool(settings, "ledger")))


@asynccontextmanager
async def _opened(store: T) -> AsyncIterator[T]:
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def open_scratch(path: Path) -> AsyncIterator[tuple[LedgerDatabase, DocumentDatabase]]:
    """Open a ledger and a store of documents in a SQLite file of their own, for work that ends with the file.

    Raises:
        StorageUnavailable: the file cannot be written.
    """
    writing = asyncio.Lock()
    async with AsyncExitStack() as stack:
        ledger = SqliteLedger(path, writing=writing)
        documents = SqliteDocumentStore(path, writing=writing)
        for database in (ledger, documents):
            stack.push_async_callback(database.close)
            await database.open()
        yield ledger, documents


def build_ledger(settings: StorageSettings, writing: asyncio.Lock | None = None) -> LedgerDatabase:
    """Return the ledger in the database of `settings.url`, not opened yet; arguments and errors as of `build_store`."""
    url = settings.url.get_secret_value()
    if (path := _sqlite_path(url)) is not None:
        return SqliteLedger(path, when_damaged=settings.when_damaged, writing=writing)
    from storage.mongo.ledger import MongoLedger

    return MongoLedger(url)


def _spool(settings: StorageSettings, kind: str) -> Spool | None:
    """Return the spool of a kind of writes, None where it is switched off.

    The names of its files bear a digest of the database: writes for one database never go to another.
    """
    if not settings.spool_path:
        return None
    url = settings.url.get_secret_value()
    folder = settings.data_folder / "spool" if settings.spool_path == "auto" else Path(settings.spool_path)
    database = url.rpartition("@")[2]  # without the password
    return Spool(folder, f"{kind}-{sha256(database.encode()).hexdigest()[:12]}", settings.spool_max_bytes)


def _documents(settings: StorageSettings, writing: asyncio.Lock | None) -> DocumentDatabase:
    url = settings.url.get_secret_value()
    if (path := _sqlite_path(url)) is not None:
        return SqliteDocumentStore(path, when_damaged=settings.when_damaged, writing=writing)
    from storage.mongo.documents import MongoDocumentStore

    return MongoDocumentStore(url)


def build_engine_candles(settings: StorageSettings) -> EngineCandles:
    """Return the candles that the trading engine writes into the same database, not connected yet.

    Raises:
        ConfigurationError: the store is no MongoDB.
    """
    url = settings.url.get_secret_value()
    if not url.startswith(_MONGODB):
        raise ConfigurationError(
            "market_data.sources: engine_db reads the engine's collection in MongoDB; "
            "set storage.url (DATABASE_URL) to mongodb://host:27017/database, or leave engine_db out"
        )
    from storage.mongo.engine_candles import MongoEngineCandles

    return MongoEngineCandles(url)


def _sqlite_path(url: str) -> str | None:
    """Return the file of a SQLite URL, None for a MongoDB URL.

    Raises:
        ConfigurationError: the URL names no file, or is neither.
    """
    if url.startswith(_MONGODB):
        return None
    if not url.startswith(SQLITE):
        raise ConfigurationError(
            "DATABASE_URL (storage.url) must be sqlite:///path/to/file.db or mongodb://host:27017/database"
        )
    path = url.removeprefix(SQLITE)
    if not path or path == ":memory:" or path.endswith("/") or isdir(path):
        raise ConfigurationError("DATABASE_URL (storage.url) names no file; use sqlite:///data/trading_ai.db")
    return path
