"""The ports of the services to a store: analyses as cache and as archive, and candles; one port for each.

A store is all three (`storage/adapter_ports.py`) and passes the suite in `tests/contracts/test_store.py`. Every method
raises `StorageUnavailable` when the store fails or does not answer in time, and those that write `Unstorable` when it
refuses the content, and would refuse it again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from domain.analysis import Analysis
from domain.candles.columns import CandleLike
from domain.market import Candle, Timeframe

ANALYSIS_COLLECTION = "ai_analysis_results"
ARCHIVE_COLLECTION = "analysis_archive"
CANDLE_COLLECTION = "posted_candles"
ENGINE_COLLECTION = "market_data"

CandlesByTimeframe = Mapping[Timeframe, Sequence[CandleLike]]
CandleLimits = Mapping[Timeframe, int]
# A symbol, and the timeframe of its candles.
CandleKey = tuple[str, Timeframe]
NO_CANDLES: CandlesByTimeframe = MappingProxyType({})


@dataclass(frozen=True)
class AnalysisWrite:
    """One analysis to save, with the candles that came with it; the arguments of `AnalysisCache.save_analysis`."""

    cache_key: str | None
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
        dropped: Writes given up since the start: too many waited, or the store refused their content.
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


class AnalysisCache(Protocol):
    """Keeps an analysis under the key of the query that it answers."""

    @property
    def kind(self) -> str:
        """Short name for people: sqlite or mongodb."""

    async def save_analysis(
        self, cache_key: str | None, analysis: Analysis, *, archive: bool, candles: CandlesByTimeframe = NO_CANDLES
    ) -> None:
        """Cache the analysis under the key, with `archive` keep it until it is pruned, and keep the candles.

        Without a key the candles alone are kept: neither cache nor archive gets the analysis.
        The candles are closed ones of the analysis' symbol that every caller may read; those of the same timeframe and
        open time are replaced. Where the database has transactions all is saved in one; saving it again after a failure
        changes nothing.
        """

    async def save_analyses(self, writes: Sequence[AnalysisWrite]) -> None:
        """Save each as `save_analysis` does, in the given order and with as few round trips as the database allows.

        After `StorageUnavailable` and `Unstorable` any of them may be saved or not; save them again.
        """

    async def latest_analysis(self, cache_key: str, not_before: datetime, not_after: datetime) -> Analysis | None:
        """Return the newest cached analysis of the key generated from `not_before` to `not_after`.

        Of those of one millisecond it is the last saved. One that a clock which ran ahead dated later than `not_after`
        does not hide an older one.
        """

    async def statistics(self) -> StoreStatistics:
        """Count the cached analyses by symbol, in alphabetical order, and the archived ones."""

    async def clear_cache(self) -> int:
        """Remove every cached analysis, return how many; the archive and the candles stay."""


class SignalArchive(Protocol):
    """Gives the archived analyses."""

    async def archived_analysis(self, analysis_id: str) -> Analysis | None:
        """Return the analysis of this id from the archive."""

    async def newest_archived(self, limit: int) -> list[Analysis]:
        """Return at most `limit` (1 or more) analyses from the archive, the newest generated first.

        Of those of one millisecond the last saved comes first. Those dated later than now, by a clock that ran ahead,
        are left out until then; `archived_analysis` finds them.
        """


class CandleStore(Protocol):
    """Gives the closed candles that clients posted, jobs downloaded or files brought, oldest first, each time once.

    A store that guards requests (`storage/resilience/store.py`) waits a moment only for the `latest_` ones, and answers
    `latest_candles_by_timeframe` without candles where the database does not answer at once.
    """

    async def latest_candles(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Candle]:
        """Return at most `limit` (1 or more) newest candles.

        Raises:
            StorageUnavailable: the store is down or does not answer in time.
        """

    async def latest_candles_of(self, limits: Mapping[CandleKey, int]) -> dict[CandleKey, list[Candle]]:
        """Return what `latest_candles` does for several symbols and timeframes, with one call; raises as it does."""

    async def latest_candles_by_timeframe(self, symbol: str, limits: CandleLimits) -> dict[Timeframe, list[Candle]]:
        """Return at most as many newest candles of each timeframe as its limit says, with one call."""

    async def candle_history(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Candle]:
        """Return at most `limit` (1 or more) newest candles, for a caller that needs them and can wait for thousands.

        Raises:
            StorageUnavailable: the store is down or does not answer in time; always rather than no candles.
        """

    async def candle_symbols(self) -> list[str]:
        """Return every symbol that has candles.

        Raises:
            StorageUnavailable: the store is down or does not answer in time; always rather than no symbols.
        """

    async def remove_candles(self, symbol: str, timeframe: Timeframe | None) -> int:
        """Remove the candles of a symbol, of one timeframe or all, and return how many there were."""


class CandleReads(ABC):
    """The reads of a `CandleStore` all of whose callers wait alike: each of them by one."""

    @abstractmethod
    async def latest_candles_of(self, limits: Mapping[CandleKey, int]) -> dict[CandleKey, list[Candle]]:
        """Return the newest candles of each symbol and timeframe, oldest first."""

    async def latest_candles(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Candle]:
        """Return at most `limit` newest candles, oldest first."""
        return (await self.latest_candles_of({(symbol, timeframe): limit}))[symbol, timeframe]

    async def latest_candles_by_timeframe(self, symbol: str, limits: CandleLimits) -> dict[Timeframe, list[Candle]]:
        """Return the newest candles of each timeframe, oldest first."""
        found = await self.latest_candles_of({(symbol, timeframe): limit for timeframe, limit in limits.items()})
        return {timeframe: candles for (_, timeframe), candles in found.items()}

    async def candle_history(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Candle]:
        """Return at most `limit` newest candles, oldest first."""
        return await self.latest_candles(symbol, timeframe, limit)


class CandleIntake(CandleStore, Protocol):
    """A `CandleStore` that takes candles which no analysis brings: of downloads and of files."""

    async def save_candles(self, symbol: str, timeframe: Timeframe, candles: Sequence[CandleLike]) -> int:
        """Keep closed candles, those of the same open time are replaced, and return how many open times were new.

        Candles that trusted clients have posted before are in the store when it is read and written.

        Raises:
            StorageUnavailable: the store is down or does not answer in time; saving them again changes nothing.
        """


class EngineCandles(Protocol):
    """Reads the candles that the trading engine writes into the same database; this service never writes them."""

    async def newest(self, symbol: str, timeframe: Timeframe, limit: int) -> list[Mapping[str, object]]:
        """Return at most `limit` newest rows as the engine wrote them, newest first, each open time once.

        Raises:
            StorageUnavailable: the database does not answer.
        """

    async def close(self) -> None:
        """Release the connection."""
