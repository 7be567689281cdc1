"""The parameters of a training job, complete: its process reads no settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.model_settings import ModelSettings
from config.section import Count
from config.settings import FeatureSettings, MarketDataSettings, PagedSource
from domain.forecasting import ModelScope, ModelType
from domain.market import Candle, Timeframe
from domain.values import Frozen


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
        candles: Closed, oldest first; none where the job reads them itself.
        history: The candles to read; None where they are here.
    """

    symbol: ModelScope
    timeframe: Timeframe
    model_type: ModelType
    epochs: Annotated[int, Field(ge=1)] | None = None
    seed: Annotated[int, Field(ge=0)] | None = None
    candles: tuple[Candle, ...] = ()
    history: HistoryOrder | None = None
    features: FeatureSettings
    models: ModelSettings
