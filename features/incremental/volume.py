"""The machines of volume indicators; the formulas are those of `features.kernels.volume`."""

from __future__ import annotations

import math

from features.incremental.circuit import CLOSE, HIGH, LOW, VOLUME, Circuit, Step, machine
from features.incremental.machines import delayed, exponential, product, quotient
from features.incremental.momentum import percent_change
from features.incremental.prices import move, typical
from features.incremental.windows import rolling_mean, rolling_sum
from features.kernels.volume import FIRST_INDEX


def volume_ratio(circuit: Circuit, period: int) -> int:
    """Make the volume over its mean; NaN without volume."""
    return quotient(circuit, VOLUME, rolling_mean(circuit, VOLUME, period))


def volume_roc(circuit: Circuit, period: int) -> int:
    """Make the percent change of the volume; NaN after a candle without any."""
    return percent_change(circuit, VOLUME, period)


def vwap(circuit: Circuit, period: int) -> int:
    """Make the average of the typical price weighted by volume; NaN without volume."""
    return per_volume(circuit, product(circuit, typical(circuit), VOLUME), period)


def cmf(circuit: Circuit, period: int) -> int:
    """Make accumulation less distribution over the volume; NaN without volume."""
    return per_volume(circuit, _accumulated(circuit), period)


def force_index(circuit: Circuit, period: int) -> int:
    """Make the EMA of the move times the volume."""
    return exponential(circuit, product(circuit, move(circuit), VOLUME), period)


@machine
def nvi(circuit: Circuit) -> Step:
    """Make an index, 1000 at first, that follows the close where the volume falls."""
    slots, index = circuit.slots, FIRST_INDEX
    close_before, volume_before = delayed(circuit, CLOSE, 1), delayed(circuit, VOLUME, 1)

    def step() -> float:
        nonlocal index
        if slots[VOLUME] < slots[volume_before]:
            index *= slots[CLOSE] / slots[close_before]
        return index

    return step


def per_volume(circuit: Circuit, amount: int, period: int) -> int:
    """Make the sum of an amount over the volume of the same `period` candles; NaN without volume."""
    return quotient(circuit, rolling_sum(circuit, amount, period), rolling_sum(circuit, VOLUME, period))


@machine
def mfi(circuit: Circuit, period: int) -> Step:
    """Make the turnover on rising typical prices, over that on rising and falling ones; NaN without turnover."""
    slots = circuit.slots
    price = typical(circuit)
    before = delayed(circuit, price, 1)
    rises = rolling_sum(circuit, _turnover_where_larger(circuit, price, before), period)
    falls = rolling_sum(circuit, _turnover_where_larger(circuit, before, price), period)

    def step() -> float:
        total = slots[rises] + slots[falls]
        return 100 * (slots[rises] / total) if total else math.nan

    return step


@machine
def _turnover_where_larger(circuit: Circuit, first: int, second: int) -> Step:
    slots, turnover = circuit.slots, product(circuit, typical(circuit), VOLUME)

    def step() -> float:
        return slots[turnover] if slots[first] > slots[second] else 0.0

    return step


@machine
def _accumulated(circuit: Circuit) -> Step:
    """Make the volume times -1 for a close on the low to 1 on the high; 0 without a range."""
    slots = circuit.slots

    def step() -> float:
        high, low, close = slots[HIGH], slots[LOW], slots[CLOSE]
        return ((close - low) - (high - close)) / (high - low) * slots[VOLUME] if high > low else 0.0

    return step
