"""All timeframes of one source at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from operator import attrgetter

from domain.errors import MarketDataUnavailable
from domain.market import CandleSeries, Timeframe
from services.market_data.fetching import SourceFailed
from services.market_data.source import MarketDataSource


async def candles_of(
    source: MarketDataSource, symbol: str, timeframes: Sequence[Timeframe], candles: int
) -> dict[Timeframe, CandleSeries]:
    """Return the candles of the timeframes that a source has, requested concurrently.

    Raises:
        SourceFailed: one of the requests failed, which cancels the others; the failure with the longest rest.
        MarketDataUnavailable: the source has none of the timeframes.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {
                timeframe: group.create_task(_answer(source, symbol, timeframe, candles)) for timeframe in timeframes
            }
    except* SourceFailed as failures:
        failure = max(failures.exceptions, key=attrgetter("rest_seconds"))
    else:
        answers = {timeframe: task.result() for timeframe, task in tasks.items()}
        found = {timeframe: answer for timeframe, answer in answers.items() if isinstance(answer, CandleSeries)}
        refusals = [answer for answer in answers.values() if isinstance(answer, MarketDataUnavailable)]
        if refusals and not found:
            raise refusals[0]
        return found
    raise failure


async def _answer(
    source: MarketDataSource, symbol: str, timeframe: Timeframe, candles: int
) -> CandleSeries | MarketDataUnavailable:
    """Return the candles of a timeframe, or why the source has none, which keeps nobody from the others."""
    try:
        return await source.candles(symbol, timeframe, candles)
    except SourceFailed:
        raise
    except MarketDataUnavailable as refusal:
        return refusal
