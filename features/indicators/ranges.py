"""The average true range at every candle of a series."""

from __future__ import annotations

import numpy as np

from domain.arrays import FloatArray
from domain.market import CandleSeries
from features.kernels.candles import Candles
from features.kernels.volatility import average_true_range


def average_true_ranges(series: CandleSeries, period: int) -> FloatArray:
    """Return the average true range at each of n candles from the first on, shape (n,), NaN in its warm-up."""
    ranges = np.full(len(series), np.nan)
    if len(series) >= period:
        known = average_true_range(Candles(series.values.T), period)
        ranges[len(ranges) - len(known) :] = known
    return ranges
