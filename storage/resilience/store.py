"""A store that keeps callers waiting milliseconds at most for a slow database, and loses no write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from domain.analysis import Analysis
from domain.candles.columns import CandleLike
from domain.errors import StorageUnavailable
from domain.market import Candle, Timeframe
from storage.adapter_ports import Pruned, Store
from storage.ports import (
    NO_CANDLES,
    AnalysisWrite,
    CandleKey,
    CandleLimits,
    CandlesByTimeframe,
    StoreStatistics,
)
from storage.resilience.analysis_writes import ANALYSES
from storage.resilience.backlog import Backlog
from storage.resilience.pace import Pace
from storage.resilience.resilient import Resilient
from storage.resilience.spool import Spool
from storage.resilience.store_calls import StoreCalls

# In memory at most; beyond it the oldest writes are dropped.
MAX_WAITING = 1_000
MAX_WAITING_CANDLES = 100_000

T = TypeVar("T")


class ResilientStore(Resilient[AnalysisWrite]):
    """A store that answers reads within `timeout_ms`, perhaps with nothing, takes writes at once, and reconnects.

    A late read goes on in the background, and its own outcome tells whether the store works. While it does not, reads
    return at once, and archived analyses and candles wait in the spool.
    """

    def __init__(
        self,
        store: Store,
        *,
        timeout_ms: int,
        pace: Pace,
        spool: Spool | None = None,
    ) -> None:
        """Wrap a store that is not opened yet.

        Args:
            store: Raises `StorageUnavailable` when it fails.
            timeout_ms: How long a read may keep its caller that can do without its result.
            pace: Of the writes, and of reads that cannot be answered without the store (`candle_seconds`,
                `query_seconds`).
            spool: Where writes wait while the store is down; None: in memory.
        """
        super().__init__(
            store,
            self._save,
            items=ANALYSES,
            backlog=Backlog(ANALYSES, max_items=MAX_WAITING, max_weight=MAX_WAITING_CANDLES),
            spool=spool,
            pace=pace,
            subject="store",
            consequence="requests do without it",
        )
        self._store = store
        self._timeout_seconds = timeout_ms / 1000
        self._calls = StoreCalls(store.kind, self._availability, pace.call_seconds)

    @property
    def available(self) -> bool:
        """Whether the store worked when it was last tried."""
        return self._availability.available

    async def close(self) -> None:
        """Make the waiting writes, or leave them in the spool, and close the store; late reads are given up."""
        await self._calls.close()
        await super().close()

    async def ping(self) -> None:
        """Return when the store answers.

        Raises:
            StorageUnavailable: it is down, or has not answered within 2 s.
        """
        await self._query("ping", lambda store: store.ping())

    async def save_analysis(
        self, cache_key: str | None, analysis: Analysis, *, archive: bool, candles: CandlesByTimeframe = NO_CANDLES
    ) -> None:
        """Take the analysis and the candles and return; one for the cache alone is tried once."""
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
            StorageUnavailable: it is down, has not answered within 2 s, or may not have taken the analysis yet.
        """
        analysis = await self._query("archived_analysis", lambda store: store.archived_analysis(analysis_id))
        if analysis is None:
            self._known_missing(analysis_id)
        return analysis

    async def newest_archived(self, limit: int) -> list[Analysis]:
        """Return the newest analyses of the archive; raises as `ping` does."""
        return await self._query("newest_archived", lambda store: store.newest_archived(limit))

    async def statistics(self) -> StoreStatistics:
        """Count cache and archive; raises as `ping` does."""
        return await self._query("statistics", lambda store: store.statistics())

    async def clear_cache(self) -> int:
        """Remove every cached analysis and return how many there were.

        Raises:
            StorageUnavailable: it is down, still at it after 2 s, or at earlier writes that would bring analyses back.
        """
        return await self._undo("clear_cache", lambda store: store.clear_cache())

    async def latest_candles(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Candle]:
        """Return the newest candles, oldest first; raises as `latest_candles_of` does."""
        return (await self.latest_candles_of({(symbol, timeframe): limit}))[symbol, timeframe]

    async def latest_candles_of(self, limits: Mapping[CandleKey, int]) -> dict[CandleKey, list[Candle]]:
        """Return the newest candles of each symbol and timeframe, oldest first.

        Raises:
            StorageUnavailable: it is down, or has not answered within 0.5 s; an empty list means that there are none.
        """

        async def latest(store: Store) -> dict[CandleKey, list[Candle]]:
            if self._queue.any(lambda write: any((write.analysis.symbol, part) in limits for part in write.candles)):
                await self.flush()
            return await store.latest_candles_of(limits)

        return await self._within(self._pace.candle_seconds, "latest_candles", latest)

    async def candle_history(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Candle]:
        """Return the newest candles, oldest first, to a caller that can wait for thousands.

        Raises:
            StorageUnavailable: it is down, or has not answered within 2 s.
        """
        return await self._query("candle_history", lambda store: store.latest_candles(symbol, timeframe, limit))

    async def latest_candles_by_timeframe(self, symbol: str, limits: CandleLimits) -> dict[Timeframe, list[Candle]]:
        """Return the newest candles of each timeframe; none also when the store does not answer in time."""
        nothing: dict[Timeframe, list[Candle]] = {timeframe: [] for timeframe in limits}
        return await self._read("latest_candles", nothing, lambda s: s.latest_candles_by_timeframe(symbol, limits))

    async def candle_symbols(self) -> list[str]:
        """Return every symbol that has candles; raises as `candle_history` does."""
        return await self._query("candle_symbols", lambda store: store.candle_symbols())

    async def save_candles(self, symbol: str, timeframe: Timeframe, candles: Sequence[CandleLike]) -> int:
        """Save candles now, after the writes that wait, and return how many were new; raises as `candle_history`."""
        return await self._query("save_candles", lambda store: store.save_candles(symbol, timeframe, candles))

    async def remove_candles(self, symbol: str, timeframe: Timeframe | None) -> int:
        """Remove the candles of a symbol; raises as `clear_cache` does."""
        return await self._undo("remove_candles", lambda store: store.remove_candles(symbol, timeframe))

    async def prune(self) -> Pruned:
        """Remove a part of the rows beyond the bounds; raises as `newest_archived` does."""
        return await self._query("prune", lambda store: store.prune())

    async def _read(self, operation: str, nothing: T, call: Callable[[Store], Awaitable[T]]) -> T:
        if not self.available or self._calls.late:
            self._calls.skip(operation)
            return nothing
        try:
            return await self._calls.within(self._timeout_seconds, operation, lambda: call(self._store))
        except (StorageUnavailable, TimeoutError):
            return nothing  # logged where the store is taken for down

    async def _query(self, operation: str, call: Callable[[Store], Awaitable[T]]) -> T:
        if self.available:
            await self.flush()
        return await self._within(self._pace.query_seconds, operation, call)

    async def _within(self, seconds: float, operation: str, call: Callable[[Store], Awaitable[T]]) -> T:
        """Return the result of a call that needs the store; raises StorageUnavailable where there is none."""
        if self.available:
            with suppress(TimeoutError):
                return await self._calls.within(seconds, operation, lambda: call(self._store))
        raise self._calls.unavailable()

    async def _undo(self, operation: str, call: Callable[[Store], Awaitable[T]]) -> T:
        """Return the result of a call that takes back what was written; an earlier write under way would undo it."""
        if not await self.flush():
            raise self._calls.unavailable()
        return await self._query(operation, call)

    async def _save(self, writes: Sequence[AnalysisWrite]) -> None:
        with self._calls.counted("save_analyses"):
            await self._store.save_analyses(writes)
