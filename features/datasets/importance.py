"""Importance of features for the target: three measures, a ranking and a selection.

Pass training rows alone: a selection made from test rows is a leak.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from domain.arrays import RealArray


@dataclass(frozen=True)
class Importance:
    """One score per column, higher is more important; `measure` names the method."""

    measure: str
    columns: tuple[str, ...]
    scores: tuple[float, ...]

    def ranking(self) -> tuple[tuple[str, float], ...]:
        """Return columns with their scores, best first; equals stay in the order of the columns."""
        return tuple(sorted(zip(self.columns, self.scores, strict=True), key=lambda pair: -pair[1]))

    def top(self, count: int) -> tuple[str, ...]:
        """Return the `count` best columns, all if there are fewer, in the order of the feature table.

        Raises:
            ValueError: count < 1.
        """
        if count < 1:
            raise ValueError(f"a selection needs 1 feature or more, received {count}")
        chosen = {name for name, _ in self.ranking()[:count]}
        return tuple(name for name in self.columns if name in chosen)


def correlation_importance(values: RealArray, target: RealArray, columns: Sequence[str]) -> Importance:
    """Return the absolute Pearson correlation of each column with the target, 0..1; constant columns get 0.

    It finds linear relations only. Cheap: one pass over the table.

    Args:
        values: Shape (n, columns), finite.
        target: n values; rows where it is NaN are left out.
        columns: Names of the columns.
    """
    values, target = _known(values, target)
    if len(target) < 2:
        return Importance("correlation", tuple(columns), (0.0,) * len(columns))
    centered = values - values.mean(axis=0)
    target = target - target.mean()
    norms = np.sqrt((centered**2).sum(axis=0) * (target**2).sum())
    # The mean of equal values is rounded, so a constant column differs from it by rounding alone.
    varies = (np.ptp(values, axis=0) > 0.0) & (norms > 0.0)
    scores = np.divide(np.abs(target @ centered), norms, out=np.zeros(len(columns)), where=varies)
    return Importance("correlation", tuple(columns), tuple(np.minimum(scores, 1.0).tolist()))


def selected_columns(values: RealArray, target: RealArray, columns: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Return the `count` columns that correlate most with the target; all of them for a count of 0 or all.

    Args:
        values: Of training rows, shape (n, columns), finite.
        target: n values, NaN where unknown.
        columns: Names of the columns.
        count: How many.
    """
    if not 0 < count < len(columns):
        return columns
    return correlation_importance(values, target, columns).top(count)


def mutual_information_importance(
    values: RealArray,
    target: RealArray,
    columns: Sequence[str],
    *,
    discrete_target: bool,
    seed: int,
    max_rows: int = 5_000,
) -> Importance:
    """Return the mutual information of each column with the target in nats, >= 0.

    It finds any dependence. It is estimated from nearest neighbors, so noise scores a little above 0.

    Args:
        values: Shape (n, columns), finite.
        target: n values, at least 4 known; rows where it is NaN are left out.
        columns: Names of the columns.
        discrete_target: The target is a class (binary, three_class), not a number (soft, return).
        seed: Of the tiny noise that separates equal values, and of the sample of rows.
        max_rows: A larger table is sampled down to this many rows: the time grows faster than their number.

    Source: Kraskov et al. (2004) and Ross (2014), as in scikit-learn's `mutual_info_*`.
    """
    # Imported here: scikit-learn takes 140 MB, and serving does not need it.
    from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

    values, target = _known(values, target)
    if len(target) > max_rows:
        rows = np.sort(np.random.default_rng(seed).choice(len(target), max_rows, replace=False))
        values, target = values[rows], target[rows]
    estimate = mutual_info_classif if discrete_target else mutual_info_regression
    # One job: the training process decides about cores.
    scores = estimate(values, target, discrete_features=False, random_state=seed)
    return Importance("mutual_information", tuple(columns), tuple(scores.tolist()))


def permutation_importance(
    predict: Callable[[RealArray], RealArray],
    values: RealArray,
    target: RealArray,
    columns: Sequence[str],
    metric: Callable[[RealArray, RealArray], float],
    *,
    repeats: int,
    seed: int,
) -> Importance:
    """Return how much the metric loses when a column is shuffled between samples, mean of `repeats`.

    It measures the model, not the market: of two columns with the same information, both may score 0.
    With a negative score, the model was better without the column.

    Args:
        predict: The fitted model: samples in, one prediction per sample out.
        values: Shape (n, columns) or (n, sequence_length, columns); windows are shuffled whole. It is copied once.
        target: n targets, known.
        columns: Names of the last axis.
        metric: From targets and predictions to a number, higher is better.
        repeats: Shuffles per column, >= 1.
        seed: Of the shuffles; the same seed gives the same scores.

    Source: Breiman, Random Forests (2001), section 10.
    """
    rng = np.random.default_rng(seed)
    base = metric(target, predict(values))
    shuffled = values.copy()
    scores = []
    for position in range(len(columns)):
        lost = 0.0
        for _ in range(repeats):
            shuffled[..., position] = values[..., position][rng.permutation(len(values))]
            lost += base - metric(target, predict(shuffled))
        shuffled[..., position] = values[..., position]
        scores.append(lost / repeats)
    return Importance("permutation", tuple(columns), tuple(scores))


def _known(values: RealArray, target: RealArray) -> tuple[RealArray, RealArray]:
    known = ~np.isnan(target)
    return values[known], target[known]
