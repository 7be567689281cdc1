"""Inputs and results of fitting, the same for every architecture."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np

from config.model_settings import BoostingSettings, TrainingSettings
from domain.arrays import FloatArray, RealArray
from domain.errors import FeatureMismatch, TrainingFailed
from features.datasets.windows import Windows
from models.explanation.explanation import Explanation


class LearningData(Protocol):
    """Scaled windows to learn from, and later ones for early stopping."""

    @property
    def train(self) -> Windows: ...

    @property
    def validation(self) -> Windows: ...


@dataclass(frozen=True)
class EpochProgress:
    """An epoch, or a round of boosting, that has ended, 1 .. `epochs`; `seconds_left` assumes no early stop.

    `learning_rate` is the one that it learned with.
    """

    epoch: int
    epochs: int
    loss: float
    validation_loss: float
    seconds_left: float
    learning_rate: float


Report = Callable[[EpochProgress], None]


class FittedModel(Protocol):
    """A trained model as its own library runs it; serving runs what `onnx` returns."""

    @property
    def parameters(self) -> int:
        """Trained numbers; of trees, their nodes."""

    @property
    def history(self) -> tuple[EpochProgress, ...]:
        """Every epoch, or round of boosting; empty where the library trains in neither."""

    def raw(self, inputs: RealArray) -> RealArray:
        """Return the answers, shape (n, outputs) float32, as `models/architectures/outputs.py` reads them.

        Args:
            inputs: Scaled windows (n, sequence_length, features), or rows of them (n, columns), float32.

        Raises:
            FeatureMismatch: another shape than the model was fitted on.
        """

    def onnx(self) -> bytes:
        """Return the model with one input `inputs` and one output `outputs`, both with any number of rows."""

    def gains(self) -> FloatArray | None:
        """Return what splits by each input lowered the training loss, shape (inputs,); None of what does not split."""

    def explanation(self) -> Explanation | None:
        """Return what splits its log odds into shares of its inputs; None where nothing does."""

    def save(self, folder: Path, stem: str) -> str:
        """Write the library's own file, never a pickle, and return its name."""


@runtime_checkable
class LearnsOnAll(Protocol):
    """A fitted model that learns once more, from the validation windows too, after these have ended its rounds."""

    def on_all(self, data: LearningData, settings: Any, training: TrainingSettings) -> Self:
        """Return the model of training and validation windows together, with as many rounds as this one."""


def history_of_rounds(
    training: Sequence[float], validation: Sequence[float], settings: BoostingSettings
) -> tuple[EpochProgress, ...]:
    """Return every round of boosting that there was, from the losses after each."""
    return tuple(
        EpochProgress(number, settings.trees, *losses, 0.0, settings.learning_rate)
        for number, losses in enumerate(zip(training, validation, strict=True), 1)
    )


def best_round(rounds: Sequence[EpochProgress]) -> int:
    """Return the number of the first round with the lowest validation loss; trees up to it serve."""
    return int(np.argmin([fitted.validation_loss for fitted in rounds])) + 1


def chance_slope(inputs: int, labels: float) -> float:
    """Return how steep the mean loss of a linear layer can be by chance alone, in its steepest input of those it reads.

    Of many inputs that tell nothing, the greatest slope is about sqrt(2 ln(inputs) / labels). As a measure of an L1
    penalty it sinks as labels come in.

    Args:
        inputs: Of the layer, scaled, >= 1.
        labels: That do not overlap, > 0.

    Source: Tibshirani, Regression Shrinkage and Selection via the Lasso (1996); Bickel, Ritov and Tsybakov,
    Simultaneous Analysis of Lasso and Dantzig Selector (2009), for the size.
    """
    return math.sqrt(2.0 * math.log(inputs) / labels)


def require_both_sides(targets: RealArray, learner: str) -> None:
    """Refuse binary targets that are all alike.

    Raises:
        TrainingFailed: the price only rises, or only falls, in training.
    """
    if len(np.unique(targets)) < 2:
        raise TrainingFailed(
            f"{learner} needs rises and falls to tell apart; all {len(targets)} training windows end the same"
        )


def require_shape(inputs: RealArray, expected: tuple[int, ...]) -> None:
    """Refuse inputs whose rows are not of the shape that a model was fitted on.

    Raises:
        FeatureMismatch: names both shapes.
    """
    if inputs.shape[1:] != expected:
        wanted = ", ".join(str(size) for size in expected)
        raise FeatureMismatch(f"the model takes inputs of shape (n, {wanted}), received {inputs.shape}")
