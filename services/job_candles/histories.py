"""Where a job without candles of the client finds them: those that were posted, or more of a real source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from domain.analysis import DataSource
from domain.errors import InsufficientData, MarketDataUnavailable, UnknownSymbol
from domain.market import Timeframe
from services.job_candles.finding import JobCandles
from services.market_data.history.answers import MarketHistory
from services.market_data.market_data import MarketData

# The error for too few posted candles: their number, the same or why there are none in words, and the sources' reason.
Refused = Callable[[int, str, str], InsufficientData]


@dataclass(frozen=True)
class CandleCounts:
    """How many closed candles of a market a job wants.

    Attributes:
        needed: With fewer it can only fail.
        enough: With as many posted ones no source is asked.
        most: More are of no use.
        posted: Posted ones that its parameters can bring at most.
    """

    needed: int
    enough: int
    most: int
    posted: int


async def find_history(
    candles: JobCandles,
    market_data: MarketData,
    market: tuple[str, Timeframe],
    counts: CandleCounts,
    refused: Refused,
) -> MarketHistory:
    """Return the posted candles where they are enough or no source has more, else those of the first that has.

    Of a source with pages these are only its newest candles: the job reads the others.

    Args:
        candles: Has the posted ones.
        market_data: Asks the sources.
        market: Symbol and timeframe.
        counts: How many are wanted.
        refused: Makes the error for too few posted ones where no source has more.

    Raises:
        UnknownSymbol: no source has such a symbol, and the store neither.
        InsufficientData: nobody has as many as are needed.
    """
    stored, note = await candles.stored(*market, min(counts.posted, counts.most))
    if len(stored) >= counts.enough:
        return MarketHistory(DataSource.STORED, stored)
    try:
        return await market_data.history(*market, max(counts.needed, len(stored) + 1), counts.most)
    except MarketDataUnavailable as refusal:
        if isinstance(refusal, UnknownSymbol):
            raise
        if len(stored) >= counts.needed:
            return MarketHistory(DataSource.STORED, stored)
        raise refused(len(stored), note, refusal.message) from refusal
