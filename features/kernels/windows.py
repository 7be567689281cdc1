"""Sums, extremes and deviations of the last `window` values, by doubling.

The result for 2k values is made of two results for k, so that any window takes some log2(window)
passes. Each value is added afresh in every window: nothing drifts as a running sum does, and
an infinity or NaN is forgotten once it has left the window.
"""

from __future__ import annotations

import numpy as np

from features.kernels.candles import FloatArray

# Windows are spread out in pieces of so many rows, which stay in the processor's cache.
PIECE = 2048


def rolling_sum(values: FloatArray, window: int) -> FloatArray:
    """Return the sums of `window` values: `window - 1` fewer than `values`."""
    part, span = values, 1
    while not window & span:
        part, span = part[span:] + part[:-span], 2 * span
    total, covered = part, span
    while covered < window:
        part, span = part[span:] + part[:-span], 2 * span
        if window & span:
            total, covered = total[span:] + part[: len(part) - covered], covered + span
    return total


def rolling_mean(values: FloatArray, window: int) -> FloatArray:
    """Return the means of `window` values."""
    return rolling_sum(values, window) / window


def rolling_max(values: FloatArray, window: int) -> FloatArray:
    """Return the largest of `window` values."""
    span = 1
    while 2 * span <= window:
        values, span = np.maximum(values[span:], values[:-span]), 2 * span
    rest = window - span
    return np.maximum(values[rest:], values[:-rest]) if rest else values


def rolling_min(values: FloatArray, window: int) -> FloatArray:
    """Return the smallest of `window` values."""
    span = 1
    while 2 * span <= window:
        values, span = np.minimum(values[span:], values[:-span]), 2 * span
    rest = window - span
    return np.minimum(values[rest:], values[:-rest]) if rest else values


def rolling_squares(values: FloatArray, window: int) -> FloatArray:
    """Return the sums of the squared differences from the mean of `window` values.

    Two parts merge by the rule of Chan, Golub and LeVeque (1979): no large numbers cancel, as they
    do in the mean of squares less the square of the mean. Exactly 0 where all values are equal.
    """
    part, squares, span = values, np.zeros(len(values)), 1
    total = total_squares = values[:0]
    covered = 0
    while True:
        if window & span:
            if covered:
                total, total_squares = _merge(total, total_squares, covered, part, squares, span)
            else:
                total, total_squares = part, squares
            covered += span
        if covered == window:
            break
        part, squares = _merge(part, squares, span, part, squares, span)
        span *= 2
    return _zero_where_equal(values, window, total_squares)


def _merge(
    late: FloatArray, late_squares: FloatArray, late_span: int, early: FloatArray, early_squares: FloatArray, span: int
) -> tuple[FloatArray, FloatArray]:
    """Return sums and squares over the `late_span` values that end here and the `span` values before them."""
    late, late_squares = late[span:], late_squares[span:]
    early, early_squares = early[: len(early) - late_span], early_squares[: len(early_squares) - late_span]
    apart = late - early if span == late_span else late * (span / late_span) - early
    apart *= apart
    apart *= late_span / (span * (span + late_span))
    apart += late_squares
    apart += early_squares
    return late + early, apart


def _zero_where_equal(values: FloatArray, window: int, squares: FloatArray) -> FloatArray:
    # Sums of equal values may be rounded differently, so look whether any window has moved.
    if window > 1 and (values[1:] == values[:-1]).any():
        squares[rolling_max(values, window) == rolling_min(values, window)] = 0.0
    return squares


def mean_deviation(values: FloatArray, window: int, means: FloatArray) -> FloatArray:
    """Return the mean absolute difference of `window` values from their given mean."""
    deviations = np.empty(len(means))
    for start in range(0, len(means), PIECE):
        piece = slice(start, min(start + PIECE, len(means)))
        width = piece.stop - start
        # Row k holds the k-th value of every window: the same values, shifted, without a copy.
        spread = np.ndarray((window, width), values.dtype, values, 8 * start, (8, 8)) - means[piece]
        deviations[piece] = np.abs(spread, out=spread).sum(axis=0)
    return deviations / window


def age_of_max(values: FloatArray, window: int) -> FloatArray:
    """Return how many values ago the largest of `window` values came, in each row; of equal ones, the oldest."""
    ages, span = np.zeros(values.shape), 1
    while 2 * span <= window:
        values, ages = _older_or_larger(values, ages, span)
        span *= 2
    return _older_or_larger(values, ages, window - span)[1] if span < window else ages


def _older_or_larger(values: FloatArray, ages: FloatArray, shift: int) -> tuple[FloatArray, FloatArray]:
    late, early = values[..., shift:], values[..., :-shift]
    newer = late > early
    return np.maximum(late, early), np.where(newer, ages[..., shift:], ages[..., :-shift] + shift)
