"""What a store must do; every adapter passes the suite in `tests/contracts/test_store.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from domain.analysis import Analysis, AnalysisSource
from domain.market import Candle, CandleLike, Timeframe
from domain.values import Signal

ANALYSIS_COLLECTION = "ai_analysis_results"
ARCHIVE_COLLECTION = "analysis_archive"
CANDLE_COLLECTION = "posted_candles"
ENGINE_COLLECTION = "market_data"

CandlesByTimeframe = Mapping[Timeframe, Sequence[CandleLike]]
CandleLimits = Mapping[Timeframe, int]
NO_CANDLES: CandlesByTimeframe = MappingProxyType({})


@dataclass(frozen=True)
class AnalysisWrite:
    """One analysis to save, with the candles that came with it; the arguments of `Store.save_analysis`."""

    cache_key: str
    analysis: Analysis
    archive: bool
    candles: CandlesByTimeframe


@dataclass(frozen=True)
class StoreState:
    """How a store is, with the writes it has not taken yet.

    Attributes:
        available: Whether the last write, or the last read where nothing was written since, succeeded.
        waiting: Writes on their way to the store, those in the spool included.
        spooled: Of these, the writes that a local file keeps and that survive a crash.
        dropped: Writes given up since the start: too many waited, or the store refused what they hold.
        reason: Why it is not available, or why the spool cannot be written; free of host names.
    """

    available: bool
    waiting: int
    spooled: int
    dropped: int
    reason: str | None


@dataclass(frozen=True)
class SymbolCount:
    """Cached analyses of one symbol."""

    symbol: str
    analysis_count: int
    latest_analysis: datetime


@dataclass(frozen=True)
class StoreStatistics:
    """What the store holds: the cache by symbol, and the size of the permanent archive."""

    symbols: tuple[SymbolCount, ...]
    archived_analyses: int

    @property
    def total_analyses(self) -> int:
        """Analyses in the cache, of all symbols."""
        return sum(entry.analysis_count for entry in self.symbols)


@dataclass(frozen=True)
class ArchivedSignal:
    """What of an archived analysis is needed to judge it by what the market did later.

    Attributes:
        forecast: The signal of the model that was asked beside it, if one was.
    """

    symbol: str
    signal: Signal
    source: AnalysisSource
    price: float
    forecast: Signal | None
    generated_at: datetime


@dataclass(frozen=True)
class Pruned:
    """What one step of `Store.prune` removed.

    Attributes:
        complete: Whether the store is within its bounds now.
    """

    analyses: int
    candles: int
    complete: bool


@dataclass(frozen=True)
class CollectionSize:
    """Rows or documents of one collection, with the disk space of them and their indexes, None if it is not known."""

    name: str
    documents: int
    size_bytes: int | None


@dataclass(frozen=True)
class StoreSize:
    """What the database takes on disk; `free_bytes` of it are empty and used again by what comes."""

    collections: tuple[CollectionSize, ...]
    total_bytes: int
    free_bytes: int


class EngineCandles(Protocol):
    """The candles that the trading engine writes beside what is ours; nothing of it is ever written here."""

    async def newest(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Mapping[str, object]]:
        """Return at most `limit` newest rows as the engine wrote them, newest first, each open time once.

        Raises:
            StorageUnavailable: the database does not answer.
        """

    async def close(self) -> None:
        """Release the connection."""


class Store(Protocol):
    """Keeps analyses twice, as cache and as archive, and the closed candles of trusted clients.

    Every method raises `StorageUnavailable` when the store fails or does not answer in time, and those that write
    `Unstorable` when the store refuses what it is given for its content, and would refuse it again.
    """

    @property
    def kind(self) -> str:
        """Short name for people: sqlite or mongodb."""

    async def open(self) -> None:
        """Connect, make tables or indexes, and write as `ping` does; safe to call again after a failure."""

    async def close(self) -> None:
        """Release the connection; what was saved stays."""

    async def ping(self) -> None:
        """Return when the store has taken a small write: one on a full disk still answers what it is asked."""

    async def save_analysis(
        self, cache_key: str, analysis: Analysis, *, archive: bool, candles: CandlesByTimeframe = NO_CANDLES
    ) -> None:
        """Cache the analysis under the key, with `archive` keep it until `prune` removes it, and keep the candles.

        The candles are closed ones of the analysis' symbol that everybody may read; those of
        the same timeframe and open time are replaced. Where the store has transactions all is
        saved in one, and saving it again after a failure is no harm anywhere.
        """

    async def save_analyses(self, writes: Sequence[AnalysisWrite]) -> None:
        """Save each as `save_analysis` does, in the given order and with as few round trips as the store allows.

        After `StorageUnavailable` and `Unstorable` any of them may be saved or not; saving them again is no harm.
        """

    async def latest_analysis(self, cache_key: str, not_before: datetime, not_after: datetime) -> Analysis | None:
        """Return the newest cached analysis of the key generated from `not_before` to `not_after`.

        Of those of one millisecond it is the last saved. A clock that ran ahead may have dated some later than
        `not_after`; they do not hide an older one.
        """

    async def archived_analysis(self, analysis_id: str) -> Analysis | None:
        """Return the analysis of this id from the archive."""

    async def newest_archived(self, limit: int) -> list[Analysis]:
        """Return at most `limit` (1 or more) analyses from the archive, the newest generated first.

        Of those of one millisecond the last saved comes first. Those dated later than now, by a clock that ran
        ahead, are left out until then, here and in `archived_signals`; `archived_analysis` finds them.
        """

    async def archived_signals(self, since: datetime, limit: int) -> list[ArchivedSignal]:
        """Return the signals of at most `limit` archived analyses generated at or after `since`, the newest first."""

    async def statistics(self) -> StoreStatistics:
        """Count what is cached, symbol by symbol in alphabetical order, and what is archived."""

    async def clear_cache(self) -> int:
        """Remove every cached analysis, return how many; the archive and the candles stay."""

    async def latest_candles(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Candle]:
        """Return at most `limit` (1 or more) newest candles, oldest first, each open time once."""

    async def latest_candles_by_timeframe(self, symbol: str, limits: CandleLimits) -> dict[Timeframe, list[Candle]]:
        """Return of each timeframe what `latest_candles` does with its limit, in one go."""

    async def remove_candles(self, symbol: str, timeframe: Timeframe | None) -> int:
        """Remove the candles of a symbol, of one timeframe or all, and return how many there were."""

    async def prune(self) -> Pruned:
        """Remove a part of what is too old or too much, in some milliseconds; call again until `complete`.

        By age it never removes more than the time that has passed: a clock that jumps ahead empties no archive.
        """


class StoreMaintenance(Protocol):
    """What an operator does with the database of a store, while the service runs or not.

    Both raise `StorageUnavailable` as the store does.
    """

    async def size(self) -> StoreSize:
        """Measure every collection of the service's, in alphabetical order."""

    async def vacuum(self) -> None:
        """Give empty space in the database back to the disk, which may take minutes."""
