"""What a training of a pooled model repeats: the markets and settings of the version before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from config.model_settings import ModelSettings
from config.settings import FeatureSettings
from domain.errors import ModelUnusable
from models.registry.metadata import ModelMetadata

# What decides whether a version serves, and how it is watched, is a matter of today.
_OF_TODAY = (
    *("auto_retrain", "retrain_interval_hours", "retrain_min_candles", "evaluation", "drift"),
    *("shadow_forecasts", "shadow_margin", "shadow_max_days"),
)
_BY_HAND = "train it once by cli.py train"


class RepeatedTraining(NamedTuple):
    """Symbols of the markets, and the settings of the training."""

    markets: tuple[str, ...]
    models: ModelSettings
    features: FeatureSettings


def repeated(model: ModelMetadata, models: ModelSettings, features: FeatureSettings) -> RepeatedTraining:
    """Return what the next training of a version repeats.

    Args:
        model: The version.
        models: Of today: what has come since the version, and what decides about versions.
        features: Of today.

    Raises:
        ModelUnusable: the version does not tell its markets, or settings that this release knows.
    """
    if not (model.data and model.data.markets):
        raise ModelUnusable(f"{model.version} does not tell the markets that it was trained on: {_BY_HAND}")
    try:
        own = {name: value for name, value in model.settings["models"].items() if name not in _OF_TODAY}
        return RepeatedTraining(
            model.data.markets,
            ModelSettings.model_validate(_over(models.model_dump(mode="json"), own)),
            FeatureSettings.model_validate(_over(features.model_dump(mode="json"), model.settings["features"])),
        )
    except (KeyError, ValidationError) as error:
        raise ModelUnusable(f"the settings of {model.version} are those of another release: {_BY_HAND}") from error


def _over(today: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested values with those of a version over those of today."""
    merged = dict(today)
    for name, value in own.items():
        below = merged.get(name)
        merged[name] = _over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
