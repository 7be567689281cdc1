"""The logistic curve from a plan's traits to its chance, and how sure it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from backtesting.evidence.samples import Samples
from domain.arrays import FloatArray, IntArray
from domain.errors import InsufficientData
from rules.plans import REWARD

WEEK_MS = 7 * 24 * 3_600_000
# Weights are believed to be around zero, with this standard deviation in log odds: a full trait turns 33 % into
# 28 to 39 %. Thousands of plans outweigh it; with few, the curve stays near chance.
PRIOR_DEVIATION = 0.25
MIN_WEEKS = 26
_STEPS, _ENOUGH = 50, 1e-10


@dataclass(frozen=True)
class Curve:
    """Weights of the traits in log odds, their covariance, and the number of independent plans behind them."""

    weights: FloatArray
    covariance: FloatArray
    plans: int


def fit_curve(samples: Samples) -> Curve:
    """Return the curve of plans: log odds of chance, plus weights times traits, shrunk towards zero.

    It is fitted by quasi-likelihood, so that a plan that ended at its time limit counts by what it came to. The
    covariance is the sandwich over weeks: plans that overlap, and markets that move together, share their chance.

    Raises:
        InsufficientData: plans of fewer than 26 weeks.

    Source: McCullagh and Nelder, Generalized Linear Models (1989), chapter 9; Liang and Zeger, Longitudinal Data
    Analysis Using Generalized Linear Models (1986).
    """
    weeks = samples.times_ms // WEEK_MS
    if len(np.unique(weeks)) < MIN_WEEKS:
        raise InsufficientData(f"evidence needs plans of {MIN_WEEKS} weeks, there are {len(np.unique(weeks))}")
    traits, wins = samples.traits * samples.worth[:, None], samples.wins
    prior = np.eye(traits.shape[1]) / PRIOR_DEVIATION**2
    weights = np.zeros(traits.shape[1])
    for _ in range(_STEPS):
        chances = chance(traits @ weights)
        bend = (traits * (chances * (1 - chances))[:, None]).T @ traits + prior
        step = np.linalg.solve(bend, traits.T @ (wins - chances) - prior @ weights)
        weights = weights + step
        if np.abs(step).max() < _ENOUGH:
            break
    errors = traits * (wins - chance(traits @ weights))[:, None]
    inverse = np.linalg.inv(bend)
    clusters = np.zeros((len(np.unique(weeks)), traits.shape[1]))
    np.add.at(clusters, np.unique(weeks, return_inverse=True)[1], errors)
    covariance = inverse @ (clusters.T @ clusters) @ inverse
    single = inverse @ (errors.T @ errors) @ inverse
    design_effect = max(float(covariance[0, 0] / single[0, 0]), 1.0)
    return Curve(weights, covariance, round(len(samples) / design_effect))


def chance(log_odds: FloatArray) -> FloatArray:
    """Return the probability that the target comes first, given log odds beyond those of chance."""
    chances: FloatArray = 1 / (1 + np.exp(math.log(REWARD) - log_odds))
    return chances


def clustered_mean(values: FloatArray, times_ms: IntArray) -> tuple[float, float]:
    """Return the mean of values and its standard error over weeks, both NaN without values.

    Source: as the sandwich above, for a mean.
    """
    if not len(values):
        return math.nan, math.nan
    weeks, places = np.unique(times_ms // WEEK_MS, return_inverse=True)
    mean = float(values.mean())
    sums = np.bincount(places, values - mean, minlength=len(weeks))
    return mean, float(math.sqrt((sums**2).sum()) / len(values))
