"""The machine of the parabolic SAR; the rules are those of `features.kernels.sequential`."""

from __future__ import annotations

import math

from features.incremental.circuit import CLOSE, HIGH, LOW, Circuit, Step, machine
from features.incremental.machines import delayed


@machine
def psar(circuit: Circuit, increment: float, maximum: float) -> Step:
    """Make the parabolic stop and reverse, rising from the second close; NaN for the first two candles."""
    slots, close_before = circuit.slots, delayed(circuit, CLOSE, 1)
    lows, highs = [[delayed(circuit, price, rows) for rows in (2, 1)] for price in (LOW, HIGH)]
    rising, value, extreme, factor = True, math.nan, math.nan, increment

    def step() -> float:
        nonlocal rising, value, extreme, factor
        if math.isnan(value):
            value, extreme = slots[close_before], slots[highs[0]]
            if math.isnan(extreme):
                value = math.nan
                return value
        # A falling market is a rising one of negative prices, which are exact.
        if rising:
            low, high, older, last = slots[LOW], slots[HIGH], slots[lows[0]], slots[lows[1]]
        else:
            low, high, older, last = -slots[HIGH], -slots[LOW], -slots[highs[0]], -slots[highs[1]]
        value += factor * (extreme - value)
        if low < value:
            rising, value, extreme, factor = not rising, -extreme, -low, increment
        else:
            if high > extreme:
                extreme, factor = high, min(factor + increment, maximum)
            if older < value:
                value = older
            elif last < value:
                value = last
        return value if rising else -value

    return step
