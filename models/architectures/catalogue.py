"""The catalogue of the architectures that can be trained, one row each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from types import MappingProxyType
from typing import Any, Literal

from config.model_settings import ModelSettings
from config.network_settings import LearningSettings
from config.settings import FeatureSettings, TargetKind
from domain.forecasting import ModelType
from models.architectures.outputs import InputKind, OutputKind


def _common_length(_models: ModelSettings, features: FeatureSettings) -> int:
    return features.sequence_length


@dataclass(frozen=True)
class Architecture:
    """An architecture. Its library is imported by `load` and not before.

    Attributes:
        kind: The type of the models that it gives.
        library: What trains it.
        function: `module:name` of the function that `load` returns.
        settings: From the settings of all models to its own.
        inputs: Scaled windows, the newest row of each, or a row of its statistics (`models/architectures/summary.py`).
        target: What it learns.
        outputs: What its answers are (`models/architectures/outputs.py`).
        feature_set: Name of the columns that it reads.
        sequence_length: From the settings to the rows of one window.
    """

    kind: ModelType
    library: Literal["keras", "sklearn", "xgboost", "lightgbm"]
    function: str
    settings: Callable[[ModelSettings], Any]
    inputs: InputKind
    target: TargetKind
    outputs: OutputKind
    feature_set: str = "standard"
    sequence_length: Callable[[ModelSettings, FeatureSettings], int] = _common_length

    @property
    def is_network(self) -> bool:
        """Whether it learns in epochs, from a random start."""
        return self.library == "keras"

    def learning(self, models: ModelSettings) -> LearningSettings | None:
        """Return how a network learns; None where it does not learn in epochs."""
        learning: LearningSettings | None = self.settings(models).learning if self.is_network else None
        return learning

    def load(self) -> Callable[..., Any]:
        """Import its module and return its function.

        Of a network it takes windows and the network's settings and returns a
        `models.architectures.recipe.Recipe`; of all others it takes windows, settings and
        `TrainingSettings` and returns a `models.architectures.fitted.FittedModel`.
        """
        function: Callable[..., Any] = resolve_name(self.function)
        return function


_ROWS = (
    Architecture(
        ModelType.LSTM,
        "keras",
        "models.architectures.lstm:lstm_recipe",
        settings=lambda models: models.recurrent,
        inputs="window",
        target="soft",
        outputs="probability",
    ),
    Architecture(
        ModelType.GRU,
        "keras",
        "models.architectures.gru:gru_recipe",
        settings=lambda models: models.recurrent,
        inputs="window",
        target="soft",
        outputs="probability",
    ),
    Architecture(
        ModelType.TRANSFORMER,
        "keras",
        "models.architectures.transformer:transformer_recipe",
        settings=lambda models: models.transformer,
        inputs="window",
        target="soft",
        outputs="probability",
    ),
    Architecture(
        ModelType.PATCHTST,
        "keras",
        "models.architectures.patchtst:patchtst_recipe",
        settings=lambda models: models.patchtst,
        inputs="window",
        target="multi_horizon",
        outputs="multi_horizon",
        feature_set="wide",
        sequence_length=lambda models, _features: models.patchtst.sequence_length,
    ),
    Architecture(
        ModelType.RANDOM_FOREST,
        "sklearn",
        "models.architectures.random_forest:fit_random_forest",
        settings=lambda models: models.random_forest,
        inputs="summary",
        target="three_class",
        outputs="three_class",
    ),
    Architecture(
        ModelType.XGBOOST,
        "xgboost",
        "models.architectures.xgboost:fit_xgboost",
        settings=lambda models: models.xgboost,
        inputs="summary",
        target="three_class",
        outputs="three_class",
    ),
    Architecture(
        ModelType.LIGHTGBM,
        "lightgbm",
        "models.architectures.lightgbm:fit_lightgbm",
        settings=lambda models: models.lightgbm,
        inputs="newest",
        target="binary",
        outputs="probability",
        feature_set="led",
        sequence_length=lambda _models, _features: 1,
    ),
    Architecture(
        ModelType.LOGISTIC,
        "sklearn",
        "models.architectures.logistic:fit_logistic",
        settings=lambda models: models.logistic_penalty,
        inputs="newest",
        target="binary",
        outputs="probability",
        sequence_length=lambda _models, _features: 1,
    ),
)

ARCHITECTURES: Mapping[ModelType, Architecture] = MappingProxyType({row.kind: row for row in _ROWS})
