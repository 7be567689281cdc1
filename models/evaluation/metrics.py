"""Scores of probabilities of a rise, judged by the sign of the forward return."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from domain.arrays import BoolArray, FloatArray
from domain.values import Frozen, Share
from models.evaluation.bootstrap import Interval, Resampling, interval, resampled_means
from models.evaluation.calibration import clip_probability, expected_calibration_error

Correlation = Annotated[float, Field(ge=-1, le=1)]
NonNegative = Annotated[float, Field(ge=0)]


class Scores(Frozen):
    """Scores of `count` predictions, of which `ups` were followed by a rise; None is undefined.

    A rise is predicted from a probability of 0.5. Unchanged prices are neither and not counted.

    Attributes:
        precision: Share of predicted rises that happened; None if none was predicted.
        recall: Share of rises that were predicted; None if there was none.
        f1: Harmonic mean of precision and recall.
        auc: Chance that a rise had a higher probability than a fall, equals counting half.
        ic: Information coefficient, Pearson's correlation of probability and return.
        rank_ic: Spearman's correlation of the two.
        brier: Mean squared distance of the probability from 1 (rise) or 0 (fall); 0.25 for always 0.5.
        log_loss: In nats, of probabilities within 0.001..0.999; 0.693 for always 0.5.
        ece: Expected calibration error in ten bins of equal count. Noise alone makes it positive.
        top_tenth: Share of right directions in the tenth of the predictions that are furthest from 0.5.
        intervals: 95 % intervals by metric; without `ece`, whose draws lie above it, without `top_tenth`, and without
            metrics for which there were too few rows.
    """

    count: Annotated[int, Field(ge=0)]
    ups: Annotated[int, Field(ge=0)]
    accuracy: Share | None = None
    precision: Share | None = None
    recall: Share | None = None
    f1: Share | None = None
    auc: Share | None = None
    ic: Correlation | None = None
    rank_ic: Correlation | None = None
    brier: Share | None = None
    log_loss: NonNegative | None = None
    ece: Share | None = None
    top_tenth: Share | None = None
    intervals: dict[str, Interval]


# Those that tables show, by their headings.
HEADINGS = {"accuracy": "accuracy", "AUC": "auc", "Brier": "brier", "log loss": "log_loss", "IC": "ic"}


def score(probability: FloatArray, returns: FloatArray, resampling: Resampling | None = None) -> Scores:
    """Return the scores of n probabilities of a rise, with intervals if a resampling is given.

    Args:
        probability: 0..1, in the order of time.
        returns: The forward returns as fractions; rows where one is NaN or 0 are left out.
        resampling: For the intervals; its blocks are fitted to the rows of accuracy, Brier score and log loss.
    """
    moved = np.isfinite(returns) & (returns != 0.0)
    probability, returns = np.asarray(probability, np.float64)[moved], np.asarray(returns, np.float64)[moved]
    up = returns > 0.0
    if not len(up):
        return Scores(count=0, ups=0, intervals={})
    means = _row_values(probability, returns)
    metrics = _from_means(means.mean(axis=0)[None, :])
    intervals: dict[str, Interval] = {}
    if resampling is not None:
        resampling = resampling.fitted(*means[:, :3].T)
        draws = _from_means(resampled_means(means, resampling))
        found = {name: interval(draws[name], len(up), resampling) for name in draws}
        intervals = {name: ends for name, ends in found.items() if ends is not None and np.isfinite(metrics[name][0])}
    return Scores(
        count=len(up),
        ups=int(up.sum()),
        **{name: float(value[0]) if np.isfinite(value[0]) else None for name, value in metrics.items()},
        ece=expected_calibration_error(probability, up),
        top_tenth=_top_tenth(probability, up),
        intervals=intervals,
    )


def _top_tenth(probability: FloatArray, up: BoolArray) -> float:
    furthest = np.argsort(-np.abs(probability - 0.5), kind="stable")[: -(-len(up) // 10)]
    return float(((probability[furthest] >= 0.5) == up[furthest]).mean())


def brier_losses(probability: FloatArray, up: BoolArray) -> FloatArray:
    """Return the squared distance of each probability from 1 (rise) or 0. Source: Brier (1950), for two classes."""
    losses: FloatArray = (probability - up) ** 2
    return losses


def log_losses(probability: FloatArray, up: BoolArray) -> FloatArray:
    """Return minus the logarithm of the probability given to the direction that happened, in nats."""
    return -np.log(clip_probability(np.where(up, probability, 1.0 - probability)))


def ranks(values: FloatArray) -> FloatArray:
    """Return the ranks of n values, 1..n; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    shared: FloatArray = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return shared


def _row_values(probability: FloatArray, returns: FloatArray) -> FloatArray:
    """Return the columns whose means give every metric, in the order that `_from_means` reads."""
    up, predicted = returns > 0.0, probability >= 0.5
    columns = [
        predicted == up,
        brier_losses(probability, up),
        log_losses(probability, up),
        predicted & up,
        predicted,
        up,
        *_auc_parts(probability, up),
    ]
    for x, y in ((probability, returns), (ranks(probability), ranks(returns))):
        x, y = _standardized(x), _standardized(y)
        columns += [x, y, x * x, y * y, x * y]
    return np.column_stack(columns).astype(np.float64)


def _from_means(means: FloatArray) -> dict[str, FloatArray]:
    """Return the metrics of means of rows, shape (draws, columns): NaN where undefined."""
    accuracy, brier, log_loss, hits, predicted, up, rises, falls, *moments = means.T
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "accuracy": accuracy,
            "precision": hits / predicted,
            "recall": hits / up,
            "f1": np.where(up > 0.0, 2.0 * hits / (predicted + up), np.nan),
            "auc": np.clip(rises / up + falls / (1.0 - up), 0.0, 1.0),
            "ic": _correlation(*moments[:5]),
            "rank_ic": _correlation(*moments[5:]),
            "brier": brier,
            "log_loss": log_loss,
        }


def _auc_parts(probability: FloatArray, up: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return two columns, one for rises and one for falls: the AUC is the sum of their means in each class.

    A rise counts the share of falls below it, a fall the share of rises above it. The mean of
    each is the AUC, so the AUC is subtracted from the second: a draw moves both, exactly to first order.
    Source: DeLong, DeLong and Clarke-Pearson, Comparing the Areas under Two or More Correlated Receiver
    Operating Characteristic Curves (1988).
    """
    rises, falls = np.zeros(len(up)), np.zeros(len(up))
    if up.any() and not up.all():
        rank = ranks(probability)
        rises[up] = (rank[up] - ranks(probability[up])) / (~up).sum()
        falls[~up] = 1.0 - (rank[~up] - ranks(probability[~up])) / up.sum() - rises[up].mean()
    return rises, falls


def _standardized(values: FloatArray) -> FloatArray:
    """Return values with mean 0 and deviation 1; constant ones become 0."""
    centered: FloatArray = values - values.mean()
    # Equal values have no exact mean: their differences from it are rounding errors.
    return centered / centered.std() if np.ptp(values) > 0.0 else np.zeros(len(values))


def _correlation(x: FloatArray, y: FloatArray, xx: FloatArray, yy: FloatArray, xy: FloatArray) -> FloatArray:
    """Return Pearson's correlation from the means of two columns, their squares and their product."""
    spread = (xx - x * x) * (yy - y * y)
    known = spread > 1e-18
    correlation = np.divide(xy - x * y, np.sqrt(np.where(known, spread, 1.0)), where=known, out=np.full(len(x), np.nan))
    clipped: FloatArray = np.clip(correlation, -1.0, 1.0)
    return clipped
