"""Variances of candles by their four prices, and what a forecast of volatility reads of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.arrays import FloatArray

# Candles over which variances are averaged; the last is the usual one that the others are compared with.
WINDOWS = (1, 6, 24, 120, 480)
# A wick counts as at most so many deviations of the `USUAL_CANDLES` before it: a bad tick or a crash of one trade would
# distort the forecasts of the next 480 candles. The move to the close always counts in full.
MAX_WICK = 10.0
USUAL_CANDLES = 120
# Least share of the usual variance that a window counts as: the logarithm of a flat candle has no bound.
_LEAST_SHARE = 1e-4
_LEAST_RATIO = 1e-2


@dataclass(frozen=True)
class VarianceRows:
    """What is known at the close of each of n candles; the first candles know shorter windows.

    Attributes:
        columns: Shape (n, 5): 1, and the logarithms of the mean variances over the first four `WINDOWS` less that
            over the last.
        ranged: Shape (n,), >= 0: mean variance by the ranges over the last of `WINDOWS`.
        ratios: Shape (n,), > 0: mean size of the returns over it, in mean deviations by the ranges.
    """

    columns: FloatArray
    ranged: FloatArray
    ratios: FloatArray

    @property
    def usual(self) -> FloatArray:
        """Usual variance of the log return of one candle, shape (n,), >= 0; ranges of few trades are too narrow."""
        return self.ranged * self.ratios**2


def candle_variances(values: FloatArray) -> FloatArray:
    """Return the variance of the log price over each candle, with the gap to the candle before, shape (n,), >= 0.

    It varies far less by chance than a squared return does. Wicks are bounded by `MAX_WICK`.

    Args:
        values: Shape (n, 5): open, high, low, close > 0, volume; oldest first.

    Source: Garman and Klass, On the Estimation of Security Price Volatilities from Historical Data (1980).
    """
    return _variances(_logs(values))


def _logs(values: FloatArray) -> FloatArray:
    """Return the logarithms of the four prices of n candles, shape (..., 4, n), each price in a row of its own."""
    logs: FloatArray = np.log(np.ascontiguousarray(values[..., :4].swapaxes(-2, -1)))
    return logs


def _variances(logs: FloatArray) -> FloatArray:
    """Return the variance of each candle, shape (..., n), by the logarithms of its prices, shape (..., 4, n)."""
    opens, highs, lows, closes = (logs[..., price, :] for price in range(4))
    within = 0.5 * (highs - lows) ** 2 - (2 * np.log(2) - 1) * (closes - opens) ** 2
    variances: FloatArray = np.maximum(within, 0.0)
    variances[..., 1:] += (opens[..., 1:] - closes[..., :-1]) ** 2
    usual = _means(variances, USUAL_CANDLES)[..., :-1]
    bounds = np.maximum(MAX_WICK**2 * usual, (closes[..., 1:] - closes[..., :-1]) ** 2)
    variances[..., 1:] = np.where(usual > 0, np.minimum(variances[..., 1:], bounds), variances[..., 1:])
    return variances


def variance_rows(values: FloatArray) -> VarianceRows:
    """Return what a forecast reads at the close of each candle, of that candle and those before it.

    Args:
        values: As in `candle_variances`.
    """
    logs = _logs(values)
    variances = _variances(logs)
    means = np.column_stack([_means(variances, window) for window in WINDOWS])
    sizes, deviations = (_means(part, WINDOWS[-1]) for part in _sizes(logs, variances))
    return _rows(means, sizes, deviations)


def newest_variance_rows(many: Sequence[FloatArray]) -> VarianceRows:
    """Return the last row of `variance_rows` of each of m >= 1 series, m rows."""
    newest = [values[-WINDOWS[-1] - USUAL_CANDLES - 1 :] for values in many]
    lengths = [len(values) for values in newest]
    means, sizes, deviations = np.empty((len(many), len(WINDOWS))), np.empty(len(many)), np.empty(len(many))
    for length in set(lengths):
        places = [at for at, own in enumerate(lengths) if own == length]
        logs = _logs(np.array([newest[at] for at in places]))
        variances = _variances(logs)
        for column, window in enumerate(WINDOWS):
            means[places, column] = variances[:, -window:].mean(axis=1)
        sizes[places], deviations[places] = (part[:, -WINDOWS[-1] :].mean(axis=1) for part in _sizes(logs, variances))
    return _rows(means, sizes, deviations)


def _rows(means: FloatArray, sizes: FloatArray, deviations: FloatArray) -> VarianceRows:
    ranged = means[:, -1:]
    shares = np.divide(means[:, :-1], ranged, out=np.ones_like(means[:, :-1]), where=ranged > 0)
    columns = np.column_stack([np.ones(len(means)), np.log(np.maximum(shares, _LEAST_SHARE))])
    ratios = np.divide(sizes, deviations, out=np.ones_like(sizes), where=deviations > 0)
    return VarianceRows(columns, ranged[:, 0], np.maximum(ratios, _LEAST_RATIO))


def _sizes(logs: FloatArray, variances: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the size of each log return and the deviation by the range; the first candle has no return."""
    deviations = np.sqrt(variances)
    sizes = deviations.copy()
    sizes[..., 1:] = np.abs(logs[..., 3, 1:] - logs[..., 3, :-1])
    return sizes, deviations


def _means(values: FloatArray, window: int) -> FloatArray:
    """Return the mean of the last `window` values at each of n, of fewer at the first ones; shape (..., n)."""
    count = values.shape[-1]
    sums: FloatArray = np.cumsum(values, axis=-1)
    sums[..., window:] -= sums[..., : max(0, count - window)].copy()
    return np.maximum(sums, 0.0) / np.minimum(np.arange(1, count + 1), window)
