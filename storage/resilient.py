"""Keeps a store that is slow or down from costing a request more than milliseconds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

from loguru import logger

from domain.analysis import Analysis
from domain.errors import StorageUnavailable
from domain.market import Candle, Timeframe
from storage.backlog import Write
from storage.ports import NO_CANDLES, ArchivedSignal, CandleLimits, CandlesByTimeframe, Store, StoreStatistics
from storage.recovery import Recovery, bounded, describe
from utils import metrics

T = TypeVar("T")

# A healthy MongoDB takes a tenth of it; one that is not there delays the start by no more.
OPEN_SECONDS = 0.5
# Statistics and clearing cannot be answered without the store, and are worth waiting for.
QUERY_SECONDS = 2.0
CLOSE_SECONDS = 0.8
# More late calls than this, and the store is no longer given new ones.
MAX_OVERDUE = 256


class ResilientStore:
    """A store that answers in `timeout_ms`, with nothing if need be, and heals by itself.

    A late call goes on in the background, and its own outcome tells whether the store works.
    While it does not, calls return at once, and archived analyses and candles wait in a
    bounded backlog.
    """

    def __init__(self, store: Store, *, timeout_ms: int, retry_seconds: float) -> None:
        """Wrap a store that is not opened yet.

        Args:
            store: Raises `StorageUnavailable` when it fails.
            timeout_ms: How long a read or write may keep its caller.
            retry_seconds: Pause between two checks of the store.
        """
        self._store = store
        self._timeout_seconds = timeout_ms / 1000
        self._recovery = Recovery(store, retry_seconds)
        self._under_way: set[asyncio.Task[Any]] = set()
        self._overdue: set[asyncio.Task[Any]] = set()

    @property
    def kind(self) -> str:
        """Short name of the store within."""
        return self._store.kind

    @property
    def available(self) -> bool:
        """Whether the store worked when it was last tried."""
        return self._recovery.available

    async def open(self) -> None:
        """Start to open the store and to look after it; one that cannot be reached is no error."""
        await self._recovery.start(OPEN_SECONDS)

    async def close(self) -> None:
        """Wait briefly for writes under way, then close the store; writes that are lost are logged."""
        await self._recovery.stop()
        log = logger.bind(store=self.kind)
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                if self._under_way:
                    await asyncio.wait(self._under_way)
                await self._recovery.replay()
        except (StorageUnavailable, TimeoutError) as error:
            log.bind(reason=describe(error)).warning("store could not finish its writes")
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        if self._recovery.waiting:
            log.bind(writes=self._recovery.waiting).error("writes are lost with the shutdown")
        try:
            await bounded(self._store.close())
        except (StorageUnavailable, TimeoutError) as error:
            log.bind(reason=describe(error)).warning("store did not close")

    async def ping(self) -> None:
        """Return when the store answers.

        Raises:
            StorageUnavailable: it is down, or has not answered within 2 s.
        """
        await self._query("ping", lambda store: store.ping())

    async def save_analysis(
        self, cache_key: str, analysis: Analysis, *, archive: bool, candles: CandlesByTimeframe = NO_CANDLES
    ) -> None:
        """Save the analysis and the candles, later if it must be; what is for the cache alone has one try."""
        await self._write("save_analysis", Write(cache_key, analysis, archive, candles))

    async def latest_analysis(self, cache_key: str, not_before: datetime) -> Analysis | None:
        """Return the newest cached analysis; None also when the store does not answer in time."""
        return await self._read("latest_analysis", None, lambda store: store.latest_analysis(cache_key, not_before))

    async def archived_analysis(self, analysis_id: str) -> Analysis | None:
        """Return the analysis of this id from the archive.

        Raises:
            StorageUnavailable: it is down, or has not answered within 2 s.
        """
        return await self._query("archived_analysis", lambda store: store.archived_analysis(analysis_id))

    async def newest_archived(self, limit: int) -> list[Analysis]:
        """Return the newest analyses of the archive.

        Raises:
            StorageUnavailable: it is down, or has not answered within 2 s.
        """
        return await self._query("newest_archived", lambda store: store.newest_archived(limit))

    async def archived_signals(self, since: datetime, limit: int) -> list[ArchivedSignal]:
        """Return the newest signals of the archive; raises as `newest_archived` does."""
        return await self._query("archived_signals", lambda store: store.archived_signals(since, limit))

    async def statistics(self) -> StoreStatistics:
        """Return what the store holds.

        Raises:
            StorageUnavailable: it is down, or has not answered within 2 s.
        """
        return await self._query("statistics", lambda store: store.statistics())

    async def clear_cache(self) -> int:
        """Remove every cached analysis and return how many there were.

        Raises:
            StorageUnavailable: it is down, or still at it after 2 s.
        """
        return await self._query("clear_cache", lambda store: store.clear_cache())

    async def latest_candles(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Candle]:
        """Return the newest candles, oldest first; none also when the store does not answer in time."""
        nothing: list[Candle] = []
        return await self._read("latest_candles", nothing, lambda store: store.latest_candles(symbol, timeframe, limit))

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

    async def _read(self, operation: str, nothing: T, call: Callable[[Store], Awaitable[T]]) -> T:
        if not self.available or self._overdue:  # where one caller waited in vain, the next need not
            self._count(operation, "skipped")
            return nothing
        task = self._start(operation, call)
        if not await self._in_time(task, self._timeout_seconds):
            return nothing
        try:
            return task.result()
        except StorageUnavailable:
            return nothing  # logged by the recovery

    async def _write(self, operation: str, write: Write) -> None:
        if not self.available or len(self._overdue) >= MAX_OVERDUE:
            self._count(operation, "skipped")
            self._keep(write)
            return
        task = self._start(operation, write.apply, write)
        if await self._in_time(task, 0 if self._overdue else self._timeout_seconds):
            with suppress(StorageUnavailable):  # logged by the recovery; the write is in the backlog
                task.result()

    async def _query(self, operation: str, call: Callable[[Store], Awaitable[T]]) -> T:
        if self.available:
            task = self._start(operation, call)
            if await self._in_time(task, QUERY_SECONDS):
                return task.result()
        raise self._unavailable()

    def _start(
        self, operation: str, call: Callable[[Store], Awaitable[T]], write: Write | None = None
    ) -> asyncio.Task[T]:
        """Start a call as a task of its own, which a caller who gives up does not stop."""
        task = asyncio.create_task(self._call(operation, call, write), name=f"store {operation}")
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return task

    async def _in_time(self, task: asyncio.Task[Any], seconds: float) -> bool:
        """Return whether the task ended in time; else it goes on, and nobody waits for it."""
        try:
            await asyncio.wait({task}, timeout=seconds)
        finally:
            if not task.done():
                self._overdue.add(task)
        return task.done()

    async def _call(self, operation: str, call: Callable[[Store], Awaitable[T]], write: Write | None) -> T:
        failures = self._recovery.failures
        try:
            result = await bounded(call(self._store))
        except (StorageUnavailable, TimeoutError) as error:
            self._count(operation, "failed")
            if self._recovery.report_failure(error, failures):
                self._give_up_late_calls()
            self._keep(write)
            raise self._unavailable() from error
        except asyncio.CancelledError:
            self._keep(write)
            raise
        self._count(operation, "ok")
        return result

    def _give_up_late_calls(self) -> None:
        """Let the writes among them wait with the others: here they would only keep the driver busy."""
        for task in self._overdue - {asyncio.current_task()}:
            task.cancel()

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        error = None if task.cancelled() else task.exception()
        if task in self._overdue:
            self._overdue.discard(task)
            if error is not None and not isinstance(error, StorageUnavailable):
                logger.opt(exception=error).error("store call failed unexpectedly")  # no caller is left to hear it

    def _keep(self, write: Write | None) -> None:
        if write is not None:
            self._recovery.keep(write)

    def _count(self, operation: str, outcome: str) -> None:
        metrics.STORE_OPERATIONS.labels(self.kind, operation, outcome).inc()

    def _unavailable(self) -> StorageUnavailable:
        return StorageUnavailable(f"the {self.kind} store is not available now")
