"""Baselines that a model has to beat: three predictions from past returns alone, without learning.

Each uses the rows before the test part, training and validation, as a calibrated model does. They
are frequencies and are not calibrated.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from domain.arrays import FloatArray, IntArray
from features.datasets.candle_checks import NO_RUN
from features.datasets.splits import Split
from models.evaluation.out_of_sample import FoldPrediction, Predicted

# Name of what plan models are judged against: what the evidence says of the same plans.
EVIDENCE = "evidence"

# From a fold, the rows that end a window, and the forward returns of all rows.
Baseline = Callable[[Split, IntArray, FloatArray], FoldPrediction]


def prior(fold: Split, ends: IntArray, returns: FloatArray) -> FoldPrediction:
    """Return the share of rises so far as the probability of every row.

    Args:
        fold: Ranges of rows.
        ends: Rows that end a window and are predicted, ascending.
        returns: Forward returns of all rows as fractions, NaN where unknown.
    """
    share = _share_of_rises(returns[_known(fold, returns)])
    return _predict(fold, ends, np.full(len(returns), share))


def majority(fold: Split, ends: IntArray, returns: FloatArray) -> FoldPrediction:
    """Return the more frequent direction so far, with certainty: its accuracy is meaningful, its Brier score is not."""
    share = _share_of_rises(returns[_known(fold, returns)])
    return _predict(fold, ends, np.full(len(returns), float(share >= 0.5)))


def reversal(runs: IntArray, horizon: int) -> Baseline:
    """Return the baseline that expects the last return to reverse, as often as returns have reversed so far.

    The last return of a row is that of the `horizon` candles up to it. Where it is unknown or 0, the
    prior is used.

    Args:
        runs: Run of each row, from `candle_checks.unbroken_runs`.
        horizon: Candles of a forward return, >= 1.
    """

    def predict(fold: Split, ends: IntArray, returns: FloatArray) -> FoldPrediction:
        last = np.zeros(len(returns))
        unbroken = (runs[horizon:] == runs[:-horizon]) & (runs[horizon:] != NO_RUN)
        last[horizon:][unbroken] = np.nan_to_num(returns[:-horizon][unbroken])
        known = _known(fold, returns)
        after = known[last[known] != 0.0]
        turns = _share_of_rises(returns[after] * -np.sign(last[after]))
        share = _share_of_rises(returns[known])
        return _predict(fold, ends, np.select([last > 0.0, last < 0.0], [1.0 - turns, turns], share))

    return predict


def _known(fold: Split, returns: FloatArray) -> IntArray:
    """Return the rows before the test part that rose or fell."""
    before = returns[: fold.validation.stop]
    return np.flatnonzero(np.isfinite(before) & (before != 0.0))


def _share_of_rises(returns: FloatArray) -> float:
    return float((returns > 0.0).mean()) if len(returns) else 0.5


def _predict(fold: Split, ends: IntArray, probability: FloatArray) -> FoldPrediction:
    """Return the probabilities, given for all rows, of the windows of both parts."""

    def part(rows: range) -> Predicted:
        inside = ends[np.searchsorted(ends, rows.start) : np.searchsorted(ends, rows.stop)]
        return Predicted(inside, probability[inside])

    return FoldPrediction(part(fold.validation), part(fold.test))
