"""The kernels' rolling reductions at full length: each row looks at the rows before it, the first are NaN."""

from __future__ import annotations

import numpy as np

from features.kernels import windows
from features.kernels.candles import FloatArray


def shifted(values: FloatArray, rows: int) -> FloatArray:
    """Return the values of `rows` >= 1 rows before; the first `rows` are NaN."""
    result = np.full(len(values), np.nan)
    result[rows:] = values[:-rows]
    return result


def change(values: FloatArray, rows: int) -> FloatArray:
    """Return the relative change against `rows` before, as a fraction; not finite after a zero."""
    return values / shifted(values, rows) - 1.0


def rolling_sum(values: FloatArray, period: int) -> FloatArray:
    """Return the sum of the newest `period` rows; the first `period - 1` are NaN."""
    return _padded(values, period, windows.rolling_sum(values, period) if len(values) >= period else values[:0])


def rolling_mean(values: FloatArray, period: int) -> FloatArray:
    """Return the mean of the newest `period` rows; the first `period - 1` are NaN."""
    return rolling_sum(values, period) / period


def rolling_max(values: FloatArray, period: int) -> FloatArray:
    """Return the largest of the newest `period` rows; the first `period - 1` are NaN."""
    return _padded(values, period, windows.rolling_max(values, period) if len(values) >= period else values[:0])


def rolling_min(values: FloatArray, period: int) -> FloatArray:
    """Return the smallest of the newest `period` rows; the first `period - 1` are NaN."""
    return _padded(values, period, windows.rolling_min(values, period) if len(values) >= period else values[:0])


def rolling_std(values: FloatArray, period: int) -> FloatArray:
    """Return the standard deviation (divisor `period - 1`); the first `period - 1` rows are NaN."""
    squares = windows.rolling_squares(values, period) if len(values) >= period else values[:0]
    return np.sqrt(_padded(values, period, squares) / (period - 1))


def rolling_skew(values: FloatArray, period: int) -> FloatArray:
    """Return the third central moment over the variance to the power 1.5; not finite where nothing moves."""
    count = max(0, len(values) - period + 1)
    mean, third = rolling_mean(values, period)[len(values) - count :], np.zeros(count)
    for row in range(period if count else 0):
        deviation = values[row : row + count] - mean
        # Multiplied out: numpy takes ten times as long for a power of 3.
        third += deviation * deviation * deviation
    variance = rolling_std(values, period) ** 2 * ((period - 1) / period)
    skew: FloatArray = _padded(values, period, third / period) / (variance * np.sqrt(variance))
    return skew


def _padded(values: FloatArray, period: int, reduced: FloatArray) -> FloatArray:
    result = np.full(len(values), np.nan)
    result[period - 1 :] = reduced
    return result
