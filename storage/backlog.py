"""Writes that a store could not take yet."""

from __future__ import annotations

from dataclasses import dataclass

from loguru import logger

from domain.analysis import Analysis
from storage.ports import NO_CANDLES, CandlesByTimeframe, Store

MAX_ANALYSES = 1_000
MAX_CANDLES = 100_000


@dataclass(eq=False)
class Write:
    """One analysis to save, with the candles that came with it."""

    cache_key: str
    analysis: Analysis
    archive: bool
    candles: CandlesByTimeframe

    @property
    def cache_only(self) -> bool:
        """Whether nothing of it is to be kept for longer than the cache."""
        return not self.archive and not self.candles

    def count_candles(self) -> int:
        """Return how many candles it has, all timeframes together."""
        return sum(map(len, self.candles.values()))

    async def apply(self, store: Store) -> None:
        """Make the write; twice is no harm."""
        await store.save_analysis(self.cache_key, self.analysis, archive=self.archive, candles=self.candles)


class Backlog:
    """Analyses and candles that wait, in the order they came; when it is full the oldest are dropped and counted.

    Candles go first: an analysis without them still counts, and clients post the same candles again.
    """

    def __init__(self, *, max_analyses: int = MAX_ANALYSES, max_candles: int = MAX_CANDLES) -> None:
        self._max_analyses = max_analyses
        self._max_candles = max_candles
        self._writes: dict[Write, None] = {}
        self._candles = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._writes)

    def keep(self, write: Write) -> None:
        """Let the write wait, unless it is for the cache alone: the cache can do without."""
        if write.cache_only:
            return
        self._writes[write] = None
        self._candles += write.count_candles()
        while self._candles > self._max_candles:
            self._drop_candles(next(old for old in self._writes if old.candles))
        while len(self._writes) > self._max_analyses:
            self._count_drop()
            self.remove(next(iter(self._writes)))

    def oldest(self) -> Write | None:
        """Return the write to make next, which stays here until it is removed."""
        return next(iter(self._writes), None)

    def remove(self, write: Write) -> None:
        """Forget a write that was made; it may have been dropped meanwhile."""
        if write in self._writes:
            del self._writes[write]
            self._candles -= write.count_candles()

    def _drop_candles(self, write: Write) -> None:
        self._count_drop()
        self._candles -= write.count_candles()
        write.candles = NO_CANDLES
        if write.cache_only:
            del self._writes[write]

    def _count_drop(self) -> None:
        if not self.dropped:
            logger.bind(waiting=len(self)).warning("backlog of writes is full; the oldest are dropped from now on")
        self.dropped += 1
