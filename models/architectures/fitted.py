"""Inputs and results of fitting, the same for every architecture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from domain.arrays import RealArray
from domain.errors import FeatureMismatch
from features.datasets.windows import Windows


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
            inputs: Scaled windows (n, sequence_length, features), or summaries (n, columns), float32.

        Raises:
            FeatureMismatch: another shape than the model was fitted on.
        """

    def onnx(self) -> bytes:
        """Return the model with one input `inputs` and one output `outputs`, both with any number of rows."""

    def save(self, folder: Path, stem: str) -> str:
        """Write the library's own file, never a pickle, and return its name."""


def require_shape(inputs: RealArray, expected: tuple[int, ...]) -> None:
    """Refuse inputs whose rows are not of the shape that a model was fitted on.

    Raises:
        FeatureMismatch: names both shapes.
    """
    if inputs.shape[1:] != expected:
        wanted = ", ".join(str(size) for size in expected)
        raise FeatureMismatch(f"the model takes inputs of shape (n, {wanted}), received {inputs.shape}")
