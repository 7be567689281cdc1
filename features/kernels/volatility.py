"""Volatility: ranges, bands and deviations of the price."""

from __future__ import annotations

import numpy as np

from domain.arrays import FloatArray
from features.kernels.candles import Candles, newest, shared, true_ranges
from features.kernels.recursions import wilder
from features.kernels.trend import exponential_average, simple_average
from features.kernels.windows import rolling_deviation, rolling_max, rolling_min, rolling_squares, rolling_sum


@shared
def average_true_range(candles: Candles, period: int) -> FloatArray:
    """Return the Average True Range by Wilder; the first candle, without a previous close, counts with its range."""
    ranges = np.empty(candles.close.shape)
    ranges[..., 0] = candles.high[..., 0] - candles.low[..., 0]
    ranges[..., 1:] = true_ranges(candles)
    return wilder(ranges, period)


@shared
def _half_width(candles: Candles, period: int, deviations: float) -> FloatArray:
    """Return `deviations` standard deviations (population) of the last `period` closes."""
    squares = rolling_squares(candles.close, period, simple_average(candles, period))
    return deviations * np.sqrt(squares / period)


def bollinger_upper(candles: Candles, period: int, deviations: float) -> FloatArray:
    """Return the SMA plus `deviations` standard deviations."""
    return simple_average(candles, period) + _half_width(candles, period, deviations)


def bollinger_middle(candles: Candles, period: int) -> FloatArray:
    """Return the SMA."""
    return simple_average(candles, period)


def bollinger_lower(candles: Candles, period: int, deviations: float) -> FloatArray:
    """Return the SMA less `deviations` standard deviations."""
    return simple_average(candles, period) - _half_width(candles, period, deviations)


def bollinger_width(candles: Candles, period: int, deviations: float) -> FloatArray:
    """Return the distance of the bands in percent of the middle."""
    return 200 * _half_width(candles, period, deviations) / simple_average(candles, period)


def bollinger_percent_b(candles: Candles, period: int, deviations: float) -> FloatArray:
    """Return where the close stands: 0 on the lower band, 1 on the upper; NaN without a width."""
    above = candles.close[period - 1 :] - simple_average(candles, period)
    return 0.5 + 0.5 * (above / _half_width(candles, period, deviations))


def keltner_upper(candles: Candles, period: int, range_period: int, ranges: float) -> FloatArray:
    """Return the EMA plus `ranges` average true ranges."""
    return _keltner(candles, period, range_period, ranges)


def keltner_middle(candles: Candles, period: int) -> FloatArray:
    """Return the EMA."""
    return exponential_average(candles, period)


def keltner_lower(candles: Candles, period: int, range_period: int, ranges: float) -> FloatArray:
    """Return the EMA less `ranges` average true ranges."""
    return _keltner(candles, period, range_period, -ranges)


def _keltner(candles: Candles, period: int, range_period: int, ranges: float) -> FloatArray:
    count = len(candles) - max(period, range_period) + 1
    middle = newest(exponential_average(candles, period), count)
    return middle + ranges * newest(average_true_range(candles, range_period), count)


@shared
def donchian_upper(candles: Candles, period: int) -> FloatArray:
    """Return the highest high."""
    return rolling_max(candles.high, period)


@shared
def donchian_lower(candles: Candles, period: int) -> FloatArray:
    """Return the lowest low."""
    return rolling_min(candles.low, period)


def ulcer_index(candles: Candles, period: int) -> FloatArray:
    """Return the root mean square of the drawdowns, in percent, each from the highest of `period` closes."""
    highest = rolling_max(candles.close, period)
    drawdowns = 100 * (candles.close[period - 1 :] / highest - 1)
    return np.sqrt(rolling_sum(drawdowns * drawdowns, period) / period)


def historical_volatility(candles: Candles, period: int) -> FloatArray:
    """Return the sample standard deviation of the log-returns, in percent per candle."""
    logs = np.log(candles.close)
    return 100 * rolling_deviation(logs[1:] - logs[:-1], period)
