"""What trains models at the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.model_settings import ModelSettings
from config.settings import Settings
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
