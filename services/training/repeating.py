"""What a training of a pooled model repeats: the markets and settings of the version before."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import ValidationError

from config.model_settings import ModelSettings
from config.section import over
from config.settings import FeatureSettings
from domain.errors import ModelUnusable
from models.registry.metadata import ModelMetadata
from models.training.learner import OF_PLANS

# Settings that decide whether a version serves, and how it is watched: the present ones count.
_OF_TODAY = (
    *("auto_retrain", "retrain_interval_hours", "retrain_min_candles", "evaluation", "drift", "recalibration"),
    *("shadow_forecasts", "shadow_margin", "shadow_max_days"),
)
# Settings of earlier releases: the regularization of a logistic regression that read summaries, and what nothing read.
_GONE = ("logistic_inverse_regularization",)
_GONE_OF_FORESTS = ("learning_rate",)
_GONE_OF_FEATURES = ("validation_share", "test_share", "embargo_candles")
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
        own = {name: value for name, value in model.settings["models"].items() if name not in (*_OF_TODAY, *_GONE)}
        if forest := own.get("random_forest"):
            own["random_forest"] = {name: value for name, value in forest.items() if name not in _GONE_OF_FORESTS}
        own_features = {
            name: value for name, value in model.settings["features"].items() if name not in _GONE_OF_FEATURES
        }
        if model.target == "plan":  # those are of every plan model, and of its moments alone
            fixed = {*OF_PLANS, "horizon_candles"}
            own_features = {name: value for name, value in own_features.items() if name not in fixed}
        if "recipe" not in own:
            # Releases before there were recipes trained as specified, and kept the threshold among the features.
            models = models.by_recipe("specified")
            own["target_threshold"] = own_features.pop("target_threshold")
        return RepeatedTraining(
            model.data.markets,
            ModelSettings.model_validate(over(models.model_dump(mode="json"), own)),
            FeatureSettings.model_validate(over(features.model_dump(mode="json"), own_features)),
        )
    except (KeyError, ValidationError) as error:
        raise ModelUnusable(f"the settings of {model.version} are those of another release: {_BY_HAND}") from error
