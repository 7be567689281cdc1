"""Trend: averages of the price, differences of them, direction and its strength."""

from __future__ import annotations

import numpy as np

from domain.arrays import FloatArray
from features.kernels.candles import Candles, moves, newest, share, shared, true_ranges, typical
from features.kernels.recursions import ema, varying, wilder
from features.kernels.sequential import parabolic
from features.kernels.windows import age_of_max, mean_deviation, rolling_max, rolling_mean, rolling_min, rolling_sum

# Lambert's constant, with which two thirds of all values lie within -100 to 100.
CCI_CONSTANT = 0.015


@shared
def exponential_average(candles: Candles, period: int) -> FloatArray:
    """Return the EMA of the close."""
    return ema(candles.close, period)


@shared
def simple_average(candles: Candles, period: int) -> FloatArray:
    """Return the SMA of the close."""
    return rolling_mean(candles.close, period)


def weighted_average(candles: Candles, period: int) -> FloatArray:
    """Return the average of the closes with weights 1 (oldest) to `period` (newest)."""
    weights = np.arange(1.0, period + 1) * (2 / (period * (period + 1)))
    return np.correlate(candles.close, weights, "valid")


def adaptive_average(candles: Candles, period: int, fast: int, slow: int) -> FloatArray:
    """Return KAMA: the straighter the path of `period` candles, the more weight the newest close has."""
    close = candles.close
    ways = rolling_sum(np.abs(moves(candles)), period)
    efficiency = share(np.abs(close[..., period:] - close[..., :-period]), ways)
    slowest = 2 / (slow + 1)
    # The first value is the close itself.
    alphas = np.zeros((*close.shape[:-1], len(candles) - period + 1))
    alphas[..., 1:] = (efficiency * (2 / (fast + 1) - slowest) + slowest) ** 2
    return varying(close[..., period - 1 :], alphas)


@shared
def macd(candles: Candles, fast: int, slow: int) -> FloatArray:
    """Return the fast less the slow EMA."""
    count = len(candles) - max(fast, slow) + 1
    return newest(exponential_average(candles, fast), count) - newest(exponential_average(candles, slow), count)


@shared
def macd_signal(candles: Candles, fast: int, slow: int, signal: int) -> FloatArray:
    """Return the EMA of MACD."""
    return ema(macd(candles, fast, slow), signal)


def macd_histogram(candles: Candles, fast: int, slow: int, signal: int) -> FloatArray:
    """Return MACD less its signal."""
    return macd(candles, fast, slow)[..., signal - 1 :] - macd_signal(candles, fast, slow, signal)


def triple_exponential(candles: Candles, period: int) -> FloatArray:
    """Return the percent change of an EMA of an EMA of an EMA."""
    smoothed = ema(ema(exponential_average(candles, period), period), period)
    return 100 * (smoothed[..., 1:] - smoothed[..., :-1]) / smoothed[..., :-1]


def detrended(candles: Candles, period: int) -> FloatArray:
    """Return the close of period / 2 + 1 candles ago less the newest SMA: shifted back, so it is causal."""
    shift = period // 2 + 1
    count = len(candles) - max(period - 1, shift)
    return newest(candles.close[:-shift], count) - newest(simple_average(candles, period), count)


@shared
def _aroon(candles: Candles, period: int) -> FloatArray:
    """Return Aroon up and down as two rows."""
    ages = age_of_max(np.array([candles.high, -candles.low]), period + 1)
    return 100 - 100 / period * ages


def aroon_up(candles: Candles, period: int) -> FloatArray:
    """Return how recent the highest high of `period` + 1 candles is: 100 now, 0 at the far end."""
    up: FloatArray = _aroon(candles, period)[0]
    return up


def aroon_down(candles: Candles, period: int) -> FloatArray:
    """Return how recent the lowest low of `period` + 1 candles is: 100 now, 0 at the far end."""
    down: FloatArray = _aroon(candles, period)[1]
    return down


