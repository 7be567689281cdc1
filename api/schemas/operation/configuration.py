"""The settings that a dashboard shows."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from api.schemas.responses import ResponseModel
from domain.forecasting import ModelType
from domain.market import Timeframe


class ModelConfig(ResponseModel):
    """How a model of the default type is trained."""

    model_type: ModelType
    sequence_length: Annotated[int, Field(description="Candles in a window.")]
    batch_size: int
    learning_rate: float
    epochs: Annotated[int, Field(description="At most; 1 for what is fitted in one go.")]
    validation_split: Annotated[float, Field(description="Share of the rows before those that judge.")]
    features: list[str]
    horizons_candles: Annotated[
        list[int], Field(description="Candles ahead of which models can be trained, the usual horizon first.")
    ]


class RiskManagement(ResponseModel):
    """The bounds of a suggested position; stops lie by the market's range, not at a fixed distance."""

    max_position_size: Annotated[float, Field(description="Share of the capital.")]
    stop_loss_percentage: Annotated[float, Field(description="Of the capital, lost at most at the stop.")]
    take_profit_percentage: Annotated[float, Field(description="Of the capital, gained then at the target.")]


class TradingConfig(ResponseModel):
    """What the signals mean; the service itself places no order."""

    enabled: Annotated[Literal[False], Field(description="This service never trades.")]
    model_confidence_threshold: Annotated[
        float, Field(description="Probability of a rise from which a model says Long.")
    ]
    max_signal_age_minutes: Annotated[float, Field(description="How long an analysis answers again.")]
    supported_timeframes: list[Timeframe]
    risk_management: RiskManagement


class DataConfig(ResponseModel):
    """Where candles come from."""

    data_source: Annotated[str, Field(description="Sources in the order in which they are asked.")]
    update_interval_seconds: float
    historical_data_days: Annotated[float, Field(description="Candles of the first primary timeframe.")]
    required_indicators: list[str]
    cache_enabled: Literal[True]
    cache_ttl_minutes: float


class EngineSettingsReport(ResponseModel):
    """The trading engine's indicator settings: those in force, and why others are not."""

    applied: Annotated[dict[str, int | float | list[int]], Field(description="In force, by the engine's name.")]
    unsupported: Annotated[dict[str, str], Field(description="Why a field of the engine changes nothing.")]
    refreshed_at: Annotated[datetime | None, Field(description="When the engine last answered, ISO 8601, UTC.")]


class ServiceConfig(ResponseModel):
    """Settings in force, none of them secret."""

    supported_timeframes: list[Timeframe]
    # `model_config` is what pydantic calls the settings of a class.
    of_models: ModelConfig = Field(serialization_alias="model_config")
    trading_config: TradingConfig
    data_config: DataConfig
    engine_settings: EngineSettingsReport
