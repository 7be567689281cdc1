"""Candles in the parameters of a job, as JSON, and the request to read them."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from config.section import Count
from config.settings import MarketDataSettings, PagedSource
from domain.market import Candle, CandleSeries, Timeframe
from domain.session_finder import with_sessions
from domain.values import Frozen

# Open time, open, high, low, close and volume; JSON has no NaN for a volume that is not known.
CandleNumbers = tuple[int, float, float, float, float, float | None]


class HistoryRequest(Frozen):
    """Candles that the job reads itself before it begins its work.

    Attributes:
        source: Where from.
        since_ms: Earliest open time, epoch ms.
        candles: Closed candles that are of use, the newest.
        settings: Addresses of the sources.
    """

    source: PagedSource
    since_ms: Annotated[int, Field(ge=0)]
    candles: Count
    settings: MarketDataSettings


class JobSeries(Frozen):
    """The candles of one symbol and timeframe.

    Attributes:
        candles: Closed, oldest first, the volume None where it is not known; none where the job reads them itself.
        history: The candles to read; None where they are here.
    """

    symbol: str
    timeframe: Timeframe
    candles: tuple[CandleNumbers, ...] = ()
    history: HistoryRequest | None = None

    @property
    def series(self) -> CandleSeries:
        """The candles, in the sessions of their market.

        Raises:
            InvalidMarketData: they break a rule of the market.
        """
        candles = [Candle(*row[:5], math.nan if row[5] is None else row[5]) for row in self.candles]
        return with_sessions(self.symbol, CandleSeries.ordered(self.timeframe, candles))


def candle_rows(series: CandleSeries) -> tuple[CandleNumbers, ...]:
    """Return the candles of a series as the parameters of a job have them."""
    return tuple(
        (c.timestamp, c.open, c.high, c.low, c.close, None if math.isnan(c.volume) else c.volume)
        for c in series.candles
    )
