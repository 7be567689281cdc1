"""The logistic curve from the support of a plan, by the trend or a model, to its chance, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from backtesting.evidence.samples import MeasuredPlans
from domain.arrays import FloatArray, IntArray
from domain.errors import InsufficientData
from domain.hours.clocks import WEEK_MS
from domain.market import Timeframe
from rules.evidence.measured import UNMEASURED_SHARE
from rules.plans import REWARD

# Plans share their chance with those that are open at the same time. A plan is open for 50 candles on average and for
# 240 at most: within that many candles they make one cluster, of a week at least.
CLUSTER_CANDLES = 168
# The weight is believed to be around zero, with this standard deviation in log odds: full support turns 33 % into
# 28 to 39 %. Thousands of plans outweigh it; with few, the curve stays near chance.
PRIOR_DEVIATION = 0.25
MIN_CLUSTERS = 26
# Next to nothing is believed; it keeps plans that all won from an endless weight.
FLAT_DEVIATION = 2.5
_STEPS, _ENOUGH = 50, 1e-10


@dataclass(frozen=True)
class Curve:
    """Weight of full support in log odds, its standard error, and the number of independent plans behind it."""

    weight: float
    error: float
    plans: int


@dataclass(frozen=True)
class FittedCurve:
    """The curve of a timeframe: as measured on its plans alone, and the one that counts."""

    own: Curve
    counts: Curve


def cluster_weeks(timeframe: Timeframe) -> int:
    """Return the length of a cluster of plans: a week up to hours, four with 4h, 24 with days."""
    return max(1, math.ceil(CLUSTER_CANDLES * timeframe.ms / WEEK_MS))


def too_few(samples: MeasuredPlans, timeframe: Timeframe) -> str | None:
    """Return what the plans lack for a curve, in words; None where there are enough."""
    clusters = count_clusters(samples.times_ms, timeframe)
    if clusters >= MIN_CLUSTERS:
        return None
    needed, found = (cluster_weeks(timeframe) * count for count in (MIN_CLUSTERS, clusters))
    return f"evidence of {timeframe} candles needs plans of {needed} weeks, there are {found}"


def fit_curve(samples: MeasuredPlans, timeframe: Timeframe) -> Curve:
    """Return the curve of plans: log odds of chance, plus weight times support, shrunk towards zero.

    It is fitted by quasi-likelihood, so that a plan that ended at its time limit counts by its result. The
    error is the sandwich over clusters of time: plans that overlap, and markets that move together, share their chance.

    Args:
        samples: Plans of one timeframe.
        timeframe: Theirs.

    Raises:
        InsufficientData: plans of fewer than 26 clusters.

    Source: McCullagh and Nelder, Generalized Linear Models (1989), chapter 9; Liang and Zeger, Longitudinal Data
    Analysis Using Generalized Linear Models (1986).
    """
    if lack := too_few(samples, timeframe):
        raise InsufficientData(lack)
    return _fit(samples, timeframe, 0.0, PRIOR_DEVIATION)


def refit_curve(samples: MeasuredPlans, timeframe: Timeframe, weight: float, error: float) -> Curve:
    """Return a known curve after more plans: the mean of both by their precision; `plans` are the new ones alone.

    Args:
        samples: Plans that the known curve was not fitted on, of 2 clusters or more.
        timeframe: Theirs.
        weight: Of the known curve.
        error: Its standard error, above 0.

    Source: as `fit_curves`.
    """
    return _mean_by_precision(_fit(samples, timeframe, weight, FLAT_DEVIATION), weight, error)


def count_clusters(times_ms: IntArray, timeframe: Timeframe) -> int:
    """Return the number of clusters of time that plans made at some times belong to."""
    return len(np.unique(_clusters(times_ms, timeframe)))


def _fit(samples: MeasuredPlans, timeframe: Timeframe, believed: float, deviation: float) -> Curve:
    """Fit the weight, believed to be about `believed` give or take `deviation`."""
    _, places = np.unique(_clusters(samples.times_ms, timeframe), return_inverse=True)
    support, wins, prior = samples.support, samples.wins, deviation**-2
    weight, step, bend = believed, 1.0, 1.0
    for _ in range(_STEPS):
        if abs(step) < _ENOUGH:
            break
        chances = chance(support * weight)
        bend = float((support**2) @ (chances * (1 - chances))) + prior
        step = (float(support @ (wins - chances)) - prior * (weight - believed)) / bend
        weight += step
    errors = support * (wins - chance(support * weight))
    variance = float((np.bincount(places, errors) ** 2).sum()) / bend**2
    single = float((errors**2).sum()) / bend**2
    return Curve(weight, math.sqrt(variance), round(len(samples) / max(variance / max(single, _ENOUGH), 1.0)))


def fit_curves(samples: Mapping[Timeframe, MeasuredPlans]) -> dict[Timeframe, FittedCurve]:
    """Return the curve of each timeframe; those with fewer independent plans than the main one are shrunk.

    Without a record of its own a timeframe is given half of the weight of another. So that much is believed of it
    beforehand, give or take as much, and the curve is the mean of belief and measurement by their precision.

    Raises:
        InsufficientData: plans of a timeframe come from too few clusters.

    Source: Gelman et al., Bayesian Data Analysis (2013), section 2.5, a normal mean with known variance.
    """
    measured = {timeframe: fit_curve(plans, timeframe) for timeframe, plans in samples.items()}
    main = max(measured.values(), key=lambda curve: curve.plans)
    believed = UNMEASURED_SHARE * main.weight
    believed_error = UNMEASURED_SHARE * math.hypot(main.weight, main.error)
    return {
        timeframe: FittedCurve(own, own if own is main else _mean_by_precision(own, believed, believed_error))
        for timeframe, own in measured.items()
    }


def _mean_by_precision(own: Curve, believed: float, believed_error: float) -> Curve:
    measured, before = own.error**-2, believed_error**-2
    weight = (measured * own.weight + before * believed) / (measured + before)
    return Curve(weight, (measured + before) ** -0.5, own.plans)


def chance(log_odds: FloatArray) -> FloatArray:
    """Return the probability that the target comes first, given log odds beyond those of chance."""
    chances: FloatArray = 1 / (1 + np.exp(math.log(REWARD) - log_odds))
    return chances


def clustered_mean(values: FloatArray, times_ms: IntArray, timeframe: Timeframe) -> tuple[float, float]:
    """Return the mean of values and its standard error over clusters of time, both NaN without values.

    Source: as the sandwich above, for a mean.
    """
    if not len(values):
        return math.nan, math.nan
    _, places = np.unique(_clusters(times_ms, timeframe), return_inverse=True)
    mean = float(values.mean())
    sums = np.bincount(places, values - mean)
    return mean, float(math.sqrt((sums**2).sum()) / len(values))


def _clusters(times_ms: IntArray, timeframe: Timeframe) -> IntArray:
    clusters: IntArray = times_ms // (cluster_weeks(timeframe) * WEEK_MS)
    return clusters
