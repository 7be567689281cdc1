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

    Every method raises `StorageUnavailable` when the store fails or does not answer in time.
    """

    @property
    def kind(self) -> str:
        """Short name for people: sqlite or mongodb."""

    async def open(self) -> None:
        """Connect and make tables or indexes; safe to call again after a failure."""

    async def close(self) -> None:
        """Release the connection; what was saved stays."""

    async def ping(self) -> None:
        """Return when the store answers."""

    async def save_analysis(
        self, cache_key: str, analysis: Analysis, *, archive: bool, candles: CandlesByTimeframe = NO_CANDLES
    ) -> None:
        """Cache the analysis under the key, with `archive` keep it for ever too, and keep the candles.

        The candles are closed ones of the analysis' symbol that everybody may read; those of
        the same timeframe and open time are replaced. Where the store has transactions all is
        saved in one, and saving it again after a failure is no harm anywhere.
        """

    async def latest_analysis(self, cache_key: str, not_before: datetime) -> Analysis | None:
        """Return the newest cached analysis of the key generated at or after `not_before`."""

    async def archived_analysis(self, analysis_id: str) -> Analysis | None:
        """Return the analysis of this id from the archive."""

    async def newest_archived(self, limit: int) -> list[Analysis]:
        """Return at most `limit` (1 or more) analyses from the archive, the newest generated first."""

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
