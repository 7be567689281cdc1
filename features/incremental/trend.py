"""The machines of averages, direction and its strength; the formulas are those of `features.kernels.trend`."""

from __future__ import annotations

import math

from features.incremental.circuit import CLOSE, HIGH, LOW, Circuit, Step, machine
from features.incremental.machines import combined, delayed, difference, empty_ring, exponential, moved, quotient
from features.incremental.momentum import percent_change
from features.incremental.prices import candle_range, move_size, price_return, true_range, typical
from features.incremental.windows import rolling_max, rolling_mean, rolling_min, rolling_sum
from features.kernels.trend import CCI_CONSTANT


def ema(circuit: Circuit, period: int) -> int:
    """Make the EMA of the close."""
    return exponential(circuit, CLOSE, period)


def sma(circuit: Circuit, period: int) -> int:
    """Make the SMA of the close."""
    return rolling_mean(circuit, CLOSE, period)


@machine
def kama(circuit: Circuit, period: int, fast: int, slow: int) -> Step:
    """Make Kaufman's average: the more the moves of `period` candles add up, the more the close counts."""
    slots, net = circuit.slots, moved(circuit, CLOSE, period)
    way = rolling_sum(circuit, move_size(circuit), period)
    slowest = 2 / (slow + 1)
    spread = 2 / (fast + 1) - slowest
    average, seen = math.nan, 0

    def step() -> float:
        nonlocal average, seen
        seen += 1
        if seen > period:
            travelled = slots[way]
            efficiency = abs(slots[net]) / travelled if travelled else 0.0
            average += (efficiency * spread + slowest) ** 2 * (slots[CLOSE] - average)
        elif seen == period:
            average = slots[CLOSE]
        return average

    return step


def macd(circuit: Circuit, fast: int, slow: int) -> int:
    """Make the fast less the slow EMA."""
    return difference(circuit, ema(circuit, fast), ema(circuit, slow))


def macd_signal(circuit: Circuit, fast: int, slow: int, signal: int) -> int:
    """Make the EMA of MACD."""
    return exponential(circuit, macd(circuit, fast, slow), signal)


def macd_histogram(circuit: Circuit, fast: int, slow: int, signal: int) -> int:
    """Make MACD less its signal."""
    return difference(circuit, macd(circuit, fast, slow), macd_signal(circuit, fast, slow, signal))


def trix(circuit: Circuit, period: int) -> int:
    """Make the percent change of an EMA of an EMA of an EMA."""
    smoothed = exponential(circuit, exponential(circuit, ema(circuit, period), period), period)
    return percent_change(circuit, smoothed, 1)


def dpo(circuit: Circuit, period: int) -> int:
    """Make the close of period / 2 + 1 candles ago less the SMA."""
    return difference(circuit, delayed(circuit, CLOSE, period // 2 + 1), sma(circuit, period))


def aroon_up(circuit: Circuit, period: int) -> int:
    """Make how recent the highest high of `period` + 1 candles is: 100 now, 0 at the far end."""
    return _recency(circuit, HIGH, rolling_max(circuit, HIGH, period + 1), period)


def aroon_down(circuit: Circuit, period: int) -> int:
    """Make how recent the lowest low of `period` + 1 candles is: 100 now, 0 at the far end."""
    return _recency(circuit, LOW, rolling_min(circuit, LOW, period + 1), period)


@machine
def _recency(circuit: Circuit, source: int, extreme: int, period: int) -> Step:
    """Make 100 where the extreme is the newest value, less for every candle since; of equal ones, the oldest counts."""
    slots, ring = circuit.slots, empty_ring(period + 1)
    before, age = math.nan, 0

    def step() -> float:
        nonlocal before, age
        ring.append(slots[source])
        value = slots[extreme]
        if math.isnan(value):
            return value
        age = age + 1 if value == before and age < period else period - ring.index(value)
        before = value
        return 100 - 100 / period * age

    return step


@machine
def cci(circuit: Circuit, period: int) -> Step:
    """Make the typical price less its SMA over 0.015 mean absolute deviations; NaN where it has not moved."""
    slots, price, ring, equal = circuit.slots, typical(circuit), empty_ring(period), 0
    average = rolling_mean(circuit, price, period)

    def step() -> float:
        nonlocal equal
        newest, mean = slots[price], slots[average]
        equal = equal + 1 if newest == ring[-1] else 1
        ring.append(newest)
        # The deviation of equal prices from their rounded mean is rounding, never exactly known.
        if equal >= period:
            return math.nan
        # Those above the mean are as far from it as those below.
        deviation = 2 * sum([value - mean for value in ring if value > mean]) / period
        return (newest - mean) / (CCI_CONSTANT * deviation) if deviation else math.nan

    return step


def ichimoku_a(circuit: Circuit, conversion: int, base: int) -> int:
    """Make the mean of the conversion and the base line."""
    return combined(circuit, _mean, _window_middle(circuit, conversion), _window_middle(circuit, base))


def ichimoku_b(circuit: Circuit, period: int) -> int:
    """Make the middle of the longest window."""
    return _window_middle(circuit, period)


def _window_middle(circuit: Circuit, period: int) -> int:
    """Make the middle between the highest high and the lowest low."""
    return combined(circuit, _mean, rolling_max(circuit, HIGH, period), rolling_min(circuit, LOW, period))


def _mean(first: float, second: float) -> float:
    return (first + second) / 2


@machine
def kst(circuit: Circuit, *periods: int) -> Step:
    """Make the weighted sum, 1 to 4, of the averages of four rates of change, in percent."""
    slots = circuit.slots
    first, second, third, fourth = (
        rolling_mean(circuit, price_return(circuit, change), window)
        for change, window in zip(periods[:4], periods[4:], strict=True)
    )

    def step() -> float:
        return 100 * (slots[first] + 2 * slots[second] + 3 * slots[third] + 4 * slots[fourth])

    return step


def kst_signal(circuit: Circuit, *periods: int) -> int:
    """Make the SMA, with the last of the periods, of the know sure thing."""
    return rolling_mean(circuit, kst(circuit, *periods[:-1]), periods[-1])


def mass_index(circuit: Circuit, fast: int, slow: int) -> int:
    """Make the sum of the ratios of an EMA of the candles' ranges to the EMA of that EMA."""
    once = exponential(circuit, candle_range(circuit), fast)
    return rolling_sum(circuit, quotient(circuit, once, exponential(circuit, once, fast)), slow)


def vortex_plus(circuit: Circuit, period: int) -> int:
    """Make the moves from the previous low to the high, over the true ranges."""
    return _vortex(circuit, HIGH, LOW, period)


def vortex_minus(circuit: Circuit, period: int) -> int:
    """Make the moves from the previous high to the low, over the true ranges."""
    return _vortex(circuit, LOW, HIGH, period)


def _vortex(circuit: Circuit, price: int, other: int, period: int) -> int:
    moves = combined(circuit, _apart, price, delayed(circuit, other, 1))
    return quotient(circuit, rolling_sum(circuit, moves, period), rolling_sum(circuit, true_range(circuit), period))


def _apart(first: float, second: float) -> float:
    return abs(first - second)
