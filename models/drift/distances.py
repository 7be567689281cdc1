"""Distances between the distribution of a feature in training and now."""

from __future__ import annotations

import numpy as np

from domain.arrays import Float32Array, FloatArray

# A share of 0 has no logarithm; this is less than one row of any stretch that is compared.
FLOOR = 1e-4


def population_stability(expected: FloatArray, actual: FloatArray) -> float:
    """Return the population stability index of two distributions over the same bins: 0 where equal, symmetric.

    It is the sum over bins of (a - e) ln(a / e), with shares floored at 0.0001, since empty bins have no logarithm.
    By convention 0.1 is worth a notice and 0.25 an alarm.

    Args:
        expected: Shares in training, shape (bins,), sum 1.
        actual: Shares now, as `expected`.

    Source: Siddiqi, Credit Risk Scorecards (2006); it is the symmetric divergence of Jeffreys, An Invariant Form for
        the Prior Probability in Estimation Problems (1946).
    """
    e, a = np.maximum(expected, FLOOR), np.maximum(actual, FLOOR)
    return float(np.sum((a - e) * np.log(a / e)))


def kolmogorov_smirnov(first: Float32Array, second: Float32Array) -> float:
    """Return the greatest distance of two empirical distribution functions, 0 to 1.

    Args:
        first: Sorted values, shape (n,), n >= 1.
        second: Sorted values, shape (m,), m >= 1.

    Source: Smirnov, Table for Estimating the Goodness of Fit of Empirical Distributions (1948).
    """
    values = np.concatenate((first, second))
    below_first = np.searchsorted(first, values, side="right") / len(first)
    below_second = np.searchsorted(second, values, side="right") / len(second)
    return float(np.abs(below_first - below_second).max())


def bin_edges(ordered: Float32Array, bins: int) -> Float32Array:
    """Return edges between bins of equal probability, shape (bins - 1,), ascending; +inf where a bin is not needed.

    A value that takes the place of several edges, such as the 0 of a pattern that is rare, gets a bin of its own:
    else it would share one with all that lies above it.

    Args:
        ordered: Sorted values, shape (n,), n >= 1.
        bins: Number of bins.
    """
    inner = np.quantile(ordered, np.arange(1, bins) / bins, method="inverted_cdf").astype(np.float32)
    values, counts = np.unique(inner, return_counts=True)
    repeated = values[counts > 1]
    edges = np.unique(np.concatenate((values, np.nextafter(repeated, np.float32(np.inf)))))
    return np.pad(edges, (0, bins - 1 - len(edges)), constant_values=np.float32(np.inf))


def shares(ordered: Float32Array, edges: Float32Array) -> FloatArray:
    """Return the share of the values in each bin, shape (edges + 1,), sum 1; an edge belongs to the bin above it.

    Args:
        ordered: Sorted values, shape (n,), n >= 1.
        edges: As of `bin_edges`.
    """
    below = np.searchsorted(ordered, edges, side="left")
    counts: FloatArray = np.diff(below, prepend=0, append=len(ordered)).astype(np.float64)
    return counts / len(ordered)
