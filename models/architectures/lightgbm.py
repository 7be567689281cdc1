"""Gradient boosting by LightGBM: rise or fall from the newest row of a window."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from onnxmltools.convert import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

from config.model_settings import LightGBMSettings, TrainingSettings
from domain.arrays import RealArray
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
    parameters = {
        "objective": "binary",
        "metric": _LOSS,
        "num_leaves": settings.leaves,
        "max_depth": settings.max_depth,
        "min_data_in_leaf": settings.min_samples_leaf,
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


def _in_single_precision(model: str) -> lightgbm.Booster:
    """Return the model of a text with the thresholds that its ONNX form will have."""

    def rounded(line: re.Match[str]) -> str:
        thresholds = single_precision(np.array(line[1].split(), dtype=np.float64))
        return f"threshold={' '.join(map(repr, thresholds.tolist()))}"

    return lightgbm.Booster(model_str=_THRESHOLDS.sub(rounded, _SIZES.sub("", model)))
