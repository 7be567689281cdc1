"""The average true range at every candle of a series, or at its newest."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from domain.arrays import FloatArray
from domain.market import CandleSeries
from features.kernels.candles import Candles
from features.kernels.volatility import average_true_range

# The average true range has forgotten older candles, as a multiple of its period.
REMEMBERED_PERIODS = 20


def average_true_ranges(series: CandleSeries, period: int) -> FloatArray:
    """Return the average true range at each of n candles from the first on, shape (n,), NaN in its warm-up."""
    ranges = np.full(len(series), np.nan)
    if len(series) >= period:
        known = average_true_range(Candles(series.values.T), period)
        ranges[len(ranges) - len(known) :] = known
    return ranges


def newest_average_true_range(series: CandleSeries, period: int) -> float:
    """Return the last of `average_true_ranges` from the newest candles alone, NaN of fewer than `period`.

    Those before `REMEMBERED_PERIODS` would change it by less than 1e-8 of itself.
    """
    values = series.values[-REMEMBERED_PERIODS * period :]
    return np.nan if len(values) < period else float(_weights(period, len(values)) @ _true_ranges(values))


def widest_share(series: CandleSeries, period: int) -> float:
    """Return the largest share that a single candle has in the newest average true range, 0 to 1.

    It is 0 where nothing moves, and of fewer candles than `period`.
    """
    values = series.values[-REMEMBERED_PERIODS * period :]
    if len(values) < period:
        return 0.0
    parts = _weights(period, len(values)) * _true_ranges(values)
    whole = float(parts.sum())
    return float(parts.max()) / whole if whole > 0 else 0.0


def _true_ranges(values: FloatArray) -> FloatArray:
    highs, lows, closes = values[:, 1], values[:, 2], values[:, 3]
    ranges: FloatArray = highs - lows
    ranges[1:] = np.maximum(highs[1:], closes[:-1]) - np.minimum(lows[1:], closes[:-1])
    return ranges


@lru_cache(maxsize=256)
def _weights(period: int, candles: int) -> FloatArray:
    """Return the weight of each true range in Wilder's average, oldest first: the first ones count as their mean."""
    weights = (1 - 1 / period) ** np.arange(candles - 1, -1, -1) / period
    weights[:period] = (1 - 1 / period) ** (candles - period) / period
    return weights
