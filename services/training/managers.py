"""The model manager as trainings and commands use it: with what measures the plans of a model."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from backtesting.evidence.forecasts import measure_forecasts
from config.model_settings import ModelSettings
from config.settings import FeatureSettings
from models.model_manager import ModelManager


def open_manager(
    models: ModelSettings, features: FeatureSettings, range_period: int, now: Callable[[], datetime]
) -> ModelManager:
    """Return the model manager for some settings.

    Args:
        models: Sizes, training, evaluation, and the folder of the versions.
        features: Preparation of candles.
        range_period: Candles of the average true range, by which plans are made.
        now: The server's clock, aware UTC.
    """
    return ModelManager(models, features, now, partial(measure_forecasts, range_period=range_period))
