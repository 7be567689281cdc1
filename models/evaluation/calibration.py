"""Calibration: of all rises predicted with 60 %, 60 % should happen.

Fitted on validation rows, which the model has not learned from, and never on test rows.
"""

from __future__ import annotations

from itertools import pairwise
from math import log, tanh
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from config.watch_settings import CalibrationKind
from domain.arrays import BoolArray, FloatArray
from domain.values import Frozen, Share

# No forecast of a market is more certain, and the logarithm of 0 is not finite.
MIN_PROBABILITY = 0.001
# Isotonic regression has as many free steps as rows; below this it fits the noise.
MIN_ISOTONIC_ROWS = 200
# Of the table of reliability, at most.
BINS = 10


class Calibration(Frozen):
    """A non-decreasing function from a model's probability to the calibrated one.

    Attributes:
        kind: `sigmoid`: 1 / (1 + exp(-(slope * logit(p) + intercept))). `isotonic`: straight lines between
            `points`, constant beyond them. `none`: p itself.
        slope: >= 0; 0 is a constant, for a model whose errors grow with its certainty.
        intercept: In log odds.
        points: (probability, calibrated probability), both ascending; only for `isotonic`.
    """

    kind: Literal["sigmoid", "isotonic", "none"] = "none"
    slope: Annotated[float, Field(ge=0)] = 1.0
    intercept: float = 0.0
    points: tuple[tuple[Share, Share], ...] = ()

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.kind == "isotonic" and not self.points:
            raise ValueError("an isotonic calibration needs points")
        if any(before[0] >= after[0] or before[1] > after[1] for before, after in pairwise(self.points)):
            raise ValueError("the points of a calibration have to ascend")
        return self

    def apply(self, probability: FloatArray) -> FloatArray:
        """Return the calibrated probabilities, of the same shape, within 0.001..0.999."""
        clipped = clip_probability(probability)
        if self.kind == "sigmoid":
            clipped = _sigmoid(self.slope * _logit(clipped) + self.intercept)
        elif self.kind == "isotonic":
            known, calibrated = zip(*self.points, strict=True)
            clipped = np.interp(probability, known, calibrated)
        return clip_probability(clipped)

    def undo(self, probability: float) -> float:
        """Return the probability that was calibrated to this one, by a `sigmoid` with a slope above 0."""
        odds = (log(probability / (1.0 - probability)) - self.intercept) / self.slope
        return 0.5 + 0.5 * tanh(odds / 2.0)


class ReliabilityBin(Frozen):
    """Predictions of about the same probability, and the share of them that rose."""

    count: Annotated[int, Field(ge=1)]
    low: Share
    high: Share
    mean_probability: Share
    share_up: Share


def fit_calibration(kind: CalibrationKind, probability: FloatArray, up: BoolArray) -> Calibration:
    """Return the calibration fitted on validation rows.

    `sigmoid` is Platt's scaling on log odds, with a weak prior: slope and intercept
    are normally distributed around 1 and 0 with a standard deviation of 1. Hundreds of rows outweigh it;
    with few rows, a constant probability or a single class it keeps them finite. `slope` is the same around the mean
    log odds of the model, which stays as it is: markets rise more often in one half-year than in the next, and what
    the newest one added to the level would be added to all later forecasts. `isotonic` falls back to
    `sigmoid` where it cannot learn a shape: below 200 rows, for a constant probability or a single
    class. Without rows every kind is `none`.

    Args:
        kind: The kind wanted.
        probability: n probabilities, 0..1, of the model.
        up: Whether the price rose.

    Source: Platt, Probabilistic Outputs for Support Vector Machines (1999); Zadrozny and Elkan,
    Transforming Classifier Scores into Accurate Multiclass Probability Estimates (2002).
    """
    if kind == "none" or not len(up):
        return Calibration()
    if kind == "slope":
        return _fit_slope(probability, up)
    shapeless = len(up) < MIN_ISOTONIC_ROWS or np.ptp(probability) == 0.0 or up.all() or not up.any()
    if kind == "sigmoid" or shapeless:
        return _fit_sigmoid(probability, up)
    return _fit_isotonic(probability, up)


