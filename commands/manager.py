"""What trains models at the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.model_settings import ModelSettings
from config.settings import Settings
from domain.errors import InvalidRequest
from models.registry.horizons import settings_at
from utils.clock import SystemClock

if TYPE_CHECKING:
    from models.model_manager import ModelManager
    from services.training.plan_training import PlanTraining


def model_manager(settings: Settings, models: ModelSettings | None = None) -> ModelManager:
    """Return the model manager for the settings; `models` replaces their section of the same name."""
    from services.training.managers import open_manager

    return open_manager(models or settings.models, settings.features, settings.indicators.atr_period, SystemClock().now)


def plan_training(settings: Settings, models: ModelSettings) -> PlanTraining:
    """Return what trains plan models, which have to beat the configured evidence."""
    from services.evidence_file import read_book
    from services.measuring.order import MeasuringOrder, MeasuringWish
    from services.training.plan_training import PlanTraining

    measuring = MeasuringOrder.of(MeasuringWish(), settings)
    book = read_book(settings.trading.evidence_file)
    return PlanTraining(models, settings.features, measuring, book, SystemClock().now)


def at_horizon(settings: Settings, models: ModelSettings, horizon: int | None) -> tuple[Settings, ModelSettings]:
    """Return settings and their models for a number of candles ahead; None is that of the settings.

    Raises:
        InvalidRequest: it is none of those of which the service asks models.
    """
    own = settings.features.horizon_candles
    if horizon is None or horizon == own:
        return settings, models
    if horizon not in models.further_horizons_candles:
        known = ", ".join(map(str, (own, *models.further_horizons_candles)))
        raise InvalidRequest(f"no models of {horizon} candles ahead are asked; horizons are {known}")
    features = settings.features.model_copy(update={"horizon_candles": horizon})
    return settings.model_copy(update={"features": features}), settings_at(models, horizon)
