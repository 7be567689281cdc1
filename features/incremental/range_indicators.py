"""The machines of Wilder's indicators of range and direction; the formulas are those of `features.kernels`."""

from __future__ import annotations

import math

from features.incremental.circuit import CLOSE, HIGH, LOW, Circuit, Step, machine
from features.incremental.machines import delayed, wilder


def atr(circuit: Circuit, period: int) -> int:
    """Make Wilder's average range; that of the very first candle, which has no close before it, counts too."""
    return wilder(circuit, _range_from_first(circuit), period)


def plus_di(circuit: Circuit, period: int) -> int:
    """Make Wilder's +DI; 0 where nothing has moved."""
    return _directional(circuit, _rise(circuit), period)


def minus_di(circuit: Circuit, period: int) -> int:
    """Make Wilder's -DI; 0 where nothing has moved."""
    return _directional(circuit, _fall(circuit), period)


@machine
def adx(circuit: Circuit, period: int) -> Step:
    """Make Wilder's average of the DX, 100 · |+DI - -DI| / (+DI + -DI)."""
    slots, average = circuit.slots, wilder(circuit, _direction(circuit, period), period)

    def step() -> float:
        return 100 * slots[average]

    return step


@machine
def _direction(circuit: Circuit, period: int) -> Step:
    slots, plus, minus = circuit.slots, plus_di(circuit, period), minus_di(circuit, period)

    def step() -> float:
        total = slots[plus] + slots[minus]
        return abs(slots[plus] - slots[minus]) / total if total else 0.0

    return step


@machine
def _directional(circuit: Circuit, movement: int, period: int) -> Step:
    slots = circuit.slots
    moved, ranges = wilder(circuit, movement, period), wilder(circuit, _true_range(circuit), period)

    def step() -> float:
        return 100 * (slots[moved] / slots[ranges]) if slots[ranges] else 0.0

    return step


@machine
def _true_range(circuit: Circuit) -> Step:
    """Make Wilder's true range; NaN for the first candle, which has no close before it."""
    slots, before = circuit.slots, delayed(circuit, CLOSE, 1)

    def step() -> float:
        close = slots[before]
        # NaN comes first, and stays: nothing is larger or smaller than it.
        return max(close, slots[HIGH]) - min(close, slots[LOW])

    return step


@machine
def _range_from_first(circuit: Circuit) -> Step:
    slots, true_range = circuit.slots, _true_range(circuit)

    def step() -> float:
        spread = slots[true_range]
        return slots[HIGH] - slots[LOW] if math.isnan(spread) else spread

    return step


@machine
def _rises(circuit: Circuit) -> Step:
    slots, before = circuit.slots, delayed(circuit, HIGH, 1)

    def step() -> float:
        return slots[HIGH] - slots[before]

    return step


@machine
def _falls(circuit: Circuit) -> Step:
    slots, before = circuit.slots, delayed(circuit, LOW, 1)

    def step() -> float:
        return slots[before] - slots[LOW]

    return step


def _rise(circuit: Circuit) -> int:
    return _larger(circuit, _rises(circuit), _falls(circuit))


def _fall(circuit: Circuit) -> int:
    return _larger(circuit, _falls(circuit), _rises(circuit))


@machine
def _larger(circuit: Circuit, move: int, other: int) -> Step:
    """Make the move where it is above 0 and larger than the other, else 0; NaN for the first candle."""
    slots = circuit.slots

    def step() -> float:
        value = slots[move]
        return 0.0 if value <= 0 or value <= slots[other] else value

    return step
