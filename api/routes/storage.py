"""What the store holds, for operators."""

from __future__ import annotations

from fastapi import APIRouter, Request

from api.dependencies import get_container
from api.guard.access import require_admin
from api.guard.rate_limit import limit_default
from api.openapi import admin_route
from api.schemas.problems import problem_responses
from api.schemas.storage import CacheCleared, CandlesRemoved, StorageStats, SymbolStats
from domain.market import Timeframe
from storage.ports import ANALYSIS_COLLECTION

router = APIRouter(prefix="/ai/storage", tags=["storage"])


@router.get("/stats", operation_id="storage_stats", summary="Cached analyses", responses=problem_responses(429, 503))
@limit_default
async def stats(request: Request) -> StorageStats:
    """Count the cached analyses by symbol, the archive, and the cache's hits since the start."""
    container = get_container(request)
    statistics = await container.store.statistics()
    recent = container.analysis.recent
    return StorageStats(
        total_analyses=statistics.total_analyses,
        symbols_analyzed=len(statistics.symbols),
        symbol_breakdown=[
            SymbolStats(symbol=entry.symbol, analysis_count=entry.analysis_count, latest_analysis=entry.latest_analysis)
            for entry in statistics.symbols
        ],
        analysis_interval_minutes=container.settings.analysis.interval_minutes,
        collection_name=ANALYSIS_COLLECTION,
        archived_analyses=statistics.archived_analyses,
        cache_hits=recent.hits,
        cache_misses=recent.misses,
        cache_hit_rate=recent.hit_rate,
        store=container.store.kind,
    )


@router.post(
    "/clear",
    operation_id="storage_clear",
    summary="Forget the cached analyses (admin)",
    responses=problem_responses(401, 403, 429, 503),
    openapi_extra=admin_route(),
)
@limit_default
async def clear(request: Request) -> CacheCleared:
    """Remove every cached analysis; the archive and the candles stay."""
    container = get_container(request)
    require_admin(request, container.settings.access)
    cleared = await container.analysis.clear_cache()
    return CacheCleared(
        message=f"{cleared} cached analyses cleared", cleared_analyses=cleared, timestamp=container.clock.now()
    )


@router.delete(
    "/candles/{symbol}",
    operation_id="storage_candles_remove",
    summary="Forget a symbol's posted candles (admin)",
    responses=problem_responses(401, 403, 422, 429, 503),
    openapi_extra=admin_route(),
)
@limit_default
async def remove_candles(request: Request, symbol: str, timeframe: Timeframe | None = None) -> CandlesRemoved:
    """Remove the candles that clients posted, of one timeframe or all, so that others are taken in their place."""
    container = get_container(request)
    require_admin(request, container.settings.access)
    removed = await container.analysis.forget_candles(symbol, timeframe)
    of_timeframe = f" {timeframe}" if timeframe else ""
    return CandlesRemoved(
        message=f"{removed} posted{of_timeframe} candles of {symbol} removed", symbol=symbol, removed_candles=removed
    )
