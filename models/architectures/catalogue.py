"""The architectures that can be trained: what each is shown, what it learns and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from config.model_settings import ModelSettings
from config.settings import TargetKind
from domain.forecasting import ModelType
from models.backend import use_backend
from models.fitted import FittedModel, LearningData, Report
from models.outputs import OutputKind


@dataclass(frozen=True)
class Architecture:
    """`inputs`: scaled windows as they are, or one row for each from `models/summary.py`."""

    type: ModelType
    inputs: Literal["window", "summary"]
    target: TargetKind
    outputs: OutputKind
    feature_set: str
    library: Literal["keras", "sklearn", "xgboost"]


ARCHITECTURES: Mapping[ModelType, Architecture] = MappingProxyType(
    {
        each.type: each
        for each in (
            Architecture(ModelType.LSTM, "window", "soft", "probability", "standard", "keras"),
            Architecture(ModelType.GRU, "window", "soft", "probability", "standard", "keras"),
            Architecture(ModelType.TRANSFORMER, "window", "soft", "probability", "standard", "keras"),
            Architecture(ModelType.PATCHTST, "window", "multi_horizon", "multi_horizon", "wide", "keras"),
            Architecture(ModelType.RANDOM_FOREST, "summary", "three_class", "three_class", "standard", "sklearn"),
            Architecture(ModelType.XGBOOST, "summary", "three_class", "three_class", "standard", "xgboost"),
            Architecture(ModelType.LOGISTIC, "summary", "binary", "probability", "standard", "sklearn"),
        )
    }
)


def fit(architecture: Architecture, data: LearningData, settings: ModelSettings, report: Report) -> FittedModel:
    """Train a model; same data, settings and seed give the same model. Blocks for as long as that takes.

    Each library is imported when it is first needed: TensorFlow alone takes seconds and 690 MB.

    Args:
        architecture: What to train.
        data: Scaled windows whose targets are of the architecture's kind.
        settings: Sizes, learning, seed, threads.
        report: Called after every epoch; never for what is fitted in one go.

    Raises:
        TrainingFailed: losses or weights are not finite, or the targets leave nothing to tell apart.
        ConfigurationError: this process runs Keras on another backend than the settings name.
    """
    if architecture.library == "keras":
        use_backend(settings.training)
        from models.training import fit_network

        return fit_network(architecture.type, data, settings, report)
    if architecture.type is ModelType.LOGISTIC:
        from models.architectures.logistic import fit_logistic

        return fit_logistic(data.train, settings)
    from models.architectures.trees import fit_random_forest, fit_xgboost

    fit_trees = fit_xgboost if architecture.type is ModelType.XGBOOST else fit_random_forest
    return fit_trees(data.train, settings)
