"""The settings that a dashboard shows."""

from __future__ import annotations

from fastapi import APIRouter, Request

from api.dependencies import get_container
from api.guard.rate_limit import limit_default
from api.schemas.configuration import (
    DataConfig,
    EngineSettingsReport,
    ModelConfig,
    RiskManagement,
    ServiceConfig,
    TradingConfig,
)
from api.schemas.problems import problem_responses
from config.settings import Settings
from domain.forecasting import ModelType
from domain.market import Timeframe
from features.columns.feature_sets import FEATURE_SETS
from models.architectures.catalogue import ARCHITECTURES
from rules.risk import CAPITAL_AT_RISK, MAX_POSITION, REWARD

DAY_MS = Timeframe.D1.ms

dashboard = APIRouter(tags=["insights"])


@dashboard.get("/config", operation_id="config", summary="Settings in force", responses=problem_responses(429))
@limit_default
async def config(request: Request) -> ServiceConfig:
    """Return the settings that a dashboard shows; no secret is among them."""
    container = get_container(request)
    settings, engine = container.settings, container.engine_settings
    interval = settings.analysis.interval_minutes
    return ServiceConfig(
        supported_timeframes=list(Timeframe),
        of_models=_models(settings),
        trading_config=TradingConfig(
            enabled=False,
            model_confidence_threshold=settings.models.serving.long_probability,
            max_signal_age_minutes=interval,
            supported_timeframes=list(Timeframe),
            risk_management=RiskManagement(
                max_position_size=MAX_POSITION,
                stop_loss_percentage=100 * CAPITAL_AT_RISK,
                take_profit_percentage=100 * CAPITAL_AT_RISK * REWARD,
            ),
        ),
        data_config=DataConfig(
            data_source=", ".join(settings.market_data.sources),
            update_interval_seconds=60 * interval,
            historical_data_days=settings.market_data.candles * settings.analysis.primary_timeframes[0].ms / DAY_MS,
            required_indicators=list(engine.indicators.names),
            cache_enabled=True,
            cache_ttl_minutes=interval,
        ),
        engine_settings=EngineSettingsReport(
            applied=dict(engine.report.applied),
            unsupported=dict(engine.report.unsupported),
            refreshed_at=engine.report.refreshed_at,
        ),
    )


def _models(settings: Settings) -> ModelConfig:
    models = settings.models
    # An ensemble is shown by its first member.
    kind = models.ensemble_members[0] if models.default_type is ModelType.ENSEMBLE else models.default_type
    architecture = ARCHITECTURES[kind]
    learning = architecture.learning(models)
    return ModelConfig(
        model_type=models.default_type,
        sequence_length=architecture.sequence_length(models, settings.features),
        batch_size=models.training.batch_size,
        learning_rate=(learning and learning.rate) or models.training.learning_rate,
        epochs=learning.epochs if learning else 1,
        validation_split=models.evaluation.validation_share,
        features=[column.name for column in FEATURE_SETS[architecture.feature_set].columns],
    )
