"""The embedded store: one SQLite file, written and read by one thread."""

from __future__ import annotations

import asyncio
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from pydantic_core import PydanticSerializationError

from config.settings import WhenDamaged
from domain.analysis import Analysis
from domain.candles.columns import CandleLike
from domain.errors import Unstorable
from domain.market import Candle, Timeframe
from domain.values import EPOCH, epoch_ms
from storage.adapter_ports import Pruned
from storage.decoding import AnalysisDecoder
from storage.ports import (
    NO_CANDLES,
    AnalysisWrite,
    CandleKey,
    CandleReads,
    CandlesByTimeframe,
    StoreStatistics,
    SymbolCount,
)
from storage.pruning import UNBOUNDED, Bounds, Pruning
from storage.sqlite import statements as sql
from storage.sqlite.database import SqliteDatabase
from storage.sqlite.file import BUSY_SECONDS
from storage.sqlite.pruning_queries import SqlitePruningQueries
from storage.sqlite.schema import prepare
from storage.write_groups import MAX_CLOCK_SKEW_MS, merged_candles
from utils.clock import Clock, SystemClock


class SqliteStore(SqliteDatabase, CandleReads):
    """Keeps analyses and candles in one file."""

    _prepare = staticmethod(prepare)

    def __init__(
        self,
        path: str | Path,
        *,
        cache_retention: timedelta = timedelta(hours=24),
        bounds: Bounds = UNBOUNDED,
        when_damaged: WhenDamaged = "refuse",
        busy_seconds: float = BUSY_SECONDS,
        writing: asyncio.Lock | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Remember where the file is; nothing is opened yet.

        Args:
            path, when_damaged, busy_seconds, writing: As those of `SqliteDatabase`.
            cache_retention: How long a cached analysis is kept.
            bounds: How much of archive and candles `prune` leaves.
            clock: Tells when an analysis was cached; the machine's own by default.
        """
        super().__init__(path, when_damaged=when_damaged, busy_seconds=busy_seconds, writing=writing)
        self._cache_retention = cache_retention
        self._clock = clock or SystemClock()
        self._pruning = Pruning(SqlitePruningQueries(self._file), bounds, self._clock)
        self._decoder = AnalysisDecoder(self.kind)

    async def save_analysis(
        self, cache_key: str | None, analysis: Analysis, *, archive: bool, candles: CandlesByTimeframe = NO_CANDLES
    ) -> None:
        """Save everything in one transaction, and drop cached analyses past their retention."""
        await self.save_analyses([AnalysisWrite(cache_key, analysis, archive, candles)])

    async def save_analyses(self, writes: Sequence[AnalysisWrite]) -> None:
        """Save everything in one transaction; none is saved where one is refused."""

        def save(connection: sqlite3.Connection) -> None:
            now_ms = self._now_ms()
            rows = [(_row(write), write.archive) for write in writes if write.cache_key is not None]
            self._purge(connection, now_ms)
            connection.executemany(sql.SAVE_CACHED, ((*row, now_ms) for row, _ in rows))
            connection.executemany(sql.SAVE_ARCHIVED, (row for row, archive in rows if archive))
            for (symbol, timeframe), candles in merged_candles(writes).items():
                _save_candles(connection, symbol, timeframe, candles.values())

        await self._file.write("save_analyses", save)

    async def latest_analysis(self, cache_key: str, not_before: datetime, not_after: datetime) -> Analysis | None:
        """Return the newest cached analysis of the key; times compare in whole milliseconds."""

        def latest(connection: sqlite3.Connection) -> Analysis | None:
            bounds = epoch_ms(not_before), epoch_ms(not_after)
            row = connection.execute(sql.LATEST, (cache_key, *bounds)).fetchone()
            return None if row is None else self._decoder.from_json(row[0])

        return await self._file.read("latest_analysis", latest)

    async def archived_analysis(self, analysis_id: str) -> Analysis | None:
        """Return the analysis of this id from the archive."""

        def find(connection: sqlite3.Connection) -> Analysis | None:
            row = connection.execute(sql.ARCHIVED, (analysis_id,)).fetchone()
            return None if row is None else self._decoder.from_json(row[0])

        return await self._file.read("archived_analysis", find)

    async def newest_archived(self, limit: int) -> list[Analysis]:
        """Return the newest analyses of the archive; one that this version cannot read is left out."""

        def newest(connection: sqlite3.Connection) -> list[Analysis]:
            rows = connection.execute(sql.NEWEST_ARCHIVED, (self._now_ms(), limit)).fetchall()
            return [analysis for (text,) in rows if (analysis := self._decoder.from_json(text))]

        return await self._file.read("newest_archived", newest)

    async def statistics(self) -> StoreStatistics:
        """Count the cache by symbol, without analyses past their retention, and the archive."""

        def count(connection: sqlite3.Connection) -> StoreStatistics:
            self._purge(connection, self._now_ms())
            rows = connection.execute(sql.COUNT_CACHED).fetchall()
            (archived,) = connection.execute(sql.COUNT_ARCHIVED).fetchone()
            symbols = tuple(SymbolCount(symbol, n, EPOCH + timedelta(milliseconds=ms)) for symbol, n, ms in rows)
            return StoreStatistics(symbols, archived)

        return await self._file.write("statistics", count)

    async def clear_cache(self) -> int:
        """Remove every cached analysis and return how many there were."""
        return await self._file.write("clear_cache", lambda connection: connection.execute(sql.CLEAR).rowcount)

    async def latest_candles_of(self, limits: Mapping[CandleKey, int]) -> dict[CandleKey, list[Candle]]:
        """Return the newest candles of each symbol and timeframe, oldest first."""

        def latest(connection: sqlite3.Connection) -> dict[CandleKey, list[Candle]]:
            newest = {
                key: connection.execute(sql.LATEST_CANDLES, (*key, limit)).fetchall() for key, limit in limits.items()
            }
            return {key: [_candle(row) for row in reversed(rows)] for key, rows in newest.items()}

        return await self._file.read("latest_candles", latest)

    async def candle_symbols(self) -> list[str]:
        """Return every symbol that has candles."""

        def symbols(connection: sqlite3.Connection) -> list[str]:
            return [symbol for (symbol,) in connection.execute(sql.CANDLE_SYMBOLS).fetchall()]

        return await self._file.read("candle_symbols", symbols)

    async def save_candles(self, symbol: str, timeframe: Timeframe, candles: Sequence[CandleLike]) -> int:
        """Save candles in one transaction and return how many open times were new."""
        if not candles:
            return 0
        times = [candle.timestamp for candle in candles]
        span = symbol, timeframe, min(times), max(times)

        def save(connection: sqlite3.Connection) -> int:
            (before,) = connection.execute(sql.COUNT_CANDLES, span).fetchone()
            _save_candles(connection, symbol, timeframe, candles)
            (after,) = connection.execute(sql.COUNT_CANDLES, span).fetchone()
            return int(after - before)

        return await self._file.write("save_candles", save)

    async def remove_candles(self, symbol: str, timeframe: Timeframe | None) -> int:
        """Remove the candles of a symbol and return how many there were."""
        return await self._file.write(
            "remove_candles", lambda connection: connection.execute(sql.REMOVE_CANDLES, (symbol, timeframe)).rowcount
        )

    async def prune(self) -> Pruned:
        """Do the next step of keeping archive and candles within their bounds."""
        return await self._pruning.step()

    def _now_ms(self) -> int:
        return epoch_ms(self._clock.now())

    def _purge(self, connection: sqlite3.Connection, now_ms: int) -> None:
        """Drop cached analyses that are past their retention, or that a clock which ran ahead has dated."""
        expired_before = now_ms - self._cache_retention // timedelta(milliseconds=1)
        connection.execute(sql.PURGE, (expired_before, now_ms + MAX_CLOCK_SKEW_MS))


def _row(write: AnalysisWrite) -> tuple[str | None, str, str, int, str]:
    analysis = write.analysis
    try:
        text = analysis.model_dump_json()
    except PydanticSerializationError as error:
        raise Unstorable(f"an analysis has no form as JSON: {type(error).__name__}") from error
    return write.cache_key, analysis.analysis_id, analysis.symbol, epoch_ms(analysis.generated_at), text


def _save_candles(
    connection: sqlite3.Connection, symbol: str, timeframe: Timeframe, candles: Iterable[CandleLike]
) -> None:
    waiting: Iterator[CandleLike] = iter(candles)
    while part := list(islice(waiting, sql.CANDLES_AT_ONCE)):
        values = [value for c in part for value in (c.timestamp, c.open, c.high, c.low, c.close, _volume(c))]
        connection.execute(sql.save_candles(len(part)), (symbol, timeframe, *values))


def _volume(candle: CandleLike) -> float:
    """Return what SQLite, which knows no NaN, keeps of a volume."""
    return sql.UNKNOWN_VOLUME if math.isnan(candle.volume) else candle.volume


def _candle(row: tuple[int, float, float, float, float, float]) -> Candle:
    candle = Candle._make(row)
    return candle._replace(volume=math.nan) if candle.volume == sql.UNKNOWN_VOLUME else candle
