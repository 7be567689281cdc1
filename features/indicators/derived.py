"""The indicators of the rules that are made of others: relative range, its rank, and the balance of the volume."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import numpy as np

from domain.arrays import FloatArray
from features.kernels.candles import Candles
from features.kernels.windows import rolling_sum


def range_percent(average_true_range: FloatArray, closes: FloatArray) -> FloatArray:
    """Return the average true range in percent of the close; NaN where that overflows."""
    percent = 100 * average_true_range / closes
    percent[np.isinf(percent)] = np.nan
    return percent


def percentile(values: FloatArray) -> FloatArray:
    """Return the mean rank of each value among those up to it, in percent: 100 for the largest of all."""
    ranks = np.full(len(values), np.nan)
    places = np.flatnonzero(np.isfinite(values))
    known: list[float] = []
    doubled: list[int] = []
    for value in values[places].tolist():
        up_to = bisect_right(known, value)
        # Equal values share the mean of their ranks.
        doubled.append(bisect_left(known, value, 0, up_to) + up_to + 2)
        known.insert(up_to, value)
    ranks[places] = 50 * np.array(doubled, dtype=np.float64) / np.arange(1, len(known) + 1)
    return ranks


def newest_percentile(values: FloatArray) -> FloatArray:
    """Return the last of `percentile` for each row of an array of shape (m, n), m numbers."""
    newest = values[:, -1:]
    doubled = np.add.reduce(values < newest, axis=1) + np.add.reduce(values <= newest, axis=1) + 1
    known = np.add.reduce(np.isfinite(values), axis=1)
    return np.where(np.isfinite(newest[:, 0]), 50 * doubled / known, np.nan)


def volume_balance(candles: Candles, period: int) -> FloatArray:
    """Return the volume of rising less that of falling candles, over all volume of the last `period`.

    It is the change of the on-balance volume as a share, so that, unlike the running
    total, it does not depend on the first candle. Source: Granville (1963), normalized.
    """
    balance = np.full(len(candles), np.nan)
    if len(candles) > period:
        later = candles.volume[1:]
        signed = np.sign(candles.close[1:] - candles.close[:-1]) * later
        balance[period:] = rolling_sum(signed, period) / rolling_sum(later, period)
    return balance
