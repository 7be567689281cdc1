"""All timeframes of one source at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from domain.errors import MarketDataUnavailable
from domain.market import CandleSeries, Timeframe
from services.market_data.fetching import SourceFailed
from services.market_data.source import MarketDataSource


async def candles_of(
    source: MarketDataSource, symbol: str, timeframes: Sequence[Timeframe], candles: int
) -> dict[Timeframe, CandleSeries]:
    """Return the candles of all timeframes, requested concurrently; a failure cancels the others.

    Raises:
        MarketDataUnavailable: the most telling of the refusals.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {
                timeframe: group.create_task(source.candles(symbol, timeframe, candles)) for timeframe in timeframes
            }
    except* MarketDataUnavailable as refusals:
        refusal = _most_telling(refusals)
    else:
        return {timeframe: task.result() for timeframe, task in tasks.items()}
    raise refusal


def _most_telling(refusals: ExceptionGroup[MarketDataUnavailable]) -> MarketDataUnavailable:
    """Return the failure that keeps the source at rest longest, or else the first refusal."""

    def rest_seconds(refusal: BaseException) -> float:
        return refusal.rest_seconds if isinstance(refusal, SourceFailed) else -1.0

    flat = [error for error in refusals.exceptions if isinstance(error, MarketDataUnavailable)]
    return max(flat, key=rest_seconds)
