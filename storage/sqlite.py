"""The embedded store: one SQLite file, written and read by one thread of its own."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from domain.analysis import Analysis
from domain.errors import StorageUnavailable
from domain.market import Candle, CandleLike, Timeframe
from storage import sqlite_statements as sql
from storage.decoding import AnalysisDecoder
from storage.ports import NO_CANDLES, CandlesByTimeframe, StoreStatistics, SymbolCount
from utils.clock import Clock, SystemClock, epoch_ms

T = TypeVar("T")

BUSY_SECONDS = 2.0  # how long another process may hold the file before a call fails
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
        self._path = Path(path)
        self._cache_retention = cache_retention
        self._clock = clock or SystemClock()
        self._executor: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None
        self._decoder = AnalysisDecoder(self.kind)

    async def open(self) -> None:
        """Connect, or connect anew, and make the tables.

        Raises:
            StorageUnavailable: the file cannot be opened, or a newer version of the service wrote it.
        """
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        await self._run("open", self._connect)

    async def close(self) -> None:
        """Close the file; later calls raise `StorageUnavailable`."""
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.get_running_loop().run_in_executor(executor, self._disconnect)
            executor.shutdown(wait=False)

    async def ping(self) -> None:
        """Return when the file can be read."""
        await self._run("ping", lambda: self._open_connection.execute("PRAGMA user_version").fetchone())

    async def save_analysis(
        self, cache_key: str, analysis: Analysis, *, archive: bool, candles: CandlesByTimeframe = NO_CANDLES
    ) -> None:
        """Save everything in one transaction, and drop cached analyses past their retention."""

        def save() -> None:
            now_ms = epoch_ms(self._clock.now())
            generated_ms = epoch_ms(analysis.generated_at)
            text = analysis.model_dump_json()
            identity = analysis.analysis_id, analysis.symbol
            with self._open_connection as connection:
                connection.execute(sql.PURGE, (self._expired_before(now_ms),))
                connection.execute(sql.SAVE_CACHED, (cache_key, *identity, generated_ms, now_ms, text))
                if archive:
                    analysis_id, symbol = identity
                    connection.execute(sql.SAVE_ARCHIVED, (analysis_id, cache_key, symbol, generated_ms, text))
                for timeframe, series in candles.items():
                    _save_candles(connection, analysis.symbol, timeframe, series)

        await self._run("save_analysis", save)

    async def latest_analysis(self, cache_key: str, not_before: datetime) -> Analysis | None:
        """Return the newest cached analysis of the key; times compare in whole milliseconds."""

        def latest() -> Analysis | None:
            row = self._open_connection.execute(sql.LATEST, (cache_key, epoch_ms(not_before))).fetchone()
            return None if row is None else self._decoder.from_json(row[0])

        return await self._run("latest_analysis", latest)

    async def statistics(self) -> StoreStatistics:
        """Count the cache by symbol, without what is past its retention, and the archive."""

        def count() -> StoreStatistics:
            with self._open_connection as connection:
                connection.execute(sql.PURGE, (self._expired_before(epoch_ms(self._clock.now())),))
                rows = connection.execute(sql.COUNT_CACHED).fetchall()
                (archived,) = connection.execute(sql.COUNT_ARCHIVED).fetchone()
            symbols = tuple(SymbolCount(symbol, n, EPOCH + timedelta(milliseconds=ms)) for symbol, n, ms in rows)
            return StoreStatistics(symbols, archived)

        return await self._run("statistics", count)

    async def clear_cache(self) -> int:
        """Remove every cached analysis and return how many there were."""

        def clear() -> int:
            with self._open_connection as connection:
                return connection.execute(sql.CLEAR).rowcount

        return await self._run("clear_cache", clear)

    async def latest_candles(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Candle]:
        """Return at most `limit` newest candles, oldest first."""

        def latest() -> list[Candle]:
            rows = self._open_connection.execute(sql.LATEST_CANDLES, (symbol, timeframe, limit)).fetchall()
            return [Candle._make(row) for row in reversed(rows)]

        return await self._run("latest_candles", latest)

    async def _run(self, operation: str, work: Callable[[], T]) -> T:
        """Return what `work` gives on the store's thread, its failures as `StorageUnavailable`."""
        if self._executor is None:
            raise StorageUnavailable("the sqlite store is not open")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        except (sqlite3.Error, OSError, UnicodeError, OverflowError) as error:
            reason = getattr(error, "sqlite_errorname", type(error).__name__)
            raise StorageUnavailable(f"sqlite failed at {operation}: {reason}") from error

    @property
    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StorageUnavailable("the sqlite store is not open")
        return self._connection

    def _connect(self) -> None:
        self._disconnect()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS)
        try:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > sql.SCHEMA_VERSION:
                raise StorageUnavailable(
                    f"the sqlite file has schema version {version}; this service reads up to {sql.SCHEMA_VERSION}"
                )
            connection.execute("PRAGMA journal_mode = WAL")
            # In WAL mode NORMAL loses nothing when the process dies, and the last commits only on a power cut.
            connection.execute("PRAGMA synchronous = NORMAL")
            if version < sql.SCHEMA_VERSION:
                connection.executescript(sql.SCHEMA)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _expired_before(self, now_ms: int) -> int:
        return now_ms - self._cache_retention // timedelta(milliseconds=1)


def _save_candles(
    connection: sqlite3.Connection, symbol: str, timeframe: Timeframe, candles: Sequence[CandleLike]
) -> None:
    for start in range(0, len(candles), sql.CANDLES_AT_ONCE):
        part = candles[start : start + sql.CANDLES_AT_ONCE]
        values = [value for c in part for value in (c.timestamp, c.open, c.high, c.low, c.close, c.volume)]
        connection.execute(sql.save_candles(len(part)), (symbol, timeframe, *values))
