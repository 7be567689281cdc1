"""Gradient boosting by XGBoost: sell, hold or buy from the summary of a window."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xgboost
from onnxmltools.convert import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType

from config.model_settings import BoostingSettings, TrainingSettings
from domain.arrays import RealArray
from features.datasets.targets import TradeClass
from models.architectures.fitted import EpochProgress, LearningData, best_round, history_of_rounds, require_shape
from models.architectures.outputs import CLASSES
from models.architectures.summary import summaries
from models.explanation.tree_paths import Branch, TreePaths
from models.export.graph import INPUTS
from models.export.tabular import tabular_onnx

_LOSS = "mlogloss"
# The odds of a rise are buy against sell; hold takes no side.
_SIDES = {TradeClass.BUY: 1.0, TradeClass.SELL: -1.0}
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

    def explanation(self) -> TreePaths:
        model = json.loads(self.booster.save_raw("json"))["learner"]["gradient_booster"]["model"]
        both = zip(model["trees"], model["tree_info"], strict=True)
        trees = (_node(tree, 0, _SIDES[TradeClass(number)]) for tree, number in both if TradeClass(number) in _SIDES)
        return TreePaths.of(trees, self.booster.num_features())

    def save(self, folder: Path, stem: str) -> str:
        name = f"{stem}.ubj"
        self.booster.save_model(folder / name)
        return name


def _node(tree: Mapping[str, Any], at: int, side: float) -> Branch | float:
    """Return a node of the library's description of a tree, with those below it; its leaves times `side`."""
    left, right = tree["left_children"][at], tree["right_children"][at]
    condition = np.float32(tree["split_conditions"][at])
    if left < 0:
        return side * float(condition)
    weights = tree["sum_hessian"]
    # The library sends values below the condition to the left.
    threshold = float(np.nextafter(condition, np.float32(-np.inf)))
    share = weights[left] / (weights[left] + weights[right])
    return Branch(tree["split_indices"][at], threshold, share, _node(tree, left, side), _node(tree, right, side))


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
