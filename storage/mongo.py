"""The MongoDB store; the only module that imports motor and pymongo, which cost 48 MB."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from bson.errors import BSONError
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from pymongo import ASCENDING, DESCENDING, IndexModel, UpdateOne, WriteConcern
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.uri_parser import parse_uri

from domain.analysis import Analysis
from domain.errors import ConfigurationError, StorageUnavailable
from domain.market import Candle, Timeframe
from storage.decoding import AnalysisDecoder
from storage.ports import (
    ANALYSIS_COLLECTION,
    ARCHIVE_COLLECTION,
    CANDLE_COLLECTION,
    NO_CANDLES,
    CandlesByTimeframe,
    StoreStatistics,
    SymbolCount,
)
from utils import metrics
from utils.clock import Clock, SystemClock

Document = dict[str, Any]

# A server that is gone is known as gone after these, not after the driver's 30 s.
TIMEOUTS_MS: dict[str, Any] = {"serverSelectionTimeoutMS": 1_500, "connectTimeoutMS": 1_500, "socketTimeoutMS": 2_000}

_INDEX_OPTIONS_CONFLICT = 85
_BY_SYMBOL = IndexModel([("symbol", ASCENDING), ("timestamp", DESCENDING)])
_BY_KEY = IndexModel([("cache_key", ASCENDING), ("timestamp", DESCENDING), ("_id", DESCENDING)])
_ARCHIVE_IDENTITY = IndexModel([("analysis_id", ASCENDING)], unique=True)
_CANDLE_IDENTITY = IndexModel([("symbol", ASCENDING), ("timeframe", ASCENDING), ("open_time", DESCENDING)], unique=True)
_CANDLE_FIELDS = {"_id": 0, "open_time": 1, "open": 1, "high": 1, "low": 1, "close": 1, "volume": 1}


class MongoStore:
    """Keeps analyses and candles in the database that the URL names."""

    kind = "mongodb"

    def __init__(
        self,
        url: str,
        *,
        cache_retention: timedelta = timedelta(hours=24),
        clock: Clock | None = None,
    ) -> None:
        """Check the URL; nothing is connected yet.

        Args:
            url: mongodb:// or mongodb+srv:// with the database as its path.
            cache_retention: How long a cached analysis is kept, in whole seconds.
            clock: Tells when an analysis was cached; the machine's own by default.

        Raises:
            ConfigurationError: the URL is malformed or names no database.
        """
        self._url = url
        self._database_name = _database_name(url)
        self._cache_retention = cache_retention
        self._clock = clock or SystemClock()
        self._client: AsyncIOMotorClient[Document] | None = None
        self._decoder = AnalysisDecoder(self.kind)

    async def open(self) -> None:
        """Connect and make the indexes; the client reconnects by itself, so a second call keeps it.

        Raises:
            StorageUnavailable: no server answers, or it refuses the login or an index.
        """
        with _operation("open"):
            if self._client is None:
                self._client = AsyncIOMotorClient(self._url, tz_aware=True, **TIMEOUTS_MS)
            database = self._database
            await database.command("ping")
            await asyncio.gather(
                database[ANALYSIS_COLLECTION].create_indexes([_BY_SYMBOL, _BY_KEY]),
                database[ARCHIVE_COLLECTION].create_indexes([_ARCHIVE_IDENTITY]),
                database[CANDLE_COLLECTION].create_indexes([_CANDLE_IDENTITY]),
            )
            await self._set_expiry()

    async def close(self) -> None:
        """Close the connections; later calls raise `StorageUnavailable`."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def ping(self) -> None:
        """Return when the server answers."""
        with _operation("ping"):
            await self._database.command("ping")

    async def save_analysis(
        self, cache_key: str, analysis: Analysis, *, archive: bool, candles: CandlesByTimeframe = NO_CANDLES
    ) -> None:
        """Save everything at the same time, all candles in one bulk write; saving it again changes nothing."""
        content = analysis.model_dump(mode="json")
        document = {
            "symbol": analysis.symbol,
            "cache_key": cache_key,
            "timestamp": analysis.generated_at,
            "analysis": content,
            "created_at": self._clock.now(),
        }
        identity = {
            "cache_key": cache_key,
            "timestamp": analysis.generated_at,
            "analysis.analysis_id": analysis.analysis_id,
        }
        with _operation("save_analysis"):
            writes: list[Awaitable[object]] = [
                self._database[ANALYSIS_COLLECTION].replace_one(identity, document, upsert=True)
            ]
            if archive:
                # Acknowledged once it is in the journal: a server that dies then has it still.
                collection = self._database.get_collection(ARCHIVE_COLLECTION, write_concern=WriteConcern(j=True))
                archived = document | {"analysis_id": analysis.analysis_id}
                writes.append(collection.replace_one({"analysis_id": analysis.analysis_id}, archived, upsert=True))
            if upserts := _candle_upserts(analysis.symbol, candles):  # MongoDB refuses an empty bulk write
                writes.append(self._database[CANDLE_COLLECTION].bulk_write(upserts, ordered=False))
            await asyncio.gather(*writes)

    async def latest_analysis(self, cache_key: str, not_before: datetime) -> Analysis | None:
        """Return the newest cached analysis of the key; times compare in whole milliseconds."""
        with _operation("latest_analysis"):
            document = await self._database[ANALYSIS_COLLECTION].find_one(
                {"cache_key": cache_key, "timestamp": {"$gte": not_before}},
                {"_id": 0, "analysis": 1},
                sort=[("timestamp", DESCENDING), ("_id", DESCENDING)],
            )
        return None if document is None else self._decoder.from_document(document.get("analysis"))

    async def statistics(self) -> StoreStatistics:
        """Count the cache by symbol, and the archive; the server may take a minute to drop what expired."""
        pipeline: list[Document] = [
            # With the index's order and fields alone the server reads the index and no document.
            {"$sort": {"symbol": ASCENDING, "timestamp": DESCENDING}},
            {"$project": {"_id": 0, "symbol": 1, "timestamp": 1}},
            {"$group": {"_id": "$symbol", "count": {"$sum": 1}, "latest": {"$max": "$timestamp"}}},
            {"$sort": {"_id": ASCENDING}},
        ]
        with _operation("statistics"):
            rows, archived = await asyncio.gather(
                self._database[ANALYSIS_COLLECTION].aggregate(pipeline).to_list(None),
                self._database[ARCHIVE_COLLECTION].count_documents({}, hint="_id_"),
            )
        return StoreStatistics(tuple(SymbolCount(r["_id"], r["count"], r["latest"]) for r in rows), archived)

    async def clear_cache(self) -> int:
        """Remove every cached analysis and return how many there were."""
        with _operation("clear_cache"):
            return (await self._database[ANALYSIS_COLLECTION].delete_many({})).deleted_count

    async def latest_candles(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Candle]:
        """Return at most `limit` newest candles, oldest first."""
        with _operation("latest_candles"):
            cursor = self._database[CANDLE_COLLECTION].find(
                {"symbol": symbol, "timeframe": timeframe.value},
                _CANDLE_FIELDS,
                sort=[("open_time", DESCENDING)],
                limit=limit,
                batch_size=limit,
            )
            rows = await cursor.to_list(limit)
        return [Candle(r["open_time"], r["open"], r["high"], r["low"], r["close"], r["volume"]) for r in reversed(rows)]

    @property
    def _database(self) -> AsyncIOMotorDatabase[Document]:
        if self._client is None:
            raise StorageUnavailable("the mongodb store is not open")
        return self._client[self._database_name]

    async def _set_expiry(self) -> None:
        """Make the TTL index, or bring one that an earlier setting made to today's length."""
        seconds = round(self._cache_retention.total_seconds())
        expiry = IndexModel([("created_at", ASCENDING)], expireAfterSeconds=seconds)
        try:
            await self._database[ANALYSIS_COLLECTION].create_indexes([expiry])
        except OperationFailure as error:
            if error.code != _INDEX_OPTIONS_CONFLICT:
                raise
            await self._database.command(
                {
                    "collMod": ANALYSIS_COLLECTION,
                    "index": {"keyPattern": {"created_at": 1}, "expireAfterSeconds": seconds},
                }
            )


@contextmanager
def _operation(name: str) -> Iterator[None]:
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


def _candle_upserts(symbol: str, candles: CandlesByTimeframe) -> list[UpdateOne]:
    return [
        UpdateOne(
            {"symbol": symbol, "timeframe": timeframe.value, "open_time": c.timestamp},
            {"$set": {"open": c.open, "high": c.high, "low": c.low, "close": c.close, "volume": c.volume}},
            upsert=True,
        )
        for timeframe, series in candles.items()
        for c in series
    ]


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
