"""The settings in force, as a dashboard shows them; no secret is among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from config.model_settings import BoostingSettings
from config.settings import Settings
from domain.forecasting import ModelType
from domain.market import Timeframe
from features.columns.feature_sets import FEATURE_SETS
from models.architectures.catalogue import ARCHITECTURES
from rules.plans import REWARD
from rules.risk import CAPITAL_AT_RISK, MAX_POSITION
from services.market_data.engine_settings import EngineSettings


@dataclass(frozen=True)
class TrainingConfiguration:
    """How a model of the default type is trained; an ensemble is shown by its first member."""

    model_type: ModelType
    sequence_length: int
    batch_size: int
    learning_rate: float
    epochs: int
    validation_split: float
    features: list[str]
    horizons_candles: list[int]


@dataclass(frozen=True)
class PositionBounds:
    """The bounds of a suggested position: a share of the capital, and percent of it lost or gained at most."""

    max_position_size: float
    stop_loss_percentage: float
    take_profit_percentage: float


@dataclass(frozen=True)
class TradingConfiguration:
    """What the signals mean; the service itself places no order."""

    model_confidence_threshold: float
    max_signal_age_minutes: float
    supported_timeframes: list[Timeframe]
    risk_management: PositionBounds
    enabled: Literal[False] = False


@dataclass(frozen=True)
class DataConfiguration:
    """Where candles come from."""

    data_source: str
    update_interval_seconds: float
    historical_data_days: float
    required_indicators: list[str]
    cache_ttl_minutes: float
    cache_enabled: Literal[True] = True


@dataclass(frozen=True)
class EngineConfiguration:
    """The engine's settings that are in force by its names, and why the others are not."""

    applied: Mapping[str, int | float | list[int]]
    unsupported: Mapping[str, str]
    refreshed_at: datetime | None


@dataclass(frozen=True)
class Configuration:
    """Settings in force."""

    supported_timeframes: list[Timeframe]
    of_models: TrainingConfiguration
    trading_config: TradingConfiguration
    data_config: DataConfiguration
    engine_settings: EngineConfiguration


def report_configuration(settings: Settings, engine: EngineSettings) -> Configuration:
    """Return the settings in force, those of the trading engine included."""
    interval = settings.analysis.interval_minutes
    first_timeframe = settings.analysis.primary_timeframes[0]
    return Configuration(
        supported_timeframes=list(Timeframe),
        of_models=_training(settings),
        trading_config=TradingConfiguration(
            model_confidence_threshold=settings.models.serving.long_probability,
            max_signal_age_minutes=interval,
            supported_timeframes=list(Timeframe),
            risk_management=PositionBounds(
                max_position_size=MAX_POSITION,
                stop_loss_percentage=100 * CAPITAL_AT_RISK,
                take_profit_percentage=100 * CAPITAL_AT_RISK * REWARD,
            ),
        ),
        data_config=DataConfiguration(
            data_source=", ".join(settings.market_data.sources),
            update_interval_seconds=60 * interval,
            historical_data_days=settings.market_data.candles * first_timeframe.ms / Timeframe.D1.ms,
            required_indicators=list(engine.indicators.names),
            cache_ttl_minutes=interval,
        ),
        engine_settings=EngineConfiguration(
            applied=engine.report.applied,
            unsupported=engine.report.unsupported,
            refreshed_at=engine.report.refreshed_at,
        ),
    )


def _training(settings: Settings) -> TrainingConfiguration:
    models = settings.models
    shown = models.ensemble_members[0] if models.default_type is ModelType.ENSEMBLE else models.default_type
    architecture = ARCHITECTURES[shown]
    learning, own = architecture.learning(models), architecture.settings(models)
    rate = own.learning_rate if isinstance(own, BoostingSettings) else learning and learning.rate
    return TrainingConfiguration(
        model_type=models.default_type,
        sequence_length=architecture.sequence_length(models, settings.features),
        batch_size=models.training.batch_size,
        learning_rate=rate or models.training.learning_rate,
        epochs=learning.epochs if learning else 1,
        validation_split=models.evaluation.validation_share,
        features=[column.name for column in FEATURE_SETS[architecture.feature_set].columns],
        horizons_candles=[settings.features.horizon_candles, *models.further_horizons_candles],
    )
