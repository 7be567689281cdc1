"""Logistic regression on the newest row, with few coefficients: the baseline that is always trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LogisticRegression

from config.model_settings import TrainingSettings
from domain.arrays import RealArray
from models.architectures.fitted import EpochProgress, LearningData, chance_slope, require_both_sides, require_shape
from models.architectures.summary import newest_rows_of
from models.explanation.linear import LinearTerms
from models.export.graph import INPUTS
from models.export.tabular import tabular_onnx

_MAX_ITERATIONS = 1000
# Share of the greatest coefficient by which the last pass over the samples may change one.
_TOLERANCE = 1e-3
# Fixed: the result does not depend on the order, and all are compared with the same one, whatever the seed.
_ORDER_OF_SAMPLES = 0


@dataclass(frozen=True)
class Logistic:
    """A `FittedModel` of scikit-learn; its file holds the coefficients, (1, columns), and the intercept, (1,)."""

    regression: LogisticRegression
    history: tuple[EpochProgress, ...] = ()

    @property
    def parameters(self) -> int:
        return int(self.regression.coef_.size + self.regression.intercept_.size)

    def raw(self, inputs: RealArray) -> RealArray:
        require_shape(inputs, (self.regression.n_features_in_,))
        return np.asarray(self.regression.predict_proba(inputs)[:, 1:], dtype=np.float32)

    def onnx(self) -> bytes:
        inputs = [(INPUTS, FloatTensorType([None, self.regression.n_features_in_]))]
        converted = to_onnx(self.regression, initial_types=inputs, options={"zipmap": False})
        return tabular_onnx(converted, np.array([[0.0], [1.0]], dtype=np.float32))

    def gains(self) -> None:
        """Return None: a regression does not split."""

    def explanation(self) -> LinearTerms:
        return LinearTerms(np.asarray(self.regression.coef_[0], np.float64))

    def save(self, folder: Path, stem: str) -> str:
        name = f"{stem}.npz"
        np.savez(folder / name, coefficients=self.regression.coef_, intercept=self.regression.intercept_)
        return name


def fit_logistic(data: LearningData, penalty: float, _training: TrainingSettings) -> Logistic:
    """Train logistic regression on binary targets; see `models.training.fitting.fit`.

    Args:
        data: Windows, of which it reads the newest row.
        penalty: L1, of the coefficients, in slopes of the mean loss that chance alone would reach; > 0.

    Raises:
        TrainingFailed: the price only rises, or only falls, in training.
    """
    train = data.train
    rows, targets = newest_rows_of(train), train.targets[train.ends]
    require_both_sides(targets, "logistic regression")
    # The library adds up the losses of the samples.
    strength = penalty * chance_slope(rows.shape[1], len(rows)) * len(rows)
    regression = LogisticRegression(
        C=1.0 / strength if strength else np.inf,
        l1_ratio=1.0,
        solver="saga",
        tol=_TOLERANCE,
        max_iter=_MAX_ITERATIONS,
        random_state=_ORDER_OF_SAMPLES,
    )
    return Logistic(regression.fit(rows, targets))
