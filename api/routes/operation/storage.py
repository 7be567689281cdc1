"""The contents of the store, for operators."""

from __future__ import annotations

from fastapi import APIRouter

from api.dependencies import Admin, DefaultLimit
from api.parts import AnalysisPart, CachePart, ClockPart, RevisionsPart, SettingsPart
from api.schemas.operation.storage import CacheCleared, CandlesRemoved, StorageStats
from api.schemas.problems import problem_responses
from domain.market import Timeframe
from domain.naming.symbols import SymbolName

router = APIRouter(prefix="/ai/storage", tags=["storage"])


@router.get(
    "/stats",
    operation_id="storage_stats",
    summary="Cached analyses",
    responses=problem_responses(503),
    dependencies=[DefaultLimit],
)
async def stats(store: CachePart, analysis: AnalysisPart, settings: SettingsPart) -> StorageStats:
    """Count the cached analyses by symbol, the archive, and the cache's hits since the start."""
    statistics = await store.statistics()
    return StorageStats.of(statistics, analysis.recent, settings.analysis.interval_minutes, store.kind)


@router.post(
    "/clear",
    operation_id="storage_clear",
    summary="Forget the cached analyses (admin)",
    responses=problem_responses(503),
    dependencies=[DefaultLimit, Admin],
)
async def clear(analysis: AnalysisPart, clock: ClockPart) -> CacheCleared:
    """Remove every cached analysis; the archive and the candles stay."""
    cleared = await analysis.clear_cache()
    return CacheCleared(message=f"{cleared} cached analyses cleared", cleared_analyses=cleared, timestamp=clock.now())


@router.delete(
    "/candles/{symbol}",
    operation_id="storage_candles_remove",
    summary="Forget a symbol's posted candles (admin)",
    responses=problem_responses(503),
    dependencies=[DefaultLimit, Admin],
)
async def remove_candles(
    symbol: SymbolName, revisions: RevisionsPart, timeframe: Timeframe | None = None
) -> CandlesRemoved:
    """Remove the candles that clients posted, of one timeframe or all, so that others are taken in their place."""
    removed = await revisions.forget(symbol, timeframe)
    of_timeframe = f" {timeframe}" if timeframe else ""
    message = f"{removed} posted{of_timeframe} candles of {symbol} removed"
    return CandlesRemoved(message=message, symbol=symbol, removed_candles=removed)
