"""Answers about the store."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.schemas.responses import ResponseModel
from domain.values import Share


class SymbolStats(ResponseModel):
    """Cached analyses of one symbol."""

    symbol: str
    analysis_count: int
    latest_analysis: Annotated[datetime, Field(description="ISO 8601, UTC.")]


class StorageStats(ResponseModel):
    """What `collection_name` holds, beside the size of the archive and the cache's hits since the start."""

    total_analyses: int
    symbols_analyzed: int
    symbol_breakdown: list[SymbolStats]
    analysis_interval_minutes: float
    collection_name: str
    archived_analyses: Annotated[int, Field(description="Kept for ever, to be scored; clearing the cache leaves them.")]
    cache_hits: int
    cache_misses: int
    cache_hit_rate: Share
    store: str


class CandlesRemoved(ResponseModel):
    """What forgetting the posted candles of a symbol removed."""

    message: str
    symbol: str
    removed_candles: int


class CacheCleared(ResponseModel):
    """What clearing the cache removed."""

    message: str
    cleared_analyses: int
    timestamp: Annotated[datetime, Field(description="ISO 8601, UTC.")]
