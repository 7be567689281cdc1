"""The calls that pruning makes on a SQLite file."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from domain.market import Timeframe
from domain.values import epoch_ms
from storage.pruning import SeriesSize
from storage.sqlite import statements as sql
from storage.sqlite.file import SqliteFile


class SqlitePruningQueries:
    """Archive and candles of one file; every call is one transaction."""

    def __init__(self, file: SqliteFile) -> None:
        """Use the file that the store has open."""
        self._file = file

    async def drop_archived(self, before: datetime, limit: int) -> int:
        """Remove the oldest analyses generated before a moment; return how many there were."""
        values = epoch_ms(before), limit

        def drop(connection: sqlite3.Connection) -> int:
            return connection.execute(sql.DROP_ARCHIVED, values).rowcount

        return await self._file.write("prune", drop)

    async def candle_symbols(self) -> list[str]:
        """Return every symbol that has candles."""

        def symbols(connection: sqlite3.Connection) -> list[str]:
            return [symbol for (symbol,) in connection.execute(sql.CANDLE_SYMBOLS).fetchall()]

        return await self._file.read("prune", symbols)

    async def candle_series(self, symbol: str) -> list[SeriesSize]:
        """Return the series of a symbol."""

        def series(connection: sqlite3.Connection) -> list[SeriesSize]:
            rows = connection.execute(sql.CANDLE_SERIES, (symbol,)).fetchall()
            return [SeriesSize(symbol, Timeframe(timeframe), count, newest) for timeframe, count, newest in rows]

        return await self._file.read("prune", series)

    async def drop_oldest_candles(self, series: SeriesSize, count: int) -> None:
        """Remove the oldest candles of a series."""
        values = series.symbol, series.timeframe, count
        await self._file.write("prune", lambda connection: connection.execute(sql.DROP_OLDEST_CANDLES, values))
