"""Writes that a store could not take yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from loguru import logger

from domain.analysis import Analysis
from domain.market import CandleLike, Timeframe
from storage.ports import Store

MAX_ANALYSES = 1_000
MAX_CANDLES = 100_000


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


Write = AnalysisWrite | CandleWrite


@dataclass
class _Lane:
    """Writes of one kind in the order they came, none more than the limit in sum of sizes."""

    limit: int
    size: int = 0
    writes: dict[Write, None] = field(default_factory=dict)

    def add(self, write: Write) -> int:
        """Append the write and return how many old ones had to go for it."""
        self.writes[write] = None
        self.size += write.size
        dropped = 0
        while self.size > self.limit:
            self.remove(next(iter(self.writes)))
            dropped += 1
        return dropped

    def remove(self, write: Write) -> None:
        if write in self.writes:
            del self.writes[write]
            self.size -= write.size


class Backlog:
    """Archived analyses and candles that wait; when it is full the oldest are dropped and counted."""

    def __init__(self, *, max_analyses: int = MAX_ANALYSES, max_candles: int = MAX_CANDLES) -> None:
        self._analyses = _Lane(max_analyses)
        self._candles = _Lane(max_candles)
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._analyses.writes) + len(self._candles.writes)

    def keep(self, write: Write) -> None:
        """Let the write wait, unless it is for the cache alone: the cache can do without."""
        if isinstance(write, AnalysisWrite) and not write.archive:
            return
        dropped = self._lane(write).add(write)
        if dropped and not self.dropped:
            logger.bind(waiting=len(self)).warning("backlog of writes is full; the oldest are dropped from now on")
        self.dropped += dropped

    def oldest(self) -> Write | None:
        """Return the write to make next, which stays here until it is removed."""
        return next(iter(self._analyses.writes), None) or next(iter(self._candles.writes), None)

    def remove(self, write: Write) -> None:
        """Forget a write that was made; it may have been dropped meanwhile."""
        self._lane(write).remove(write)

    def _lane(self, write: Write) -> _Lane:
        return self._candles if isinstance(write, CandleWrite) else self._analyses
