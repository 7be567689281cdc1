"""Writes that a store could not take yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from domain.analysis import Analysis
from domain.market import CandleLike, Timeframe
from storage.ports import Store


@dataclass(frozen=True, eq=False)
class AnalysisWrite:
    """One analysis to save."""

    cache_key: str
    analysis: Analysis
    archive: bool
    size = 1

    async def apply(self, store: Store) -> None:
        """Make the write; twice is no harm."""
        await store.save_analysis(self.cache_key, self.analysis, archive=self.archive)


@dataclass(frozen=True, eq=False)
class CandleWrite:
    """Candles of one symbol and timeframe to save."""

    symbol: str
    timeframe: Timeframe
    candles: Sequence[CandleLike]

    @property
    def size(self) -> int:
        """How many candles."""
        return len(self.candles)

    async def apply(self, store: Store) -> None:
        """Make the write; twice is no harm."""
        await store.save_candles(self.symbol, self.timeframe, self.candles)


W = TypeVar("W", AnalysisWrite, CandleWrite)


class Backlog(Generic[W]):
    """Writes in the order they came; when their sizes exceed the limit, the oldest are dropped and counted."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._writes: dict[W, None] = {}
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._writes)

    def add(self, write: W) -> None:
        """Append a write, at the cost of the oldest when there is no room."""
        self._writes[write] = None
        self._size += write.size
        while self._size > self._limit:
            self.remove(next(iter(self._writes)))
            self.dropped += 1

    def oldest(self) -> W | None:
        """Return the write that has waited longest, which stays in the backlog."""
        return next(iter(self._writes), None)

    def remove(self, write: W) -> None:
        """Forget a write that was made, or was dropped meanwhile."""
        if write in self._writes:
            del self._writes[write]
            self._size -= write.size