@shared
def _directional(candles: Candles, period: int) -> FloatArray:
    """Return +DI and -DI along the first axis, from the row `period` on; 0 where nothing has moved."""
    up = candles.high[..., 1:] - candles.high[..., :-1]
    down = candles.low[..., :-1] - candles.low[..., 1:]
    moved = np.array([up * (up > np.maximum(down, 0.0)), down * (down > np.maximum(up, 0.0)), true_ranges(candles)])
    averages = wilder(moved, period)
    return 100 * share(averages[:2], averages[2])


def plus_di(candles: Candles, period: int) -> FloatArray:
    """Return Wilder's +DI, from the row after its seed on, as `ta` does."""
    values: FloatArray = _directional(candles, period)[0, ..., 1:]
    return values


def minus_di(candles: Candles, period: int) -> FloatArray:
    """Return Wilder's -DI, from the row after its seed on, as `ta` does."""
    values: FloatArray = _directional(candles, period)[1, ..., 1:]
    return values


def adx(candles: Candles, period: int) -> FloatArray:
    """Return Wilder's average of the DX, 100 · |+DI - -DI| / (+DI + -DI)."""
    plus, minus = _directional(candles, period)
    return 100 * wilder(share(np.abs(plus - minus), plus + minus), period)


def cci(candles: Candles, period: int) -> FloatArray:
    """Return the typical price less its SMA over 0.015 mean absolute deviations; not finite where it has not moved."""
    prices = typical(candles)
    means = rolling_mean(prices, period)
    return (prices[period - 1 :] - means) / (CCI_CONSTANT * mean_deviation(prices, period, means))


@shared
def _middle(candles: Candles, period: int) -> FloatArray:
    """Return the middle between the highest high and the lowest low."""
    return (rolling_max(candles.high, period) + rolling_min(candles.low, period)) / 2


def ichimoku_a(candles: Candles, conversion: int, base: int) -> FloatArray:
    """Return the mean of the conversion and the base line, at the candle it is computed from."""
    count = len(candles) - max(conversion, base) + 1
    return (newest(_middle(candles, conversion), count) + newest(_middle(candles, base), count)) / 2


def ichimoku_b(candles: Candles, period: int) -> FloatArray:
    """Return the middle of the longest window, at the candle it is computed from."""
    return _middle(candles, period)


def psar(candles: Candles, step: float, maximum: float) -> FloatArray:
    """Return the parabolic stop and reverse."""
    return parabolic(candles.high, candles.low, candles.close[..., 1], step, maximum)


@shared
def know_sure_thing(candles: Candles, *periods: int) -> FloatArray:
    """Return the weighted sum, 1 to 4, of the averages of four rates of change, in percent."""
    changes, windows, close = periods[:4], periods[4:], candles.close
    count = len(close) - max(change + window for change, window in zip(changes, windows, strict=True)) + 1
    total = np.zeros(count)
    for weight, change, window in zip((1, 2, 3, 4), changes, windows, strict=True):
        total += weight * newest(rolling_mean(close[change:] / close[:-change] - 1, window), count)
    return 100 * total


def know_sure_thing_signal(candles: Candles, *periods: int) -> FloatArray:
    """Return the SMA, with the last of the periods, of the know sure thing."""
    return rolling_mean(know_sure_thing(candles, *periods[:-1]), periods[-1])


def mass_index(candles: Candles, fast: int, slow: int) -> FloatArray:
    """Return the sum of the ratios of an EMA of the candles' ranges to the EMA of that EMA."""
    once = ema(candles.high - candles.low, fast)
    return rolling_sum(once[..., fast - 1 :] / ema(once, fast), slow)


@shared
def true_range_sum(candles: Candles, period: int) -> FloatArray:
    """Return the sum of `period` true ranges."""
    return rolling_sum(true_ranges(candles), period)


def vortex_plus(candles: Candles, period: int) -> FloatArray:
    """Return the moves from the previous low to the high, over the true ranges."""
    rises = np.abs(candles.high[1:] - candles.low[:-1])
    return rolling_sum(rises, period) / true_range_sum(candles, period)


def vortex_minus(candles: Candles, period: int) -> FloatArray:
    """Return the moves from the previous high to the low, over the true ranges."""
    falls = np.abs(candles.low[1:] - candles.high[:-1])
    return rolling_sum(falls, period) / true_range_sum(candles, period)
