"""Answers about the store."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from api.schemas.responses import ResponseModel
from domain.values import Share
from services.analysis.recent import RecentAnalyses
from storage.ports import ANALYSIS_COLLECTION, StoreStatistics


class SymbolStats(ResponseModel):
    """Cached analyses of one symbol."""

    symbol: str
    analysis_count: int
    latest_analysis: Annotated[datetime, Field(description="ISO 8601, UTC.")]


class StorageStats(ResponseModel):
    """The documents of `collection_name`, the size of the archive, and the cache's hits since the start."""

    total_analyses: int
    symbols_analyzed: int
    symbol_breakdown: list[SymbolStats]
    analysis_interval_minutes: float
    collection_name: str
    archived_analyses: Annotated[
        int, Field(description="They never expire, so that they can be scored; clearing the cache leaves them.")
    ]
    cache_hits: int
    cache_misses: int
    cache_hit_rate: Share
    store: str

    @classmethod
    def of(cls, statistics: StoreStatistics, recent: RecentAnalyses, interval_minutes: float, kind: str) -> Self:
        """Return the answer for the statistics of a store and the cache before it."""
        symbols = [SymbolStats(**asdict(entry)) for entry in statistics.symbols]
        return cls(
            total_analyses=statistics.total_analyses,
            symbols_analyzed=len(symbols),
            symbol_breakdown=symbols,
            analysis_interval_minutes=interval_minutes,
            collection_name=ANALYSIS_COLLECTION,
            archived_analyses=statistics.archived_analyses,
            cache_hits=recent.hits,
            cache_misses=recent.misses,
            cache_hit_rate=recent.hit_rate,
            store=kind,
        )


class CandlesRemoved(ResponseModel):
    """The posted candles of a symbol that were removed."""

    message: str
    symbol: str
    removed_candles: int


class CacheCleared(ResponseModel):
    """The cached analyses that were removed."""

    message: str
    cleared_analyses: int
    timestamp: Annotated[datetime, Field(description="ISO 8601, UTC.")]
