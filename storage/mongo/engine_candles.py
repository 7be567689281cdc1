"""The candles that the trading engine writes into the same MongoDB database."""

from __future__ import annotations

from collections.abc import Mapping

from pymongo import DESCENDING

from domain.market import Timeframe
from storage.mongo.connection import MongoConnection, operation
from storage.ports import ENGINE_COLLECTION

_FIELDS = {
    "_id": 0,
    "open_time": 1,
    "open_price": 1,
    "high_price": 1,
    "low_price": 1,
    "close_price": 1,
    "volume": 1,
}
# Of two rows with one open time the later written counts.
_NEWEST_FIRST = [("open_time", DESCENDING), ("_id", DESCENDING)]
# The engine writes a row each time a candle changes: the rows that are read per candle, in three attempts.
_ROWS_PER_CANDLE = (4, 32, 256)


class MongoEngineCandles:
    """Reads `market_data`; writes nothing there and makes no index."""

    def __init__(self, url: str) -> None:
        """Check the URL; nothing is connected yet.

        Raises:
            ConfigurationError: the URL is malformed or names no database.
        """
        self._connection = MongoConnection(url)
        self._opened = False

    async def newest(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Mapping[str, object]]:
        """Return at most `limit` newest rows, newest first, each open time once."""
        found: dict[object, Mapping[str, object]] = {}
        with operation("engine_candles"):
            if not self._opened:
                await self._connection.open()
                self._opened = True
            collection = self._connection.database[ENGINE_COLLECTION]
            for rows_per_candle in _ROWS_PER_CANDLE:
                asked = limit * rows_per_candle
                cursor = collection.find(
                    {"symbol": symbol, "timeframe": timeframe.value}, _FIELDS, sort=_NEWEST_FIRST, limit=asked
                )
                rows = await cursor.to_list(asked)
                found = {}
                for row in rows:
                    found.setdefault(row.get("open_time"), row)
                if len(found) >= limit or len(rows) < asked:
                    break
        return list(found.values())[:limit]

    async def close(self) -> None:
        """Close the connections; later calls raise `StorageUnavailable`."""
        self._connection.close()
