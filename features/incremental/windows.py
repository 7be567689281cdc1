"""Machines for the newest values of any series: their sum, extremes and deviation.

No value is ever taken off a sum again: nothing drifts as a running sum does. A window begins full of
NaN, the oldest of which is in it until it has filled up.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from itertools import accumulate

from features.incremental.circuit import Circuit, Step, machine
from features.incremental.machines import empty_ring, position


def rolling_sum(circuit: Circuit, source: int, period: int) -> int:
    """Make the sum of the newest `period` values; NaN where one of them is."""
    return _merged(circuit, operator.add, source, period)


def rolling_max(circuit: Circuit, source: int, period: int) -> int:
    """Make the largest of the newest `period` values."""
    return _merged(circuit, _larger, source, period)


def rolling_min(circuit: Circuit, source: int, period: int) -> int:
    """Make the smallest of the newest `period` values."""
    return _merged(circuit, _smaller, source, period)


@machine
def _merged(circuit: Circuit, merge: Callable[[float, float], float], source: int, period: int) -> Step:
    """Make what the newest `period` values merge to.

    Values come in blocks of `period`. A window is the newest part of one block and the rest of the block
    before it, whose merged ends are ready since that block was full: two merges a step for any period.
    """
    slots, block, ends = circuit.slots, [math.nan] * period, [math.nan] * period
    count, newest = 0, math.nan

    def step() -> float:
        nonlocal count, newest, ends
        value = slots[source]
        newest = merge(newest, value) if count else value
        block[count] = value
        count += 1
        if count < period:
            return merge(ends[count], newest)
        ends = list(accumulate(reversed(block), merge))
        ends.reverse()
        count = 0
        return ends[0]

    return step


# Nothing is larger or smaller than NaN: it stays where it comes first.
def _larger(first: float, second: float) -> float:
    return second if second > first else first


def _smaller(first: float, second: float) -> float:
    return second if second < first else first


@machine
def rolling_mean(circuit: Circuit, source: int, period: int) -> Step:
    """Make the mean of the newest `period` values; NaN where one of them is."""
    slots, total = circuit.slots, rolling_sum(circuit, source, period)

    def step() -> float:
        return slots[total] / period

    return step


def range_position(circuit: Circuit, source: int, period: int) -> int:
    """Make where the value stands between the extremes of the newest `period`: 0 to 1; NaN without a range."""
    return position(circuit, source, rolling_min(circuit, source, period), rolling_max(circuit, source, period))


@machine
def rolling_deviation(circuit: Circuit, source: int, period: int, divisor: int) -> Step:
    """Make the root of the sum of squared differences from the mean of `period` values over `divisor`.

    It is exactly 0 where all are equal, however their mean is rounded.
    """
    slots, ring, mean = circuit.slots, empty_ring(period), rolling_mean(circuit, source, period)
    equal, root = 0, math.sqrt(divisor)

    def step() -> float:
        nonlocal equal
        value = slots[source]
        equal = equal + 1 if value == ring[-1] else 1
        ring.append(value)
        return math.dist(ring, (slots[mean],) * period) / root if equal < period else 0.0

    return step
