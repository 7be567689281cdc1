"""The prices and moves that many machines read; the formulas are those of `features.kernels.candles`."""

from __future__ import annotations

from features.incremental.circuit import CLOSE, HIGH, LOW, Circuit, Step, machine
from features.incremental.machines import applied, change, combined, delayed, difference, moved


@machine
def typical(circuit: Circuit) -> Step:
    """Make (high + low + close) / 3."""
    slots = circuit.slots

    def step() -> float:
        return (slots[HIGH] + slots[LOW] + slots[CLOSE]) / 3

    return step


@machine
def middle(circuit: Circuit) -> Step:
    """Make (high + low) / 2."""
    slots = circuit.slots

    def step() -> float:
        return (slots[HIGH] + slots[LOW]) / 2

    return step


def candle_range(circuit: Circuit) -> int:
    """Make high - low."""
    return difference(circuit, HIGH, LOW)


def move(circuit: Circuit) -> int:
    """Make the change of the close."""
    return moved(circuit, CLOSE, 1)


def move_size(circuit: Circuit) -> int:
    """Make the absolute change of the close."""
    return applied(circuit, abs, move(circuit))


def price_return(circuit: Circuit, rows: int) -> int:
    """Make the relative change of the close over `rows` candles."""
    return change(circuit, CLOSE, rows)


def true_low(circuit: Circuit) -> int:
    """Make the lower of low and previous close; NaN for the first candle, which has no close before it."""
    # NaN comes first, and stays: nothing is smaller than it.
    return combined(circuit, min, delayed(circuit, CLOSE, 1), LOW)


def true_range(circuit: Circuit) -> int:
    """Make Wilder's true range; NaN for the first candle."""
    return difference(circuit, combined(circuit, max, delayed(circuit, CLOSE, 1), HIGH), true_low(circuit))
