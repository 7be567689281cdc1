"""The parameters of a training job, complete: its process reads no settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.model_settings import ModelSettings
from config.settings import FeatureSettings, IndicatorSettings
from domain.forecasting import ModelScope, ModelType
from domain.market import CandleSeries, Timeframe
from domain.values import Frozen
from services.job_candles.order import CandleNumbers, HistoryOrder, series_of_rows


class TrainingOrder(Frozen):
    """One training of one market, as JSON between the service and the job's process.

    Attributes:
        epochs: Of every network; None takes that of the settings.
        seed: None takes that of the settings.
        candles: Closed, oldest first, the volume None where it is not known; none where the job reads them itself.
        history: The candles to read; None where they are here.
        indicators: By which the plans of the model are made.
    """

    symbol: ModelScope
    timeframe: Timeframe
    model_type: ModelType
    epochs: Annotated[int, Field(ge=1)] | None = None
    seed: Annotated[int, Field(ge=0)] | None = None
    candles: tuple[CandleNumbers, ...] = ()
    history: HistoryOrder | None = None
    features: FeatureSettings
    indicators: IndicatorSettings
    models: ModelSettings

    @property
    def series(self) -> CandleSeries:
        """The candles of the order, in the sessions of their market.

        Raises:
            InvalidMarketData: they break a rule of the market.
        """
        return series_of_rows(self.symbol, self.timeframe, self.candles)
