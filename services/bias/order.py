"""The parameters of a job against bias, complete: its process reads no settings."""

from __future__ import annotations

import math

from config.model_settings import ModelSettings
from config.section import Count
from config.settings import AnalysisSettings, IndicatorSettings
from domain.forecasting import VersionName
from domain.market import Candle, CandleSeries, Timeframe
from domain.naming.symbols import SymbolName
from domain.session_finder import with_sessions
from domain.values import Frozen
from services.training.order import CandleNumbers, HistoryOrder


class BiasOrder(Frozen):
    """What a job checks, as JSON between the service and the job's process.

    Attributes:
        version: A model that is checked too.
        moments: Number of moments after which a job for look-ahead changes the future.
        candles: Closed, oldest first, the volume None where it is not known; none where the job reads them itself.
        history: The candles to read; None where they are here.
        models: Where versions are.
    """

    symbol: SymbolName
    timeframe: Timeframe
    version: VersionName | None = None
    moments: Count
    candles: tuple[CandleNumbers, ...] = ()
    history: HistoryOrder | None = None
    analysis: AnalysisSettings
    indicators: IndicatorSettings
    models: ModelSettings

    @property
    def series(self) -> CandleSeries:
        """The candles of the order, in the sessions of their market.

        Raises:
            InvalidMarketData: they break a rule of the market.
        """
        candles = [Candle(*row[:5], math.nan if row[5] is None else row[5]) for row in self.candles]
        return with_sessions(self.symbol, CandleSeries.ordered(self.timeframe, candles))
