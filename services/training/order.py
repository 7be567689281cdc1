"""The parameters of a training job, complete: its process reads no settings."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from config.model_settings import ModelSettings
from config.section import Count
from config.settings import FeatureSettings, MarketDataSettings, PagedSource
from domain.forecasting import ModelScope, ModelType
from domain.market import Candle, CandleSeries, Timeframe
from domain.session_finder import with_sessions
from domain.values import Frozen

# Open time, open, high, low, close and volume; JSON has no NaN for a volume that is not known.
CandleNumbers = tuple[int, float, float, float, float, float | None]


class HistoryOrder(Frozen):
    """Candles that the job reads itself before it trains.

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


class TrainingOrder(Frozen):
    """One training of one market, as JSON between the service and the job's process.

    Attributes:
        epochs: Of every network; None takes that of the settings.
        seed: None takes that of the settings.
        candles: Closed, oldest first, the volume None where it is not known; none where the job reads them itself.
        history: The candles to read; None where they are here.
    """

    symbol: ModelScope
    timeframe: Timeframe
    model_type: ModelType
    epochs: Annotated[int, Field(ge=1)] | None = None
    seed: Annotated[int, Field(ge=0)] | None = None
    candles: tuple[CandleNumbers, ...] = ()
    history: HistoryOrder | None = None
    features: FeatureSettings
    models: ModelSettings

    @property
    def series(self) -> CandleSeries:
        """The candles of the order, in the sessions of their market.

        Raises:
            InvalidMarketData: they break a rule of the market.
        """
        candles = [Candle(*numbers_of(row)) for row in self.candles]
        return with_sessions(self.symbol, CandleSeries.ordered(self.timeframe, candles))


def numbers_of(row: CandleNumbers) -> tuple[int, float, float, float, float, float]:
    """Return the numbers of a candle, an unknown volume as NaN."""
    return (*row[:5], math.nan if row[5] is None else row[5])


def candle_rows(series: CandleSeries) -> tuple[CandleNumbers, ...]:
    """Return the candles of a series as an order has them."""
    return tuple(
        (c.timestamp, c.open, c.high, c.low, c.close, None if math.isnan(c.volume) else c.volume)
        for c in series.candles
    )
