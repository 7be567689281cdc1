"""Machines for any series: lags, quotients, functions and smoothed averages."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

from features.incremental.circuit import Circuit, Step, machine


def empty_ring(length: int) -> deque[float]:
    """Return a ring of so many NaN, the oldest of which is in it until it has filled up."""
    return deque([math.nan] * length, maxlen=length)


@machine
def delayed(circuit: Circuit, source: int, rows: int) -> Step:
    """Make the value of `rows` before."""
    slots, ring = circuit.slots, empty_ring(rows + 1)

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
def change(circuit: Circuit, source: int, rows: int) -> Step:
    """Make the change against `rows` before, as a fraction; NaN after a zero."""
    slots, ring = circuit.slots, empty_ring(rows + 1)

    def step() -> float:
        value = slots[source]
        ring.append(value)
        before = ring[0]
        return value / before - 1.0 if before else math.nan

    return step


@machine
def moved(circuit: Circuit, source: int, rows: int) -> Step:
    """Make the value less that of `rows` before."""
    slots, ring = circuit.slots, empty_ring(rows + 1)

    def step() -> float:
        value = slots[source]
        ring.append(value)
        return value - ring[0]

    return step


@machine
def applied(circuit: Circuit, function: Callable[[float], float], source: int) -> Step:
    """Make the function of the value."""
    slots = circuit.slots

    def step() -> float:
        return function(slots[source])

    return step


@machine
def combined(circuit: Circuit, function: Callable[[float, float], float], first: int, second: int) -> Step:
    """Make the function of two values."""
    slots = circuit.slots

    def step() -> float:
        return function(slots[first], slots[second])

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
def position(circuit: Circuit, source: int, lowest: int, highest: int, factor: float = 1.0, least: float = 0.0) -> Step:
    """Make factor times where the value stands from lowest (0) to highest (1); NaN for a range of `least` or less."""
    slots = circuit.slots

    def step() -> float:
        low = slots[lowest]
        spread = slots[highest] - low
        return factor * ((slots[source] - low) / spread) if abs(spread) > least else math.nan

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
