"""Gradient boosting by LightGBM: rise or fall from the newest row of a window."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from onnxmltools.convert import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

from config.model_settings import LightGBMSettings, TrainingSettings
from domain.arrays import FloatArray, RealArray
from domain.errors import LibraryMissing
from models.architectures.fitted import (
    EpochProgress,
    LearningData,
    best_round,
    history_of_rounds,
    require_both_sides,
    require_shape,
)
from models.architectures.summary import newest_rows_of
from models.explanation.tree_paths import Branch, TreePaths
from models.export.graph import INPUTS
from models.export.tabular import single_precision, tabular_onnx

try:
    import lightgbm
except OSError as error:  # of the wheel's own library, which is loaded by its import
    raise LibraryMissing(
        f"LightGBM cannot be loaded ({error}): it needs the system's library of OpenMP, "
        "which is libgomp1 on Debian and Ubuntu, libgomp on Fedora, and libomp on macOS"
    ) from error

_LOSS = "binary_logloss"
# A short history that gives fewer leaves of `min_samples_leaf` has smaller ones.
_LEAST_LEAVES = 20
_TRAINING, _VALIDATION = "training", "validation"
_THRESHOLDS = re.compile(r"^threshold=(.+)$", re.MULTILINE)
# Bytes of each tree, by which the library finds them; without it, it reads one after the other.
_SIZES = re.compile(r"^tree_sizes=.*\n", re.MULTILINE)


@dataclass(frozen=True)
class LightGBM:
    """A `FittedModel` of LightGBM."""

    booster: lightgbm.Booster
    history: tuple[EpochProgress, ...]

    @property
    def parameters(self) -> int:
        return sum(2 * tree["num_leaves"] - 1 for tree in self.booster.dump_model()["tree_info"])

    def raw(self, inputs: RealArray) -> RealArray:
        require_shape(inputs, (self.booster.num_feature(),))
        return np.asarray(self.booster.predict(inputs), dtype=np.float32)[:, None]

    def onnx(self) -> bytes:
        inputs = [(INPUTS, FloatTensorType([None, self.booster.num_feature()]))]
        converted = convert_lightgbm(self.booster, initial_types=inputs, zipmap=False)
        return tabular_onnx(converted, np.array([[0.0], [1.0]], dtype=np.float32))

    def gains(self) -> FloatArray:
        return np.asarray(self.booster.feature_importance("gain"), np.float64)

    def explanation(self) -> TreePaths:
        trees = (_node(tree["tree_structure"]) for tree in self.booster.dump_model()["tree_info"])
        return TreePaths.of(trees, self.booster.num_feature())

    def on_all(self, data: LearningData, settings: LightGBMSettings, training: TrainingSettings) -> LightGBM:
        train, later = data.train, data.validation
        rows = np.concatenate((newest_rows_of(train), newest_rows_of(later)))
        targets = np.concatenate((train.targets[train.ends], later.targets[later.ends]))
        parameters = _parameters(settings, training, len(targets))
        booster = lightgbm.train(parameters, lightgbm.Dataset(rows, targets), best_round(self.history))
        return LightGBM(_in_single_precision(booster.model_to_string()), self.history)

    def save(self, folder: Path, stem: str) -> str:
        name = f"{stem}.txt"
        (folder / name).write_text(self.booster.model_to_string(), encoding="utf-8")
        return name


def fit_lightgbm(data: LearningData, settings: LightGBMSettings, training: TrainingSettings) -> LightGBM:
    """Train gradient boosting on binary targets, and keep the trees of the best round; see `fitting.fit`.

    Raises:
        TrainingFailed: the price only rises, or only falls, in training.
    """
    train, later = data.train, data.validation
    targets = train.targets[train.ends]
    require_both_sides(targets, "gradient boosting")
    parameters = _parameters(settings, training, len(targets))
    samples = lightgbm.Dataset(newest_rows_of(train), targets)
    watched = [samples, lightgbm.Dataset(newest_rows_of(later), later.targets[later.ends], reference=samples)]
    losses: dict[str, dict[str, list[float]]] = {}
    booster = lightgbm.train(
        parameters,
        samples,
        settings.trees,
        valid_sets=watched,
        valid_names=[_TRAINING, _VALIDATION],
        callbacks=[
            lightgbm.record_evaluation(losses),
            lightgbm.early_stopping(settings.patience_rounds, verbose=False),
        ],
    )
    rounds = history_of_rounds(losses[_TRAINING][_LOSS], losses[_VALIDATION][_LOSS], settings)
    return LightGBM(_in_single_precision(booster.model_to_string(num_iteration=best_round(rounds))), rounds)


def _parameters(settings: LightGBMSettings, training: TrainingSettings, samples: int) -> dict[str, Any]:
    return {
        "objective": "binary",
        "metric": _LOSS,
        "num_leaves": settings.leaves,
        "max_depth": settings.max_depth,
        "min_data_in_leaf": min(settings.min_samples_leaf, max(1, samples // _LEAST_LEAVES)),
        "learning_rate": settings.learning_rate,
        "feature_fraction": settings.feature_share,
        "bagging_fraction": settings.bagging_share,
        "bagging_freq": 1,
        "lambda_l2": settings.l2,
        "seed": training.seed,
        "num_threads": training.threads,
        # The same numbers on every run, whatever is fastest on the machine at the moment.
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def _node(node: Mapping[str, Any]) -> Branch | float:
    """Return a node of the library's description of a tree, with those below it."""
    if "left_child" not in node:
        return float(node["leaf_value"])
    left, right = node["left_child"], node["right_child"]
    share = _count(left) / (_count(left) + _count(right))
    return Branch(node["split_feature"], node["threshold"], share, _node(left), _node(right))


def _count(node: Mapping[str, Any]) -> int:
    return int(node.get("internal_count", node.get("leaf_count", 0)))


def _in_single_precision(model: str) -> lightgbm.Booster:
    """Return the model of a text with the thresholds that its ONNX form will have."""

    def rounded(line: re.Match[str]) -> str:
        thresholds = single_precision(np.array(line[1].split(), dtype=np.float64))
        return f"threshold={' '.join(map(repr, thresholds.tolist()))}"

    return lightgbm.Booster(model_str=_THRESHOLDS.sub(rounded, _SIZES.sub("", model)))
