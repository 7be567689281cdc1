"""Keeps a store that is slow or down from costing a request more than milliseconds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from loguru import logger

from domain.analysis import Analysis
from domain.errors import StorageUnavailable
from domain.market import Candle, Timeframe
from storage.ports import (
    NO_CANDLES,
    AnalysisWrite,
    ArchivedSignal,
    CandleLimits,
    CandlesByTimeframe,
    Pruned,
    Store,
    StoreState,
    StoreStatistics,
)
from storage.resilience.analysis_writes import FORM, count_candles, without_candles
from storage.resilience.backlog import Backlog
from storage.resilience.late_calls import LateCalls
from storage.resilience.pace import Pace
from storage.resilience.recovery import Availability, bounded, describe
from storage.resilience.spool import Spool
from storage.resilience.spool_queue import SpoolQueue
from storage.resilience.write_behind import WriteBehind
from utils import metrics
from utils.clock import Clock, SystemClock

T = TypeVar("T")

# A healthy MongoDB takes a tenth of it; one that is not there delays the start by no more.
OPEN_SECONDS = 0.5
# Statistics and clearing cannot be answered without the store, and are worth waiting for.
QUERY_SECONDS = 2.0
# Of a reader, for the writes before it.
FLUSH_SECONDS = 1.0
# In memory, where no spool takes them.
MAX_ANALYSES = 1_000
MAX_CANDLES = 100_000


class ResilientStore:
    """A store that answers reads in `timeout_ms`, with nothing if need be, takes writes at once, and heals by itself.

    A late read goes on in the background, and its own outcome tells whether the store works. While it does not, reads
    return at once, and archived analyses and candles wait in the spool.
    """

    def __init__(
        self, store: Store, *, timeout_ms: int, pace: Pace, spool: Spool | None = None, clock: Clock | None = None
    ) -> None:
        """Wrap a store that is not opened yet.

        Args:
            store: Raises `StorageUnavailable` when it fails.
            timeout_ms: How long a read may keep its caller.
            pace: Of the writes.
            spool: Where writes wait while the store is down; None: in memory.
            clock: Dates a failure; the machine's own by default.
        """
        self._store = store
        self._timeout_seconds = timeout_ms / 1000
        self._pace = pace
        self._availability = Availability(store.kind, "store", "requests do without it", clock or SystemClock())
        self._queue = Backlog(
            max_items=MAX_ANALYSES, max_weight=MAX_CANDLES, weigh=count_candles, lighten=without_candles
        )
        self._behind = WriteBehind(
            self._save,
            form=FORM,
            backlog=self._queue,
            spool=SpoolQueue(spool, FORM, retry_seconds=pace.retry_seconds),
            availability=self._availability,
            connect=store.open,
            ping=store.ping,
            pace=pace,
        )
        self._calls = LateCalls()

    @property
    def kind(self) -> str:
        """Short name of the store within."""
        return self._store.kind

    @property
    def available(self) -> bool:
        """Whether the store worked when it was last tried."""
        return self._availability.available

    @property
    def state(self) -> StoreState:
        """How the store is, and what it has not taken yet."""
        return self._behind.state

    async def open(self) -> None:
        """Start to open the store and to write; one that cannot be reached is no error."""
        await self._behind.start(OPEN_SECONDS)

    async def close(self) -> None:
        """Write what waits, or leave it in the spool, and close the store."""
        await self._calls.close()
        await self._behind.close()
        try:
            await bounded(self._store.close(), self._pace.close_seconds)
        except (StorageUnavailable, TimeoutError) as error:
            logger.bind(store=self.kind, reason=describe(error)).warning("store did not close")

    async def flush(self) -> None:
        """Return when the store has what was saved before, or fails, but soon."""
        await self._behind.flush(FLUSH_SECONDS)

    async def ping(self) -> None:
        """Return when the store answers.

        Raises:
            StorageUnavailable: it is down, or has not answered within 2 s.
        """
        await self._query("ping", lambda store: store.ping())

    async def save_analysis(
        self, cache_key: str, analysis: Analysis, *, archive: bool, candles: CandlesByTimeframe = NO_CANDLES
    ) -> None:
        """Take the analysis and the candles to be written in a moment; what is for the cache alone has one try."""
        self._behind.put(AnalysisWrite(cache_key, analysis, archive, candles))

    async def save_analyses(self, writes: Sequence[AnalysisWrite]) -> None:
        """Take all of them as `save_analysis` does."""
        for write in writes:
            self._behind.put(write)

    async def latest_analysis(self, cache_key: str, not_before: datetime, not_after: datetime) -> Analysis | None:
        """Return the newest cached analysis; None also when the store does not answer in time."""
        return await self._read(
            "latest_analysis", None, lambda store: store.latest_analysis(cache_key, not_before, not_after)
        )

    async def archived_analysis(self, analysis_id: str) -> Analysis | None:
        """Return the analysis of this id from the archive.

        Raises:
            StorageUnavailable: it is down, or has not answered within 2 s.
        """
        return await self._query("archived_analysis", lambda store: store.archived_analysis(analysis_id))

    async def newest_archived(self, limit: int) -> list[Analysis]:
        """Return the newest analyses of the archive; raises as `ping` does."""
        return await self._query("newest_archived", lambda store: store.newest_archived(limit))

    async def archived_signals(self, since: datetime, limit: int) -> list[ArchivedSignal]:
        """Return the newest signals of the archive; raises as `newest_archived` does."""
        return await self._query("archived_signals", lambda store: store.archived_signals(since, limit))

    async def statistics(self) -> StoreStatistics:
        """Return what the store holds; raises as `ping` does."""
        return await self._query("statistics", lambda store: store.statistics())

    async def clear_cache(self) -> int:
        """Remove every cached analysis and return how many there were.

        Raises:
            StorageUnavailable: it is down, or still at it after 2 s.
        """
        return await self._query("clear_cache", lambda store: store.clear_cache())

    async def latest_candles(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Candle]:
        """Return the newest candles, oldest first; none also when the store does not answer in time."""

        async def latest(store: Store) -> list[Candle]:
            if self._queue.any(lambda write: write.analysis.symbol == symbol and timeframe in write.candles):
                await self.flush()
            return await store.latest_candles(symbol, timeframe, limit)

        nothing: list[Candle] = []
        return await self._read("latest_candles", nothing, latest)

    async def candle_history(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Candle]:
        """Return the newest candles, oldest first, to somebody who can wait for thousands.

        Raises:
            StorageUnavailable: it is down, or has not answered within 2 s.
        """
        return await self._query("candle_history", lambda store: store.latest_candles(symbol, timeframe, limit))

    async def latest_candles_by_timeframe(self, symbol: str, limits: CandleLimits) -> dict[Timeframe, list[Candle]]:
        """Return the newest candles of each timeframe; none also when the store does not answer in time."""
        nothing: dict[Timeframe, list[Candle]] = {timeframe: [] for timeframe in limits}
        return await self._read("latest_candles", nothing, lambda s: s.latest_candles_by_timeframe(symbol, limits))

    async def remove_candles(self, symbol: str, timeframe: Timeframe | None) -> int:
        """Remove the candles of a symbol; raises as `clear_cache` does."""
        return await self._query("remove_candles", lambda store: store.remove_candles(symbol, timeframe))

    async def prune(self) -> Pruned:
        """Remove a part of what is past its retention; raises as `newest_archived` does."""
        return await self._query("prune", lambda store: store.prune())

    async def _read(self, operation: str, nothing: T, call: Callable[[Store], Awaitable[T]]) -> T:
        if not self.available or self._calls:
            self._count(operation, "skipped")
            return nothing
        try:
            return await self._calls.within(self._timeout_seconds, self._call(operation, call))
        except (StorageUnavailable, TimeoutError):
            return nothing  # logged where the store is taken for down

    async def _query(self, operation: str, call: Callable[[Store], Awaitable[T]]) -> T:
        if self.available:
            await self.flush()
            with suppress(TimeoutError):
                return await self._calls.within(QUERY_SECONDS, self._call(operation, call))
        raise self._unavailable()

    async def _save(self, writes: Sequence[AnalysisWrite]) -> None:
        try:
            await self._store.save_analyses(writes)
        except StorageUnavailable:
            self._count("save_analyses", "failed")
            raise
        self._count("save_analyses", "ok")

    async def _call(self, operation: str, call: Callable[[Store], Awaitable[T]]) -> T:
        failures = self._availability.failures
        try:
            result = await bounded(call(self._store), self._pace.call_seconds)
        except (StorageUnavailable, TimeoutError) as error:
            self._count(operation, "failed")
            self._availability.broke(error, failures)
            raise self._unavailable() from error
        self._count(operation, "ok")
        return result

    def _count(self, operation: str, outcome: str) -> None:
        metrics.STORE_OPERATIONS.labels(self.kind, operation, outcome).inc()

    def _unavailable(self) -> StorageUnavailable:
        return StorageUnavailable(f"the {self.kind} store is not available now")
