"""The embedded store: one SQLite file, written and read by one thread of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain.analysis import Analysis
from domain.errors import StorageUnavailable
from domain.market import Candle, CandleLike, Timeframe
from storage import sqlite_statements as sql
from storage.decoding import AnalysisDecoder
from storage.ports import NO_CANDLES, ArchivedSignal, CandleLimits, CandlesByTimeframe, StoreStatistics, SymbolCount
from storage.sqlite_file import SqliteFile
from utils.clock import Clock, SystemClock, epoch_ms

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SqliteStore:
    """Keeps analyses and candles in one file.

    Every statement runs on one thread that owns the connection, so a slow disk never holds
    up the event loop and no two writers of this process meet.
    """

    kind = "sqlite"

    def __init__(
        self,
        path: str | Path,
        *,
        cache_retention: timedelta = timedelta(hours=24),
        clock: Clock | None = None,
    ) -> None:
        """Remember where the file is; nothing is opened yet.

        Args:
            path: The database file; missing parent folders are made by `open`.
            cache_retention: How long a cached analysis is kept.
            clock: Tells when an analysis was cached; the machine's own by default.
        """
        self._file = SqliteFile(path, _prepare)
        self._cache_retention = cache_retention
        self._clock = clock or SystemClock()
        self._decoder = AnalysisDecoder(self.kind)

    async def open(self) -> None:
        """Connect, or connect anew, and make the tables.

        Raises:
            StorageUnavailable: the file cannot be opened, or a newer version of the service wrote it.
        """
        await self._file.open()

    async def close(self) -> None:
        """Close the file; later calls raise `StorageUnavailable`."""
        await self._file.close()

    async def ping(self) -> None:
        """Return when the file can be read."""
        await self._file.run("ping", lambda connection: connection.execute("PRAGMA user_version").fetchone())

    async def save_analysis(
        self, cache_key: str, analysis: Analysis, *, archive: bool, candles: CandlesByTimeframe = NO_CANDLES
    ) -> None:
        """Save everything in one transaction, and drop cached analyses past their retention."""

        def save(connection: sqlite3.Connection) -> None:
            now_ms = epoch_ms(self._clock.now())
            generated_ms = epoch_ms(analysis.generated_at)
            text = analysis.model_dump_json()
            identity = analysis.analysis_id, analysis.symbol
            connection.execute(sql.PURGE, (self._expired_before(now_ms),))
            connection.execute(sql.SAVE_CACHED, (cache_key, *identity, generated_ms, now_ms, text))
            if archive:
                analysis_id, symbol = identity
                connection.execute(sql.SAVE_ARCHIVED, (analysis_id, cache_key, symbol, generated_ms, text))
            for timeframe, series in candles.items():
                _save_candles(connection, analysis.symbol, timeframe, series)

        await self._file.run("save_analysis", save)

    async def latest_analysis(self, cache_key: str, not_before: datetime) -> Analysis | None:
        """Return the newest cached analysis of the key; times compare in whole milliseconds."""

        def latest(connection: sqlite3.Connection) -> Analysis | None:
            row = connection.execute(sql.LATEST, (cache_key, epoch_ms(not_before))).fetchone()
            return None if row is None else self._decoder.from_json(row[0])

        return await self._file.run("latest_analysis", latest)

    async def archived_analysis(self, analysis_id: str) -> Analysis | None:
        """Return the analysis of this id from the archive."""

        def find(connection: sqlite3.Connection) -> Analysis | None:
            row = connection.execute(sql.ARCHIVED, (analysis_id,)).fetchone()
            return None if row is None else self._decoder.from_json(row[0])

        return await self._file.run("archived_analysis", find)

    async def newest_archived(self, limit: int) -> list[Analysis]:
        """Return the newest analyses of the archive; one that this version cannot read is left out."""

        def newest(connection: sqlite3.Connection) -> list[Analysis]:
            rows = connection.execute(sql.NEWEST_ARCHIVED, (limit,)).fetchall()
            return [analysis for (text,) in rows if (analysis := self._decoder.from_json(text))]

        return await self._file.run("newest_archived", newest)

    async def archived_signals(self, since: datetime, limit: int) -> list[ArchivedSignal]:
        """Return the newest signals of the archive since then; one that this version cannot read is left out."""

        def signals(connection: sqlite3.Connection) -> list[ArchivedSignal]:
            rows = connection.execute(sql.ARCHIVED_SIGNALS, (epoch_ms(since), limit)).fetchall()
            timed = ((*parts, EPOCH + timedelta(milliseconds=ms)) for *parts, ms in rows)
            return [signal for parts in timed if (signal := self._decoder.signal(*parts))]

        return await self._file.run("archived_signals", signals)

    async def statistics(self) -> StoreStatistics:
        """Count the cache by symbol, without what is past its retention, and the archive."""

        def count(connection: sqlite3.Connection) -> StoreStatistics:
            connection.execute(sql.PURGE, (self._expired_before(epoch_ms(self._clock.now())),))
            rows = connection.execute(sql.COUNT_CACHED).fetchall()
            (archived,) = connection.execute(sql.COUNT_ARCHIVED).fetchone()
            symbols = tuple(SymbolCount(symbol, n, EPOCH + timedelta(milliseconds=ms)) for symbol, n, ms in rows)
            return StoreStatistics(symbols, archived)

        return await self._file.run("statistics", count)

    async def clear_cache(self) -> int:
        """Remove every cached analysis and return how many there were."""
        return await self._file.run("clear_cache", lambda connection: connection.execute(sql.CLEAR).rowcount)

    async def latest_candles(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Candle]:
        """Return at most `limit` newest candles, oldest first."""

        return (await self.latest_candles_by_timeframe(symbol, {timeframe: limit}))[timeframe]

    async def latest_candles_by_timeframe(self, symbol: str, limits: CandleLimits) -> dict[Timeframe, list[Candle]]:
        """Return at most so many newest candles of each timeframe, oldest first."""

        def latest(connection: sqlite3.Connection) -> dict[Timeframe, list[Candle]]:
            found = {
                timeframe: connection.execute(sql.LATEST_CANDLES, (symbol, timeframe, limit)).fetchall()
                for timeframe, limit in limits.items()
            }
            return {timeframe: [Candle._make(row) for row in reversed(rows)] for timeframe, rows in found.items()}

        return await self._file.run("latest_candles", latest)

    async def remove_candles(self, symbol: str, timeframe: Timeframe | None) -> int:
        """Remove the candles of a symbol and return how many there were."""
        return await self._file.run(
            "remove_candles", lambda connection: connection.execute(sql.REMOVE_CANDLES, (symbol, timeframe)).rowcount
        )

    def _expired_before(self, now_ms: int) -> int:
        return now_ms - self._cache_retention // timedelta(milliseconds=1)


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the tables, unless a newer version of the service has made others."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > sql.SCHEMA_VERSION:
        raise StorageUnavailable(
            f"the sqlite file has schema version {version}; this service reads up to {sql.SCHEMA_VERSION}"
        )
    if version < sql.SCHEMA_VERSION:
        connection.executescript(sql.SCHEMA)


def _save_candles(
    connection: sqlite3.Connection, symbol: str, timeframe: Timeframe, candles: Sequence[CandleLike]
) -> None:
    for start in range(0, len(candles), sql.CANDLES_AT_ONCE):
        part = candles[start : start + sql.CANDLES_AT_ONCE]
        values = [value for c in part for value in (c.timestamp, c.open, c.high, c.low, c.close, c.volume)]
        connection.execute(sql.save_candles(len(part)), (symbol, timeframe, *values))
