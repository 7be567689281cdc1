"""Sums, extremes and deviations of the last `window` values, by doubling.

The result for 2k values is made of two results for k, so that any window takes about log2(window)
passes. Each window is summed from its own values: nothing drifts as a running sum does, and
an infinity or NaN has no effect once it has left the window.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from domain.arrays import FloatArray

# Windows are spread out in pieces of this many rows, which fit into the processor's cache.
PIECE = 2048


def rolling_sum(values: FloatArray, window: int) -> FloatArray:
    """Return the sums of `window` values: `window - 1` fewer than `values`."""
    part, span = values, 1
    while not window & span:
        part, span = part[..., span:] + part[..., :-span], 2 * span
    total, covered = part, span
    while covered < window:
        part, span = part[..., span:] + part[..., :-span], 2 * span
        if window & span:
            total, covered = total[..., span:] + part[..., :-covered], covered + span
    return total


def rolling_mean(values: FloatArray, window: int) -> FloatArray:
    """Return the means of `window` values."""
    return rolling_sum(values, window) / window


def rolling_max(values: FloatArray, window: int) -> FloatArray:
    """Return the largest of `window` values."""
    span = 1
    while 2 * span <= window:
        values, span = np.maximum(values[..., span:], values[..., :-span]), 2 * span
    rest = window - span
    return np.maximum(values[..., rest:], values[..., :-rest]) if rest else values


def rolling_min(values: FloatArray, window: int) -> FloatArray:
    """Return the smallest of `window` values."""
    span = 1
    while 2 * span <= window:
        values, span = np.minimum(values[..., span:], values[..., :-span]), 2 * span
    rest = window - span
    return np.minimum(values[..., rest:], values[..., :-rest]) if rest else values


def rolling_squares(values: FloatArray, window: int, means: FloatArray) -> FloatArray:
    """Return the sums of the squared differences of `window` values from their given mean.

    Differences come first, so that no large numbers cancel, as they do in the mean of squares less
    the square of the mean. Exactly 0 where all values are equal.
    """
    squares = np.empty(len(means))
    for piece, apart in _from_means(values, window, means):
        squares[piece] = _added(np.multiply(apart, apart, out=apart))
    return _zero_where_equal(values, window, squares)


def rolling_deviation(values: FloatArray, window: int) -> FloatArray:
    """Return the standard deviations, with divisor `window - 1`, of `window` values."""
    return np.sqrt(rolling_squares(values, window, rolling_mean(values, window)) / (window - 1))


def rolling_skew(values: FloatArray, window: int) -> FloatArray:
    """Return the third central moments of `window` values over their variance^1.5; not finite where all are equal."""
    means = rolling_mean(values, window)
    cubes = np.empty(len(means))
    for piece, apart in _from_means(values, window, means):
        # Multiplied out: numpy takes ten times as long for a power of 3.
        cubes[piece] = _added(apart * apart * apart)
    variance = rolling_squares(values, window, means) / window
    return cubes / window / (variance * np.sqrt(variance))


def mean_deviation(values: FloatArray, window: int, means: FloatArray) -> FloatArray:
    """Return the mean absolute difference of `window` values from their given mean; 0 where all are equal."""
    deviations = np.empty(len(means))
    for piece, apart in _from_means(values, window, means):
        deviations[piece] = _added(np.abs(apart, out=apart))
    return _zero_where_equal(values, window, deviations) / window


def _added(rows: FloatArray) -> FloatArray:
    """Return the sum of the rows, added one by one: numpy adds a single column in another order than several."""
    total: FloatArray = np.add.reduce(rows, axis=0) if rows.shape[1] > 1 else np.add.accumulate(rows, axis=0)[-1]
    return total


def _zero_where_equal(values: FloatArray, window: int, sums: FloatArray) -> FloatArray:
    # The mean of equal values is rounded, so their differences from it may not be 0.
    if np.count_nonzero(values[1:] == values[:-1]) >= window - 1:
        sums[rolling_max(values, window) == rolling_min(values, window)] = 0.0
    return sums


def _from_means(values: FloatArray, window: int, means: FloatArray) -> Iterator[tuple[slice, FloatArray]]:
    """Yield pieces of the windows, and the difference of each value from its window's mean as (window, piece)."""
    for start in range(0, len(means), PIECE):
        piece = slice(start, min(start + PIECE, len(means)))
        # Row k holds the k-th value of every window: the same values, shifted, without a copy.
        spread = np.ndarray((window, piece.stop - start), values.dtype, values, 8 * start, (8, 8))
        yield piece, spread - means[piece]


def age_of_max(values: FloatArray, window: int) -> FloatArray:
    """Return the age, in values, of the largest of `window` values in each row; of equal ones, the oldest counts."""
    last = np.arange(float(values.shape[-1]))
    places, span = last, 1
    while 2 * span <= window:
        values, places = _older_or_larger(values, places, span)
        span *= 2
    if span < window:
        places = _older_or_larger(values, places, window - span)[1]
    return last[window - 1 :] - places


def _older_or_larger(values: FloatArray, places: FloatArray, shift: int) -> tuple[FloatArray, FloatArray]:
    late, early = values[..., shift:], values[..., :-shift]
    return np.maximum(late, early), np.where(late > early, places[..., shift:], places[..., :-shift])
