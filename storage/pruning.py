"""Keeps archive and posted candles within their bounds, a small step at a time."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from domain.market import Timeframe
from domain.values import epoch_ms
from storage.adapter_ports import Pruned
from utils.clock import Clock

# One statement removes these in a few milliseconds, during which the store does nothing else.
ROWS_AT_ONCE = 1_000


@dataclass(frozen=True)
class Bounds:
    """How much is kept.

    Attributes:
        archive: Age at which an archived analysis is removed.
        candles_per_series: Newest candles kept of a symbol and timeframe.
        max_candles: Of all series together; beyond it the series that has missed the most candles loses its oldest.
    """

    archive: timedelta
    candles_per_series: int
    max_candles: int


# Bounds that nothing exceeds, for a store that is not pruned.
UNBOUNDED = Bounds(timedelta(days=36_500), candles_per_series=sys.maxsize, max_candles=sys.maxsize)


class UnhurriedClock:
    """Tells the time, but none later than its start and the seconds since then: no jump ahead makes data old."""

    def __init__(self, clock: Clock, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Start now.

        Args:
            clock: Tells the time.
            monotonic: Seconds that never jump.
        """
        self._clock = clock
        self._monotonic = monotonic
        self._started = clock.now(), monotonic()

    def now(self) -> datetime:
        """Return the aware UTC time."""
        moment, second = self._started
        return min(self._clock.now(), moment + timedelta(seconds=self._monotonic() - second))


class SeriesSize(NamedTuple):
    """How many candles of a symbol and timeframe are kept, and when the newest opened, epoch milliseconds."""

    symbol: str
    timeframe: Timeframe
    candles: int
    newest_ms: int


class PruningQueries(Protocol):
    """The short calls of a database that pruning is made of; each raises `StorageUnavailable`."""

    async def drop_archived(self, before: datetime, limit: int) -> int:
        """Remove at most `limit` of the oldest analyses generated before a moment; return how many there were."""

    async def candle_symbols(self) -> list[str]:
        """Return every symbol that has candles."""

    async def candle_series(self, symbol: str) -> list[SeriesSize]:
        """Return the series of a symbol."""

    async def drop_oldest_candles(self, series: SeriesSize, count: int) -> None:
        """Remove the oldest `count` candles of a series."""


class Pruning:
    """Removes what exceeds the bounds, pass after pass, one step for each call."""

    def __init__(self, queries: PruningQueries, bounds: Bounds, clock: Clock) -> None:
        """Keep the parts; nothing is read yet.

        Args:
            queries: Of the database.
            bounds: How much is kept.
            clock: Tells the age of an analysis.
        """
        self._queries = queries
        self._bounds = bounds
        self._clock = clock
        self._unhurried = UnhurriedClock(clock)
        self._steps: AsyncIterator[Pruned] | None = None
        self._stepping = asyncio.Lock()

    async def step(self) -> Pruned:
        """Do the next step and return what it removed; a step that fails is the last of its pass.

        Raises:
            StorageUnavailable: the database failed.
        """
        async with self._stepping:
            steps = self._steps or self._pass()
            self._steps = None  # until it is known whether another follows
            done = await anext(steps)
            if not done.complete:
                self._steps = steps
            return done

    async def _pass(self) -> AsyncIterator[Pruned]:
        before = self._unhurried.now() - self._bounds.archive
        while dropped := await self._queries.drop_archived(before, ROWS_AT_ONCE):
            yield Pruned(dropped, 0, complete=False)
        kept: list[SeriesSize] = []
        for symbol in await self._queries.candle_symbols():
            for series in await self._queries.candle_series(symbol):
                async for dropped in self._drop(series, series.candles - self._bounds.candles_per_series):
                    yield Pruned(0, dropped, complete=False)
                kept.append(series._replace(candles=min(series.candles, self._bounds.candles_per_series)))
            yield Pruned(0, 0, complete=False)
        excess = sum(series.candles for series in kept) - self._bounds.max_candles
        now_ms = epoch_ms(self._clock.now())
        kept.sort(key=lambda series: (now_ms - series.newest_ms) / series.timeframe.ms, reverse=True)
        for series in kept:
            if excess <= 0:
                break
            async for dropped in self._drop(series, min(series.candles, excess)):
                yield Pruned(0, dropped, complete=False)
            excess -= series.candles
        yield Pruned(0, 0, complete=True)

    async def _drop(self, series: SeriesSize, count: int) -> AsyncIterator[int]:
        while count > 0:
            part = min(count, ROWS_AT_ONCE)
            await self._queries.drop_oldest_candles(series, part)
            yield part
            count -= part
