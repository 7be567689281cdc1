"""The model manager of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.model_settings import ModelSettings
from config.settings import Settings
from utils.clock import SystemClock

if TYPE_CHECKING:
    from models.model_manager import ModelManager


def model_manager(settings: Settings, models: ModelSettings | None = None) -> ModelManager:
    """Return the model manager for the settings; `models` replaces their section of the same name."""
    from services.training.managers import open_manager

    return open_manager(models or settings.models, settings.features, settings.indicators.atr_period, SystemClock().now)
