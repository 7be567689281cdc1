"""The store in MongoDB; its modules alone import motor and pymongo, which take 48 MB."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import OperationFailure

from domain.analysis import Analysis
from domain.candles.columns import CandleLike
from domain.market import Candle, Timeframe
from storage.adapter_ports import Pruned
from storage.decoding import AnalysisDecoder
from storage.mongo.connection import Document, operation
from storage.mongo.database import MongoDatabase, make_indexes
from storage.mongo.pruning_queries import MongoPruningQueries
from storage.mongo.writes import CANDLE_FIELDS, MongoWrites
from storage.ports import (
    ANALYSIS_COLLECTION,
    ARCHIVE_COLLECTION,
    CANDLE_COLLECTION,
    NO_CANDLES,
    AnalysisWrite,
    CandleKey,
    CandleReads,
    CandlesByTimeframe,
    StoreStatistics,
    SymbolCount,
)
from storage.pruning import UNBOUNDED, Bounds, Pruning
from utils.clock import Clock, SystemClock

_INDEX_OPTIONS_CONFLICT = 85
_INDEX_NOT_FOUND = 27
# `_id` decides between documents of earlier releases, which have no sequence.
_NEWEST_FIRST = [("timestamp", DESCENDING), ("sequence", DESCENDING), ("_id", DESCENDING)]
_BY_SYMBOL = IndexModel([("symbol", ASCENDING), ("timestamp", DESCENDING)])
_BY_KEY = IndexModel([("cache_key", ASCENDING), ("timestamp", DESCENDING), ("_id", DESCENDING)])
_ARCHIVE_IDENTITY = IndexModel([("analysis_id", ASCENDING)], unique=True)
_ARCHIVE_NEWEST = IndexModel(_NEWEST_FIRST)
_ARCHIVE_NEWEST_BEFORE_SEQUENCES = "timestamp_-1__id_-1"
_CANDLE_IDENTITY = IndexModel([("symbol", ASCENDING), ("timeframe", ASCENDING), ("open_time", DESCENDING)], unique=True)


class MongoStore(MongoDatabase, CandleReads):
    """Keeps analyses and candles in the database that the URL names."""

    opening = "open"

    def __init__(
        self,
        url: str,
        *,
        cache_retention: timedelta = timedelta(hours=24),
        bounds: Bounds = UNBOUNDED,
        clock: Clock | None = None,
    ) -> None:
        """Check the URL; nothing is connected yet.

        Args:
            url: mongodb:// or mongodb+srv:// with the database as its path.
            cache_retention: How long a cached analysis is kept, in whole seconds.
            bounds: How much of archive and candles `prune` leaves.
            clock: Tells when an analysis was cached; the machine's own by default.

        Raises:
            ConfigurationError: the URL is malformed or names no database.
        """
        super().__init__(url)
        self._cache_retention = cache_retention
        self._clock = clock or SystemClock()
        self._decoder = AnalysisDecoder(self.kind)
        self._writes = MongoWrites(self._connection)
        self._pruning = Pruning(MongoPruningQueries(self._connection), bounds, self._clock)

    async def _prepare(self) -> None:
        database = self._connection.database
        await asyncio.gather(
            database[ANALYSIS_COLLECTION].create_indexes([_BY_SYMBOL, _BY_KEY]),
            make_indexes(database[ARCHIVE_COLLECTION], [_ARCHIVE_IDENTITY, _ARCHIVE_NEWEST], "analysis_id"),
            make_indexes(database[CANDLE_COLLECTION], [_CANDLE_IDENTITY], "symbol, timeframe and open_time"),
        )
        await self._drop_former_index()
        await self._set_expiry()

    async def save_analysis(
        self, cache_key: str | None, analysis: Analysis, *, archive: bool, candles: CandlesByTimeframe = NO_CANDLES
    ) -> None:
        """Save everything at the same time; saving it again changes nothing."""
        await self.save_analyses([AnalysisWrite(cache_key, analysis, archive, candles)])

    async def save_analyses(self, writes: Sequence[AnalysisWrite]) -> None:
        """Save everything in bulk; where one is refused the others are saved."""
        with operation("save_analyses"):
            await self._writes.save(writes, self._clock.now())

    async def latest_analysis(self, cache_key: str, not_before: datetime, not_after: datetime) -> Analysis | None:
        """Return the newest cached analysis of the key; times compare in whole milliseconds."""
        with operation("latest_analysis"):
            document = await self._connection.database[ANALYSIS_COLLECTION].find_one(
                {"cache_key": cache_key, "timestamp": {"$gte": not_before, "$lte": not_after}},
                {"_id": 0, "analysis": 1},
                sort=[("timestamp", DESCENDING), ("_id", DESCENDING)],
            )
        return None if document is None else self._decoder.from_document(document.get("analysis"))

    async def archived_analysis(self, analysis_id: str) -> Analysis | None:
        """Return the analysis of this id from the archive."""
        with operation("archived_analysis"):
            document = await self._connection.database[ARCHIVE_COLLECTION].find_one(
                {"analysis_id": {"$eq": analysis_id}}, {"_id": 0, "analysis": 1}
            )
        return None if document is None else self._decoder.from_document(document.get("analysis"))

    async def newest_archived(self, limit: int) -> list[Analysis]:
        """Return the newest analyses of the archive; one that this version cannot read is left out."""
        with operation("newest_archived"):
            cursor = self._connection.database[ARCHIVE_COLLECTION].find(
                {"timestamp": {"$lte": self._clock.now()}}, {"_id": 0, "analysis": 1}, sort=_NEWEST_FIRST, limit=limit
            )
            rows = await cursor.to_list(limit)
        return [analysis for row in rows if (analysis := self._decoder.from_document(row.get("analysis")))]

    async def statistics(self) -> StoreStatistics:
        """Count the cache by symbol, and the archive; the server may take a minute to drop expired analyses."""
        pipeline: list[Document] = [
            # With the index's order and fields alone the server reads the index and no document.
            {"$sort": {"symbol": ASCENDING, "timestamp": DESCENDING}},
            {"$project": {"_id": 0, "symbol": 1, "timestamp": 1}},
            {"$group": {"_id": "$symbol", "count": {"$sum": 1}, "latest": {"$max": "$timestamp"}}},
            {"$sort": {"_id": ASCENDING}},
        ]
        with operation("statistics"):
            rows, archived = await asyncio.gather(
                self._connection.database[ANALYSIS_COLLECTION].aggregate(pipeline).to_list(None),
                self._connection.database[ARCHIVE_COLLECTION].count_documents({}, hint="_id_"),
            )
        return StoreStatistics(tuple(SymbolCount(r["_id"], r["count"], r["latest"]) for r in rows), archived)

    async def clear_cache(self) -> int:
        """Remove every cached analysis and return how many there were."""
        with operation("clear_cache"):
            return (await self._connection.database[ANALYSIS_COLLECTION].delete_many({})).deleted_count

    async def latest_candles_of(self, limits: Mapping[CandleKey, int]) -> dict[CandleKey, list[Candle]]:
        """Return the newest candles of each symbol and timeframe, oldest first."""
        candles = await asyncio.gather(*(self._newest(*key, limit) for key, limit in limits.items()))
        return dict(zip(limits, candles, strict=True))

    async def candle_symbols(self) -> list[str]:
        """Return every symbol that has candles."""
        with operation("candle_symbols"):
            symbols: list[str] = await self._connection.database[CANDLE_COLLECTION].distinct("symbol")
        return symbols

    async def save_candles(self, symbol: str, timeframe: Timeframe, candles: Sequence[CandleLike]) -> int:
        """Save candles in bulk and return how many open times were new."""
        if not candles:
            return 0
        by_time = {candle.timestamp: candle for candle in candles}
        with operation("save_candles"):
            return await self._writes.save_candles({(symbol, timeframe): by_time})

    async def remove_candles(self, symbol: str, timeframe: Timeframe | None) -> int:
        """Remove the candles of a symbol and return how many there were."""
        of_timeframe = {} if timeframe is None else {"timeframe": timeframe.value}
        with operation("remove_candles"):
            collection = self._connection.database[CANDLE_COLLECTION]
            return (await collection.delete_many({"symbol": symbol, **of_timeframe})).deleted_count

    async def prune(self) -> Pruned:
        """Do the next step of keeping archive and candles within their bounds."""
        return await self._pruning.step()

    async def _newest(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Candle]:
        with operation("latest_candles"):
            cursor = self._connection.database[CANDLE_COLLECTION].find(
                {"symbol": symbol, "timeframe": timeframe.value},
                CANDLE_FIELDS,
                sort=[("open_time", DESCENDING)],
                limit=limit,
                batch_size=limit,
            )
            rows = await cursor.to_list(limit)
        return [Candle(r["open_time"], r["open"], r["high"], r["low"], r["close"], r["volume"]) for r in reversed(rows)]

    async def _drop_former_index(self) -> None:
        try:
            await self._connection.database[ARCHIVE_COLLECTION].drop_index(_ARCHIVE_NEWEST_BEFORE_SEQUENCES)
        except OperationFailure as error:
            if error.code != _INDEX_NOT_FOUND:
                raise

    async def _set_expiry(self) -> None:
        """Make the TTL index, or give an existing one the retention of the settings."""
        seconds = round(self._cache_retention.total_seconds())
        expiry = IndexModel([("created_at", ASCENDING)], expireAfterSeconds=seconds)
        try:
            await self._connection.database[ANALYSIS_COLLECTION].create_indexes([expiry])
        except OperationFailure as error:
            if error.code != _INDEX_OPTIONS_CONFLICT:
                raise
            await self._connection.database.command(
                {
                    "collMod": ANALYSIS_COLLECTION,
                    "index": {"keyPattern": {"created_at": 1}, "expireAfterSeconds": seconds},
                }
            )
