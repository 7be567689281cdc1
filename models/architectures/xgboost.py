"""Gradient boosting by XGBoost: sell, hold or buy from the summary of a window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xgboost
from onnxmltools.convert import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType

from config.model_settings import BoostingSettings, TrainingSettings
from domain.arrays import RealArray
from models.architectures.fitted import EpochProgress, LearningData, best_round, history_of_rounds, require_shape
from models.architectures.outputs import CLASSES
from models.architectures.summary import summaries
from models.export.graph import INPUTS
from models.export.tabular import tabular_onnx

_LOSS = "mlogloss"
_TRAINING, _VALIDATION = "training", "validation"


@dataclass(frozen=True)
class XGBoost:
    """A `FittedModel` of XGBoost."""

    booster: xgboost.Booster
    history: tuple[EpochProgress, ...]

    @property
    def parameters(self) -> int:
        return sum(tree.count("\n") for tree in self.booster.get_dump())

    def raw(self, inputs: RealArray) -> RealArray:
        require_shape(inputs, (self.booster.num_features(),))
        return np.asarray(self.booster.predict(xgboost.DMatrix(inputs)), dtype=np.float32)

    def onnx(self) -> bytes:
        inputs = [(INPUTS, FloatTensorType([None, self.booster.num_features()]))]
        return tabular_onnx(convert_xgboost(self.booster, initial_types=inputs), np.eye(CLASSES, dtype=np.float32))

    def save(self, folder: Path, stem: str) -> str:
        name = f"{stem}.ubj"
        self.booster.save_model(folder / name)
        return name


def fit_xgboost(data: LearningData, settings: BoostingSettings, training: TrainingSettings) -> XGBoost:
    """Train gradient boosting on three-class targets, and keep the trees of the best round; see `fitting.fit`.

    `min_samples_leaf` is XGBoost's `min_child_weight`, where a sample weighs at most one half.
    """
    train = data.train
    parameters = {
        "objective": "multi:softprob",
        "num_class": CLASSES,
        "eval_metric": _LOSS,
        "max_depth": settings.max_depth,
        "learning_rate": settings.learning_rate,
        "min_child_weight": settings.min_samples_leaf,
        "seed": training.seed,
        "nthread": training.threads,
    }
    samples = xgboost.DMatrix(summaries(train), label=train.targets[train.ends])
    later = xgboost.DMatrix(summaries(data.validation), label=data.validation.targets[data.validation.ends])
    losses: dict[str, dict[str, list[float]]] = {}
    watched = [(samples, _TRAINING), (later, _VALIDATION)]
    booster = xgboost.train(
        parameters,
        samples,
        settings.trees,
        evals=watched,
        evals_result=losses,
        early_stopping_rounds=settings.patience_rounds,
        verbose_eval=False,
    )
    rounds = history_of_rounds(losses[_TRAINING][_LOSS], losses[_VALIDATION][_LOSS], settings)
    return XGBoost(booster[: best_round(rounds)], rounds)
