"""Predictions of rows that a model has not seen, pooled over the folds of a walk forward.

In every fold a learner learns from the training part, predicts the windows of the validation and the
test part, is calibrated on the first and judged on the second.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from config.watch_settings import CalibrationKind
from domain.arrays import BoolArray, FloatArray, IntArray
from models.evaluation.bootstrap import Resampling
from models.evaluation.calibration import Calibration, fit_calibration
from models.evaluation.metrics import Scores, score


@dataclass(frozen=True)
class Predicted:
    """Probabilities of a rise, 0..1, for some rows of a training set, ascending."""

    rows: IntArray
    probability: FloatArray


@dataclass(frozen=True)
class FoldPrediction:
    """Predictions of a learner, fitted on the training part of a fold, for the other two parts."""

    validation: Predicted
    test: Predicted

    def calibration(self, returns: FloatArray, kind: CalibrationKind) -> Calibration:
        """Return the calibration fitted on the validation part.

        Args:
            returns: Forward returns of all rows of the training set; validation rows where it is NaN or 0 are left out.
            kind: The kind wanted.
        """
        known = returns[self.validation.rows]
        moved = np.isfinite(known) & (known != 0.0)
        return fit_calibration(kind, self.validation.probability[moved], known[moved] > 0.0)

    def calibrated(self, returns: FloatArray, kind: CalibrationKind) -> FoldPrediction:
        """Return both parts calibrated on the validation part, as the members of an ensemble are."""
        calibration = self.calibration(returns, kind)
        validation, test = (
            replace(part, probability=calibration.apply(part.probability)) for part in (self.validation, self.test)
        )
        return FoldPrediction(validation, test)


@dataclass(frozen=True)
class OutOfSample:
    """n predictions of rows that the model had not seen, in the order of time; each array has shape (n,).

    Attributes:
        rows: Row of the training set, ascending: two models are compared on the rows that both predicted.
        probability: Calibrated probability of a rise, 0..1.
        raw: The same before calibration.
        returns: Forward return as a fraction, known; 0 counts neither as a rise nor as a fall.
        fold: Number of the fold, from 0.
    """

    rows: IntArray
    probability: FloatArray
    raw: FloatArray
    returns: FloatArray
    fold: IntArray

    def part(self, chosen: BoolArray) -> OutOfSample:
        """Return the predictions of some rows, shape (n,)."""
        return OutOfSample(
            self.rows[chosen], self.probability[chosen], self.raw[chosen], self.returns[chosen], self.fold[chosen]
        )

    def scores(self, resampling: Resampling | None = None) -> Scores:
        """Return the scores of the predictions."""
        return score(self.probability, self.returns, resampling)

    @property
    def raw_deviation(self) -> float:
        """Standard deviation of the raw probabilities around the mean of their own fold; 0 for no rows."""
        if not len(self.raw):
            return 0.0
        _, fold = np.unique(self.fold, return_inverse=True)
        means = np.bincount(fold, self.raw) / np.bincount(fold)
        return float(np.sqrt(((self.raw - means[fold]) ** 2).mean()))


def out_of_sample(
    predictions: Iterable[FoldPrediction], returns: FloatArray, calibration: CalibrationKind
) -> OutOfSample:
    """Return the pooled test predictions of a learner, each fold calibrated on its own validation part.

    Args:
        predictions: One per fold, oldest first; a generator trains one fold after the other.
        returns: Forward returns of all rows of the training set, NaN where unknown; such rows are left out.
        calibration: `none` for a learner whose probabilities are frequencies already.

    Raises:
        ValueError: there is no prediction, or the rows of the folds do not ascend.
    """
    parts = []
    for number, prediction in enumerate(predictions):
        known = np.isfinite(returns[prediction.test.rows])
        rows, raw = prediction.test.rows[known], np.asarray(prediction.test.probability[known], np.float64)
        probability = prediction.calibration(returns, calibration).apply(raw)
        parts.append((rows, probability, raw, returns[rows], np.full(len(rows), number)))
    if not parts:
        raise ValueError("a walk forward without a fold predicts nothing")
    pooled = OutOfSample(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    if (np.diff(pooled.rows) <= 0).any():
        raise ValueError("the test parts of the folds overlap or are out of order")
    return pooled
