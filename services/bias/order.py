"""The parameters of a job against bias, complete: its process reads no settings."""

from __future__ import annotations

from config.model_settings import ModelSettings
from config.section import Count
from config.settings import AnalysisSettings, IndicatorSettings
from domain.forecasting import VersionName
from domain.market import CandleSeries, Timeframe
from domain.naming.symbols import SymbolName
from domain.values import Frozen
from services.job_candles.order import CandleNumbers, HistoryOrder, series_of_rows


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
        return series_of_rows(self.symbol, self.timeframe, self.candles)
