"""Momentum: the speed of the price and its place within the recent range."""

from __future__ import annotations

import numpy as np

from domain.arrays import FloatArray
from features.kernels.candles import Candles, moves, newest, shared, true_lows
from features.kernels.recursions import decayed, ema
from features.kernels.trend import exponential_average, true_range_sum
from features.kernels.volatility import donchian_lower, donchian_upper
from features.kernels.windows import rolling_max, rolling_mean, rolling_min, rolling_sum

# RSI of a market that has not moved: average gain equals average loss. `ta` says 100.
FLAT_RSI = 50.0
# While the close does not move, RSI changes in its last digits only: a range of this size is rounding.
RSI_NOISE = 1e-9


@shared
def rsi(candles: Candles, period: int) -> FloatArray:
    """Return 100 · gains / (gains + losses), each averaged as Wilder does; 50 while nothing has moved."""
    changes = moves(candles)
    risen, fallen = decayed(np.array([np.maximum(changes, 0.0), np.maximum(-changes, 0.0)]), 1 - 1 / period)
    total = risen + fallen
    values: FloatArray = 100 * (risen / total)
    values[total == 0] = FLAT_RSI
    return values[..., period - 2 :]


def stochastic_rsi(candles: Candles, period: int) -> FloatArray:
    """Return where the RSI stands in its own range; NaN without one."""
    values = rsi(candles, period)
    lowest = rolling_min(values, period)
    spread = rolling_max(values, period) - lowest
    return (values[..., period - 1 :] - lowest) / np.where(spread > RSI_NOISE, spread, np.nan)


@shared
def ppo(candles: Candles, fast: int, slow: int) -> FloatArray:
    """Return the fast less the slow EMA, in percent of the slow one."""
    count = len(candles) - max(fast, slow) + 1
    average = newest(exponential_average(candles, slow), count)
    return 100 * (newest(exponential_average(candles, fast), count) - average) / average


@shared
def ppo_signal(candles: Candles, fast: int, slow: int, signal: int) -> FloatArray:
    """Return the EMA of PPO."""
    return ema(ppo(candles, fast, slow), signal)


def ppo_histogram(candles: Candles, fast: int, slow: int, signal: int) -> FloatArray:
    """Return PPO less its signal."""
    return ppo(candles, fast, slow)[..., signal - 1 :] - ppo_signal(candles, fast, slow, signal)


@shared
def stochastic_k(candles: Candles, period: int) -> FloatArray:
    """Return where the close stands in the range; NaN without one."""
    lowest, highest = donchian_lower(candles, period), donchian_upper(candles, period)
    return 100 * ((candles.close[period - 1 :] - lowest) / (highest - lowest))


def stochastic_d(candles: Candles, period: int, smoothing: int) -> FloatArray:
    """Return the SMA of %K."""
    return rolling_mean(stochastic_k(candles, period), smoothing)


def williams_r(candles: Candles, period: int) -> FloatArray:
    """Return the same position, counted down from the high; NaN without a range."""
    lowest, highest = donchian_lower(candles, period), donchian_upper(candles, period)
    return -100 * ((highest - candles.close[period - 1 :]) / (highest - lowest))


def percent_change(values: FloatArray, period: int) -> FloatArray:
    """Return the change against `period` values before, in percent; NaN after a zero."""
    before = values[:-period]
    return 100 * ((values[period:] - before) / before)


def roc(candles: Candles, period: int) -> FloatArray:
    """Return the percent change of the close."""
    return percent_change(candles.close, period)


def ultimate_oscillator(candles: Candles, short: int, middle: int, long: int) -> FloatArray:
    """Return the close above its true low over the true range, over three windows weighted 4, 2 and 1."""
    pressure = candles.close[1:] - true_lows(candles)
    total = np.zeros(len(candles) - max(short, middle, long))
    for weight, period in zip((4, 2, 1), (short, middle, long), strict=True):
        total += weight * newest(rolling_sum(pressure, period) / true_range_sum(candles, period), len(total))
    return total * (100 / 7)


def tsi(candles: Candles, slow: int, fast: int) -> FloatArray:
    """Return the twice smoothed moves over the twice smoothed sizes of the moves, in percent."""
    changes = moves(candles)
    net, whole = ema(ema(np.array([changes, np.abs(changes)]), slow), fast)
    shares: FloatArray = 100 * (net / whole)
    return shares


def awesome_oscillator(candles: Candles, fast: int, slow: int) -> FloatArray:
    """Return the fast less the slow SMA of the middle of each candle."""
    middles = (candles.high + candles.low) / 2
    count = len(middles) - max(fast, slow) + 1
    return newest(rolling_mean(middles, fast), count) - newest(rolling_mean(middles, slow), count)
