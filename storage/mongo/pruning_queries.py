"""The calls that pruning makes on a MongoDB database."""

from __future__ import annotations

from datetime import datetime

from pymongo import ASCENDING

from domain.market import Timeframe
from storage.mongo.connection import Document, MongoConnection, operation
from storage.ports import ARCHIVE_COLLECTION, CANDLE_COLLECTION
from storage.pruning import SeriesSize


class MongoPruningQueries:
    """Archive and candles of one database; several replicas may prune it at once."""

    def __init__(self, connection: MongoConnection) -> None:
        """Use the connection of the store."""
        self._connection = connection

    async def drop_archived(self, before: datetime, limit: int) -> int:
        """Remove the oldest analyses generated before a moment; return how many there were."""
        with operation("prune"):
            collection = self._connection.database[ARCHIVE_COLLECTION]
            oldest = collection.find(
                {"timestamp": {"$lt": before}}, {"_id": 1}, sort=[("timestamp", ASCENDING)], limit=limit
            )
            ids = [row["_id"] for row in await oldest.to_list(limit)]
            return (await collection.delete_many({"_id": {"$in": ids}})).deleted_count if ids else 0

    async def candle_symbols(self) -> list[str]:
        """Return every symbol that has candles; each is one look into the index."""
        with operation("prune"):
            symbols: list[str] = await self._connection.database[CANDLE_COLLECTION].distinct("symbol")
        return symbols

    async def candle_series(self, symbol: str) -> list[SeriesSize]:
        """Return the series of a symbol, counted in the index alone."""
        pipeline: list[Document] = [
            {"$match": {"symbol": {"$eq": symbol}}},
            {"$project": {"_id": 0, "timeframe": 1, "open_time": 1}},
            {"$group": {"_id": "$timeframe", "candles": {"$sum": 1}, "newest": {"$max": "$open_time"}}},
        ]
        with operation("prune"):
            rows = await self._connection.database[CANDLE_COLLECTION].aggregate(pipeline).to_list(None)
        return [SeriesSize(symbol, Timeframe(row["_id"]), row["candles"], row["newest"]) for row in rows]

    async def drop_oldest_candles(self, series: SeriesSize, count: int) -> None:
        """Remove the oldest candles of a series."""
        of_series: Document = {"symbol": {"$eq": series.symbol}, "timeframe": series.timeframe.value}
        with operation("prune"):
            collection = self._connection.database[CANDLE_COLLECTION]
            last = collection.find(
                of_series, {"_id": 0, "open_time": 1}, sort=[("open_time", ASCENDING)], skip=count - 1, limit=1
            )
            for row in await last.to_list(1):
                await collection.delete_many({**of_series, "open_time": {"$lte": row["open_time"]}})
