"""The machines of the indicators made from prices; the formulas are those of `features.kernels`."""

from __future__ import annotations

import math
from collections import deque

from features.incremental.circuit import CLOSE, HIGH, LOW, Circuit, Step, machine
from features.incremental.machines import (
    delayed,
    difference,
    exponential,
    quotient,
    rolling_deviation,
    rolling_max,
    rolling_mean,
    rolling_min,
)
from features.kernels.momentum import FLAT_RSI
from features.kernels.trend import CCI_CONSTANT


@machine
def rsi(circuit: Circuit, period: int) -> Step:
    """Make 100 · gains / (gains + losses), each averaged as Wilder does; 50 while nothing has moved."""
    slots, decay = circuit.slots, 1 - 1 / period
    before, risen, fallen = math.nan, 0.0, 0.0

    def step() -> float:
        nonlocal before, risen, fallen
        close = slots[CLOSE]
        move, before = close - before, close
        risen *= decay
        fallen *= decay
        # The first candle has moved from nowhere: its NaN is neither.
        if move > 0:
            risen += move
        elif move < 0:
            fallen -= move
        total = risen + fallen
        return 100 * (risen / total) if total else FLAT_RSI

    return step


def macd(circuit: Circuit, fast: int, slow: int) -> int:
    """Make the fast less the slow EMA."""
    return difference(circuit, exponential(circuit, CLOSE, fast), exponential(circuit, CLOSE, slow))


def macd_signal(circuit: Circuit, fast: int, slow: int, signal: int) -> int:
    """Make the EMA of MACD."""
    return exponential(circuit, macd(circuit, fast, slow), signal)


def macd_histogram(circuit: Circuit, fast: int, slow: int, signal: int) -> int:
    """Make MACD less its signal."""
    return difference(circuit, macd(circuit, fast, slow), macd_signal(circuit, fast, slow, signal))


@machine
def _bollinger(circuit: Circuit, period: int, deviations: float) -> Step:
    """Make the SMA plus so many standard deviations."""
    slots, middle = circuit.slots, rolling_mean(circuit, CLOSE, period)
    deviation = rolling_deviation(circuit, CLOSE, period, period)

    def step() -> float:
        return slots[middle] + deviations * slots[deviation]

    return step


def bollinger_upper(circuit: Circuit, period: int, deviations: float) -> int:
    """Make the SMA plus so many standard deviations."""
    return _bollinger(circuit, period, deviations)


def bollinger_lower(circuit: Circuit, period: int, deviations: float) -> int:
    """Make the SMA less so many standard deviations."""
    return _bollinger(circuit, period, -deviations)


@machine
def bollinger_width(circuit: Circuit, period: int, deviations: float) -> Step:
    """Make the distance of the bands in percent of the middle."""
    slots, middle = circuit.slots, rolling_mean(circuit, CLOSE, period)
    deviation = rolling_deviation(circuit, CLOSE, period, period)

    def step() -> float:
        return 200 * deviations * slots[deviation] / slots[middle]

    return step


@machine
def bollinger_percent_b(circuit: Circuit, period: int, deviations: float) -> Step:
    """Make where the close stands: 0 on the lower band, 1 on the upper; NaN without a width."""
    slots, middle = circuit.slots, rolling_mean(circuit, CLOSE, period)
    deviation = rolling_deviation(circuit, CLOSE, period, period)

    def step() -> float:
        half_width = deviations * slots[deviation]
        return 0.5 + 0.5 * ((slots[CLOSE] - slots[middle]) / half_width) if half_width else math.nan

    return step


def stochastic_k(circuit: Circuit, period: int) -> int:
    """Make where the close stands in the range, in percent; NaN without one."""
    lowest = rolling_min(circuit, LOW, period)
    spread = difference(circuit, rolling_max(circuit, HIGH, period), lowest)
    return quotient(circuit, difference(circuit, CLOSE, lowest), spread, 100.0)


def stochastic_d(circuit: Circuit, period: int, smoothing: int) -> int:
    """Make the SMA of %K."""
    return rolling_mean(circuit, stochastic_k(circuit, period), smoothing)


def williams_r(circuit: Circuit, period: int) -> int:
    """Make the same position, counted down from the high; NaN without a range."""
    highest = rolling_max(circuit, HIGH, period)
    spread = difference(circuit, highest, rolling_min(circuit, LOW, period))
    return quotient(circuit, difference(circuit, highest, CLOSE), spread, -100.0)


@machine
def percent_change(circuit: Circuit, source: int, period: int) -> Step:
    """Make the percent change against `period` values before; NaN after a zero."""
    slots, before = circuit.slots, delayed(circuit, source, period)

    def step() -> float:
        old = slots[before]
        return 100 * ((slots[source] - old) / old) if old else math.nan

    return step


def roc(circuit: Circuit, period: int) -> int:
    """Make the percent change of the close."""
    return percent_change(circuit, CLOSE, period)


@machine
def typical(circuit: Circuit) -> Step:
    """Make (high + low + close) / 3."""
    slots = circuit.slots

    def step() -> float:
        return (slots[HIGH] + slots[LOW] + slots[CLOSE]) / 3

    return step


@machine
def cci(circuit: Circuit, period: int) -> Step:
    """Make the typical price less its SMA over 0.015 mean absolute deviations; NaN where it has not moved."""
    slots, price, ring = circuit.slots, typical(circuit), deque([math.nan] * period, maxlen=period)

    def step() -> float:
        newest = slots[price]
        ring.append(newest)
        # The deviation of equal prices from their rounded mean is rounding, never exactly known.
        if ring.count(newest) == period:
            return math.nan
        mean = sum(ring) / period
        deviation = sum([abs(value - mean) for value in ring]) / period
        return (newest - mean) / (CCI_CONSTANT * deviation)

    return step
