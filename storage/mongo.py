"""The MongoDB store; motor and pymongo, which its modules alone import, cost 48 MB."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta

from pymongo import ASCENDING, DESCENDING, IndexModel, UpdateOne, WriteConcern
from pymongo.errors import OperationFailure

from domain.analysis import Analysis
from domain.market import Candle, Timeframe
from storage.decoding import AnalysisDecoder
from storage.mongo_connection import Document, MongoConnection, operation
from storage.ports import (
    ANALYSIS_COLLECTION,
    ARCHIVE_COLLECTION,
    CANDLE_COLLECTION,
    NO_CANDLES,
    ArchivedSignal,
    CandleLimits,
    CandlesByTimeframe,
    StoreStatistics,
    SymbolCount,
)
from utils.clock import Clock, SystemClock

_INDEX_OPTIONS_CONFLICT = 85
_BY_SYMBOL = IndexModel([("symbol", ASCENDING), ("timestamp", DESCENDING)])
_BY_KEY = IndexModel([("cache_key", ASCENDING), ("timestamp", DESCENDING), ("_id", DESCENDING)])
_ARCHIVE_IDENTITY = IndexModel([("analysis_id", ASCENDING)], unique=True)
_ARCHIVE_NEWEST = IndexModel([("timestamp", DESCENDING), ("_id", DESCENDING)])
_CANDLE_IDENTITY = IndexModel([("symbol", ASCENDING), ("timeframe", ASCENDING), ("open_time", DESCENDING)], unique=True)
_SIGNAL_FIELDS = {"_id": 0, "symbol": 1, "timestamp": 1} | {
    f"analysis.{name}": 1 for name in ("signal", "source", "price", "forecast.signal")
}
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
        self._connection = MongoConnection(url)
        self._cache_retention = cache_retention
        self._clock = clock or SystemClock()
        self._decoder = AnalysisDecoder(self.kind)

    async def open(self) -> None:
        """Connect and make the indexes; the client reconnects by itself, so a second call keeps it.

        Raises:
            StorageUnavailable: no server answers, or it refuses the login or an index.
        """
        with operation("open"):
            await self._connection.open()
            database = self._connection.database
            await asyncio.gather(
                database[ANALYSIS_COLLECTION].create_indexes([_BY_SYMBOL, _BY_KEY]),
                database[ARCHIVE_COLLECTION].create_indexes([_ARCHIVE_IDENTITY, _ARCHIVE_NEWEST]),
                database[CANDLE_COLLECTION].create_indexes([_CANDLE_IDENTITY]),
            )
            await self._set_expiry()

    async def close(self) -> None:
        """Close the connections; later calls raise `StorageUnavailable`."""
        self._connection.close()

    async def ping(self) -> None:
        """Return when the server answers."""
        with operation("ping"):
            await self._connection.database.command("ping")

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
        with operation("save_analysis"):
            writes: list[Awaitable[object]] = [
                self._connection.database[ANALYSIS_COLLECTION].replace_one(identity, document, upsert=True)
            ]
            if archive:
                # Acknowledged once it is in the journal: a server that dies then has it still.
                collection = self._connection.database.get_collection(
                    ARCHIVE_COLLECTION, write_concern=WriteConcern(j=True)
                )
                archived = document | {"analysis_id": analysis.analysis_id}
                writes.append(collection.replace_one({"analysis_id": analysis.analysis_id}, archived, upsert=True))
            if upserts := _candle_upserts(analysis.symbol, candles):  # MongoDB refuses an empty bulk write
                writes.append(self._connection.database[CANDLE_COLLECTION].bulk_write(upserts, ordered=False))
            await asyncio.gather(*writes)

    async def latest_analysis(self, cache_key: str, not_before: datetime) -> Analysis | None:
        """Return the newest cached analysis of the key; times compare in whole milliseconds."""
        with operation("latest_analysis"):
            document = await self._connection.database[ANALYSIS_COLLECTION].find_one(
                {"cache_key": cache_key, "timestamp": {"$gte": not_before}},
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
                {}, {"_id": 0, "analysis": 1}, sort=[("timestamp", DESCENDING), ("_id", DESCENDING)], limit=limit
            )
            rows = await cursor.to_list(limit)
        return [analysis for row in rows if (analysis := self._decoder.from_document(row.get("analysis")))]

    async def archived_signals(self, since: datetime, limit: int) -> list[ArchivedSignal]:
        """Return the newest signals of the archive since then; one that this version cannot read is left out."""
        with operation("archived_signals"):
            cursor = self._connection.database[ARCHIVE_COLLECTION].find(
                {"timestamp": {"$gte": since}},
                _SIGNAL_FIELDS,
                sort=[("timestamp", DESCENDING), ("_id", DESCENDING)],
                limit=limit,
            )
            rows = await cursor.to_list(limit)
        return [signal for row in rows if (signal := self._signal(row))]

    async def statistics(self) -> StoreStatistics:
        """Count the cache by symbol, and the archive; the server may take a minute to drop what expired."""
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

    async def latest_candles(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Candle]:
        """Return at most `limit` newest candles, oldest first."""
        with operation("latest_candles"):
            cursor = self._connection.database[CANDLE_COLLECTION].find(
                {"symbol": symbol, "timeframe": timeframe.value},
                _CANDLE_FIELDS,
                sort=[("open_time", DESCENDING)],
                limit=limit,
                batch_size=limit,
            )
            rows = await cursor.to_list(limit)
        return [Candle(r["open_time"], r["open"], r["high"], r["low"], r["close"], r["volume"]) for r in reversed(rows)]

    async def latest_candles_by_timeframe(self, symbol: str, limits: CandleLimits) -> dict[Timeframe, list[Candle]]:
        """Return at most so many newest candles of each timeframe, oldest first."""
        found = await asyncio.gather(*(self.latest_candles(symbol, *limit) for limit in limits.items()))
        return dict(zip(limits, found, strict=True))

    async def remove_candles(self, symbol: str, timeframe: Timeframe | None) -> int:
        """Remove the candles of a symbol and return how many there were."""
        of_timeframe = {} if timeframe is None else {"timeframe": timeframe.value}
        with operation("remove_candles"):
            collection = self._connection.database[CANDLE_COLLECTION]
            return (await collection.delete_many({"symbol": symbol, **of_timeframe})).deleted_count

    def _signal(self, row: Document) -> ArchivedSignal | None:
        kept = row["analysis"]
        forecast = (kept.get("forecast") or {}).get("signal")
        return self._decoder.signal(
            row["symbol"], kept.get("signal"), kept.get("source"), kept.get("price"), forecast, row["timestamp"]
        )

    async def _set_expiry(self) -> None:
        """Make the TTL index, or bring one that an earlier setting made to today's length."""
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
