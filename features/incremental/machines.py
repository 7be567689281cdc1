"""Machines for any series: lags, quotients, windows and smoothed averages.

A window is a ring of its newest values, which is gone through afresh at every step: nothing drifts
as a running sum does, and for the some twenty values of our windows it takes less than a microsecond
or two. A ring begins full of NaN, the oldest of which is in it until it has filled up.
"""

from __future__ import annotations

import math
from collections import deque

from features.incremental.circuit import Circuit, Step, machine


def _ring(length: int) -> deque[float]:
    return deque([math.nan] * length, maxlen=length)


@machine
def delayed(circuit: Circuit, source: int, rows: int) -> Step:
    """Make the value of `rows` before."""
    slots, ring = circuit.slots, _ring(rows + 1)

    def step() -> float:
        ring.append(slots[source])
        return ring[0]

    return step


@machine
def quotient(circuit: Circuit, above: int, below: int, factor: float = 1.0) -> Step:
    """Make factor · above / below, NaN where nothing is below."""
    slots = circuit.slots

    def step() -> float:
        divisor = slots[below]
        return factor * (slots[above] / divisor) if divisor else math.nan

    return step


@machine
def distance(circuit: Circuit, value: int, level: int) -> Step:
    """Make value / level - 1, NaN where the level is 0."""
    slots = circuit.slots

    def step() -> float:
        divisor = slots[level]
        return slots[value] / divisor - 1.0 if divisor else math.nan

    return step


@machine
def difference(circuit: Circuit, first: int, second: int) -> Step:
    """Make first - second."""
    slots = circuit.slots

    def step() -> float:
        return slots[first] - slots[second]

    return step


@machine
def product(circuit: Circuit, first: int, second: int) -> Step:
    """Make first · second."""
    slots = circuit.slots

    def step() -> float:
        return slots[first] * slots[second]

    return step


@machine
def rolling_sum(circuit: Circuit, source: int, period: int) -> Step:
    """Make the sum of the newest `period` values; NaN where one of them is."""
    slots, ring = circuit.slots, _ring(period)

    def step() -> float:
        ring.append(slots[source])
        return sum(ring)

    return step


@machine
def rolling_mean(circuit: Circuit, source: int, period: int) -> Step:
    """Make the mean of the newest `period` values; NaN where one of them is."""
    slots, total = circuit.slots, rolling_sum(circuit, source, period)

    def step() -> float:
        return slots[total] / period

    return step


@machine
def rolling_max(circuit: Circuit, source: int, period: int) -> Step:
    """Make the largest of the newest `period` values."""
    slots, ring = circuit.slots, _ring(period)

    def step() -> float:
        ring.append(slots[source])
        # Nothing is larger than NaN: while the oldest value is NaN, so is this.
        return max(ring)

    return step


@machine
def rolling_min(circuit: Circuit, source: int, period: int) -> Step:
    """Make the smallest of the newest `period` values."""
    slots, ring = circuit.slots, _ring(period)

    def step() -> float:
        ring.append(slots[source])
        # As above: nothing is smaller than NaN.
        return min(ring)

    return step


@machine
def rolling_deviation(circuit: Circuit, source: int, period: int, divisor: int) -> Step:
    """Make the root of the sum of squared differences from the mean of `period` values over `divisor`.

    Differences are taken from one of the values, not from the rounded mean: so it is exactly 0 where
    all are equal. At most a `period`-th of the squares is left after the subtraction, so that no more
    than two of sixteen digits cancel, and never all.
    """
    slots, ring = circuit.slots, _ring(period)

    def step() -> float:
        ring.append(slots[source])
        origin = ring[0]
        moved = [value - origin for value in ring]
        total = sum(moved)
        return math.sqrt((sum([move * move for move in moved]) - total * total / period) / divisor)

    return step


@machine
def exponential(circuit: Circuit, source: int, period: int) -> Step:
    """Make the average with alpha 2 / (period + 1) from the first value on; NaN for `period - 1` values."""
    slots, alpha = circuit.slots, 2 / (period + 1)
    decay, seen, average = 1 - alpha, 0, math.nan

    def step() -> float:
        nonlocal seen, average
        value = slots[source]
        if seen:
            average = decay * average + alpha * value
        elif math.isnan(value):
            return math.nan
        else:
            average = value
        seen += 1
        return average if seen >= period else math.nan

    return step


@machine
def wilder(circuit: Circuit, source: int, period: int) -> Step:
    """Make Wilder's average: the mean of the first `period` values, then 1 / period of each new one."""
    slots, decay = circuit.slots, 1 - 1 / period
    first: list[float] = []
    average = math.nan

    def step() -> float:
        nonlocal average
        value = slots[source]
        if len(first) == period:
            average = decay * average + value / period
        elif not math.isnan(value):
            first.append(value)
            if len(first) == period:
                average = sum(first) / period
        return average

    return step
