"""Gradient boosting by XGBoost: sell, hold or buy from the summary of a window."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xgboost
from onnxmltools.convert import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType

from config.model_settings import TrainingSettings, TreeSettings
from domain.arrays import RealArray
from features.datasets.windows import Windows
from models.architectures.fitted import EpochProgress, require_shape
from models.architectures.outputs import CLASSES
from models.architectures.summary import summaries
from models.export.graph import INPUTS
from models.export.tabular import tabular_onnx


@dataclass(frozen=True)
class XGBoost:
    """A `FittedModel` of XGBoost."""

    booster: xgboost.Booster
    history: tuple[EpochProgress, ...] = ()

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


def fit_xgboost(train: Windows, settings: TreeSettings, training: TrainingSettings) -> XGBoost:
    """Train gradient boosting on three-class targets; see `models.training.fitting.fit`.

    `min_samples_leaf` is XGBoost's `min_child_weight`, where a sample weighs at most one half.
    """
    parameters = {
        "objective": "multi:softprob",
        "num_class": CLASSES,
        "max_depth": settings.max_depth,
        "learning_rate": settings.learning_rate,
        "min_child_weight": settings.min_samples_leaf,
        "seed": training.seed,
        "nthread": training.threads,
    }
    samples = xgboost.DMatrix(summaries(train), label=train.targets[train.ends])
    return XGBoost(xgboost.train(parameters, samples, settings.trees))