def reliability_table(probability: FloatArray, up: BoolArray) -> tuple[ReliabilityBin, ...]:
    """Return at most `BINS` bins of about equal count, lowest probabilities first; equal probabilities stay together.

    Bins of equal width would put nearly all predictions of a market into the two around 0.5.
    """
    if not len(up):
        return ()
    # The upper edges; a value equal to an edge belongs below it.
    edges = np.unique(np.quantile(probability, np.arange(1, BINS + 1) / BINS, method="inverted_cdf"))
    places = np.searchsorted(edges, probability)
    table = []
    for place in np.unique(places):
        inside = places == place
        values = probability[inside]
        table.append(
            ReliabilityBin(
                count=int(inside.sum()),
                low=float(values.min()),
                high=float(values.max()),
                mean_probability=float(values.mean()),
                share_up=float(up[inside].mean()),
            )
        )
    return tuple(table)


def expected_calibration_error(probability: FloatArray, up: BoolArray) -> float:
    """Return the mean distance, 0..1, of probability and share of rises over bins of equal count; 0 for no rows.

    Source: Naeini, Cooper and Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian
    Binning (2015), with bins of equal count.
    """
    table = reliability_table(probability, up)
    return sum(part.count * abs(part.mean_probability - part.share_up) for part in table) / max(1, len(up))


def clip_probability(probability: FloatArray) -> FloatArray:
    """Return probabilities within 0.001..0.999."""
    clipped: FloatArray = np.clip(np.asarray(probability, np.float64), MIN_PROBABILITY, 1.0 - MIN_PROBABILITY)
    return clipped


def _fit_sigmoid(probability: FloatArray, up: BoolArray) -> Calibration:
    from scipy.optimize import minimize

    odds = log_odds(probability)

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        slope, intercept = parameters
        values = slope * odds + intercept
        wrong = _sigmoid(values) - up
        belief = parameters - (1.0, 0.0)
        total = np.logaddexp(0.0, values).sum() - values[up].sum() + belief @ belief / 2.0
        return float(total), np.array((wrong @ odds, wrong.sum())) + belief

    best = minimize(loss, (1.0, 0.0), jac=True, method="L-BFGS-B", bounds=((0.0, None), (None, None)))
    return Calibration(kind="sigmoid", slope=float(best.x[0]), intercept=float(best.x[1]))


def _fit_slope(probability: FloatArray, up: BoolArray) -> Calibration:
    odds = log_odds(probability)
    level = float(odds.mean())
    return around(level, fitted_slope(odds - level, up, level))


def around(level: float, slope: float) -> Calibration:
    """Return the calibration that stretches log odds by a slope >= 0 around a level, which stays as it is."""
    return Calibration(kind="sigmoid", slope=slope, intercept=(1.0 - slope) * level)


def fitted_slope(
    distance: FloatArray, up: BoolArray, level: float, expected: float = 1.0, deviation: float = 1.0
) -> float:
    """Return the most likely slope >= 0 of log odds around a level, given a normal prior of it.

    Args:
        distance: n log odds less the level.
        up: Whether the price rose.
        level: In log odds.
        expected: Mean of the prior.
        deviation: Its standard deviation, > 0.
    """
    from scipy.optimize import minimize

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        slope = parameters[0]
        values, belief = level + slope * distance, (slope - expected) / deviation
        total = np.logaddexp(0.0, values).sum() - values[up].sum() + belief**2 / 2.0
        return float(total), np.array([(_sigmoid(values) - up) @ distance + belief / deviation])

    return float(minimize(loss, (expected,), jac=True, method="L-BFGS-B", bounds=((0.0, None),)).x[0])


def _fit_isotonic(probability: FloatArray, up: BoolArray) -> Calibration:
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0.0, y_max=1.0).fit(probability, up)
    points = zip(fitted.X_thresholds_.tolist(), fitted.y_thresholds_.tolist(), strict=True)
    return Calibration(kind="isotonic", points=tuple(points))


def log_odds(probability: FloatArray) -> FloatArray:
    """Return the log odds of probabilities, taken within 0.001..0.999."""
    return _logit(clip_probability(probability))


def _logit(probability: FloatArray) -> FloatArray:
    odds: FloatArray = np.log(probability / (1.0 - probability))
    return odds


def _sigmoid(values: FloatArray) -> FloatArray:
    # tanh does not overflow, as exp would.
    share: FloatArray = 0.5 + 0.5 * np.tanh(values / 2.0)
    return share
