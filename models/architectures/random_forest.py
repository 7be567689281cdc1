"""Random forest: sell, hold or buy from the summary of a window."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import RandomForestClassifier

from config.model_settings import TrainingSettings, TreeSettings
from domain.arrays import Float32Array, RealArray
from models.architectures.fitted import EpochProgress, LearningData, require_shape
from models.architectures.outputs import CLASSES
from models.architectures.summary import summaries
from models.export.graph import INPUTS
from models.export.tabular import single_precision, tabular_onnx


@dataclass(frozen=True)
class RandomForest:
    """A `FittedModel` of scikit-learn; its file is its ONNX form, as scikit-learn has none but pickles."""

    forest: RandomForestClassifier
    history: tuple[EpochProgress, ...] = ()

    @property
    def parameters(self) -> int:
        return sum(int(tree.tree_.node_count) for tree in self.forest.estimators_)

    def raw(self, inputs: RealArray) -> RealArray:
        require_shape(inputs, (self.forest.n_features_in_,))
        probabilities: RealArray = self.forest.predict_proba(inputs).astype(np.float32) @ self._placement
        return probabilities

    def onnx(self) -> bytes:
        return self._onnx

    def save(self, folder: Path, stem: str) -> str:
        name = f"{stem}.onnx"
        (folder / name).write_bytes(self._onnx)
        return name

    @cached_property
    def _onnx(self) -> bytes:
        inputs = [(INPUTS, FloatTensorType([None, self.forest.n_features_in_]))]
        converted = to_onnx(self.forest, initial_types=inputs, options={"zipmap": False})
        return tabular_onnx(converted, self._placement)

    @property
    def _placement(self) -> Float32Array:
        # A class that training never saw has no column; its probability is 0.
        placement: Float32Array = np.eye(CLASSES, dtype=np.float32)[self.forest.classes_]
        return placement


def fit_random_forest(data: LearningData, settings: TreeSettings, training: TrainingSettings) -> RandomForest:
    """Train a random forest on three-class targets; see `models.training.fitting.fit`."""
    train = data.train
    forest = RandomForestClassifier(
        settings.trees,
        max_depth=settings.max_depth,
        min_samples_leaf=settings.min_samples_leaf,
        random_state=training.seed,
        n_jobs=training.threads,
    )
    forest.fit(summaries(train), train.targets[train.ends].astype(np.int64))
    for tree in forest.estimators_:
        tree.tree_.threshold[:] = single_precision(tree.tree_.threshold)
    return RandomForest(forest)
