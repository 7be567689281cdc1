"""Keeps a store that is slow or down from costing a request more than milliseconds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Literal, TypeVar

from loguru import logger

from domain.analysis import Analysis
from domain.errors import StorageUnavailable
from domain.market import Candle, CandleLike, Timeframe
from storage.backlog import AnalysisWrite, Backlog, CandleWrite
from storage.ports import Store, StoreStatistics
from utils import metrics

T = TypeVar("T")
Write = AnalysisWrite | CandleWrite

# A healthy MongoDB takes a tenth of it; one that is not there delays the start by no more.
OPEN_SECONDS = 0.5
# Statistics and clearing cannot be answered without the store, and are worth waiting for.
QUERY_SECONDS = 2.0
# Longer than the time-outs of every driver: only a call that would hang for ever is cut.
CALL_SECONDS = 5.0
CLOSE_SECONDS = 0.8
MAX_OVERDUE = 256
MAX_ANALYSES = 1_000
MAX_CANDLES = 100_000
REPLAY_TRIES = 3


class ResilientStore:
    """A store that answers in `timeout_ms`, with nothing if need be, and heals by itself.

    A call that is late goes on in the background, and its own outcome tells whether the
    store works. While it does not, calls return at once; archived analyses and candles wait
    in a bounded backlog and are saved when the store is back. They are saved before it
    counts as available, so they never overwrite what came later.
    """

    def __init__(self, store: Store, *, timeout_ms: int, retry_seconds: float) -> None:
        """Wrap a store that is not opened yet.

        Args:
            store: Raises `StorageUnavailable` when it fails, and only then.
            timeout_ms: How long a read or write may keep its caller.
            retry_seconds: Pause between two checks of the store.
        """
        self._store = store
        self._timeout_seconds = timeout_ms / 1000
        self._retry_seconds = retry_seconds
        self._state: Literal["new", "up", "down"] = "new"
        self._breaks = 0
        self._analyses: Backlog[AnalysisWrite] = Backlog(MAX_ANALYSES)
        self._candles: Backlog[CandleWrite] = Backlog(MAX_CANDLES)
        self._under_way: set[asyncio.Task[Any]] = set()
        self._overdue: set[asyncio.Task[Any]] = set()
        self._wake = asyncio.Event()
        self._attempted = asyncio.Event()
        self._tending: asyncio.Task[None] | None = None

    @property
    def kind(self) -> str:
        """Short name of the store within."""
        return self._store.kind

    @property
    def available(self) -> bool:
        """Whether the store worked when it was last tried."""
        return self._state == "up"

    async def open(self) -> None:
        """Start to open the store and to look after it; one that cannot be reached is no error."""
        if self._tending is None:
            self._tending = asyncio.create_task(self._tend(), name="store check")
        with suppress(TimeoutError):
            async with asyncio.timeout(OPEN_SECONDS):
                await self._attempted.wait()

    async def close(self) -> None:
        """Wait briefly for writes under way and close the store; what could not be saved is logged."""
        if self._tending is not None:
            self._tending.cancel()
            await asyncio.wait({self._tending})
            self._tending = None
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                if self._under_way:
                    await asyncio.wait(self._under_way)
                if self._waiting:
                    await self._replay()
        except (StorageUnavailable, TimeoutError) as error:
            logger.bind(store=self.kind, reason=_reason(error)).warning("store did not finish before it was closed")
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        if self._waiting:
            logger.bind(store=self.kind, writes=self._waiting).error("writes are lost: the store never took them")
        self._state = "new"
        self._attempted.clear()
        try:
            await asyncio.wait_for(self._store.close(), QUERY_SECONDS)
        except (StorageUnavailable, TimeoutError) as error:
            logger.bind(store=self.kind, reason=_reason(error)).warning("store did not close")

    async def ping(self) -> None:
        """Return when the store answers.

        Raises:
            StorageUnavailable: it is down, or has not answered within 2 s.
        """
        await self._query("ping", lambda store: store.ping())

    async def save_analysis(self, cache_key: str, analysis: Analysis, *, archive: bool) -> None:
        """Save the analysis, later if it must be; without `archive` it is only worth trying."""
        await self._write("save_analysis", AnalysisWrite(cache_key, analysis, archive))

    async def latest_analysis(self, cache_key: str, not_before: datetime) -> Analysis | None:
        """Return the newest cached analysis; None also when the store does not answer in time."""
        return await self._read("latest_analysis", None, lambda store: store.latest_analysis(cache_key, not_before))

    async def statistics(self) -> StoreStatistics:
        """Return what the store holds.

        Raises:
            StorageUnavailable: it is down, or has not answered within 2 s.
        """
        return await self._query("statistics", lambda store: store.statistics())

    async def clear_cache(self) -> int:
        """Remove every cached analysis and return how many there were.

        Raises:
            StorageUnavailable: it is down, or has not answered within 2 s and goes on clearing.
        """
        return await self._query("clear_cache", lambda store: store.clear_cache())

    async def save_candles(self, symbol: str, timeframe: Timeframe, candles: Sequence[CandleLike]) -> None:
        """Save the candles, later if it must be."""
        if candles:
            await self._write("save_candles", CandleWrite(symbol, timeframe, tuple(candles)))

    async def latest_candles(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Candle]:
        """Return the newest candles, oldest first; none also when the store does not answer in time."""
        nothing: list[Candle] = []
        return await self._read(
            "latest_candles", nothing, lambda store: store.latest_candles(symbol, timeframe, limit)
        )

    async def _read(self, operation: str, nothing: T, call: Callable[[Store], Awaitable[T]]) -> T:
        if not self.available or self._overdue:
            self._count(operation, "skipped")  # while one caller waited in vain, the next need not
            return nothing
        task = self._start(operation, call)
        if not await self._in_time(task, self._timeout_seconds):
            return nothing
        try:
            return task.result()
        except StorageUnavailable:
            return nothing  # logged by `_break`

    async def _write(self, operation: str, write: Write) -> None:
        if not self.available or len(self._overdue) >= MAX_OVERDUE:
            self._count(operation, "skipped")
            self._keep(write)
            return
        patience = 0 if self._overdue else self._timeout_seconds
        task = self._start(operation, write.apply, write)
        if await self._in_time(task, patience):
            with suppress(StorageUnavailable):  # logged by `_break`, and the write is in the backlog
                task.result()

    async def _query(self, operation: str, call: Callable[[Store], Awaitable[T]]) -> T:
        if self.available:
            task = self._start(operation, call)
            if await self._in_time(task, QUERY_SECONDS):
                return task.result()
        raise StorageUnavailable(f"the {self.kind} store is not available now")

    async def _in_time(self, task: asyncio.Task[Any], seconds: float) -> bool:
        """Return whether the task ended in time; else it goes on, and nobody waits for it."""
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            self._overdue.add(task)
        return task.done()

    def _start(self, operation: str, call: Callable[[Store], Awaitable[T]], write: Write | None = None) -> asyncio.Task[T]:
        """Start a call as a task of its own: a caller who gives up or is cancelled does not stop it."""
        task = asyncio.create_task(self._call(operation, call, write), name=f"store {operation}")
        self._under_way.add(task)
        task.add_done_callback(self._ended)
        return task

    async def _call(self, operation: str, call: Callable[[Store], Awaitable[T]], write: Write | None) -> T:
        breaks = self._breaks
        try:
            result = await _bounded(call(self._store))
        except (StorageUnavailable, TimeoutError) as error:
            self._count(operation, "failed")
            if breaks == self._breaks:  # else it began before the store broke and healed again
                self._break(operation, error)
            if write is not None:
                self._keep(write)
            raise StorageUnavailable(f"the {self.kind} store is not available now") from error
        except asyncio.CancelledError:
            if write is not None:
                self._keep(write)
            raise
        self._count(operation, "ok")
        return result

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        error = None if task.cancelled() else task.exception()
        if task in self._overdue:
            self._overdue.discard(task)
            if error is not None and not isinstance(error, StorageUnavailable):
                logger.opt(exception=error).error("store call failed unexpectedly")  # nobody waits to hear it

    def _keep(self, write: Write) -> None:
        """Put a write that must not be lost into the backlog."""
        dropped = self._dropped
        if isinstance(write, CandleWrite):
            self._candles.add(write)
        elif write.archive:
            self._analyses.add(write)
        if self._dropped and not dropped:
            logger.bind(store=self.kind).warning("backlog of writes is full; the oldest are dropped from here on")
        if self.available:
            self._wake.set()

    @property
    def _waiting(self) -> int:
        return len(self._analyses) + len(self._candles)

    @property
    def _dropped(self) -> int:
        return self._analyses.dropped + self._candles.dropped

    async def _tend(self) -> None:
        """Check the store every `retry_seconds` and at once after a failure, and heal it."""
        while True:
            try:
                if self.available:
                    await self._check()
                if not self.available or self._waiting:
                    await self._heal()
            except Exception:
                # A fault of ours: without this loop the store would stay down until a restart.
                logger.exception("store check failed unexpectedly")
            self._attempted.set()
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._retry_seconds):
                    await self._wake.wait()
