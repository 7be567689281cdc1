"""The machines of Wilder's indicators of direction; the formulas are those of `features.kernels.trend`."""

from __future__ import annotations

from features.incremental.circuit import HIGH, LOW, Circuit, Step, machine
from features.incremental.machines import delayed, difference, moved, wilder
from features.incremental.prices import true_range


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
    average, ranges = wilder(circuit, movement, period), wilder(circuit, true_range(circuit), period)

    def step() -> float:
        return 100 * (slots[average] / slots[ranges]) if slots[ranges] else 0.0

    return step


def _rise(circuit: Circuit) -> int:
    return _larger(circuit, *_moves(circuit))


def _fall(circuit: Circuit) -> int:
    rise, fall = _moves(circuit)
    return _larger(circuit, fall, rise)


def _moves(circuit: Circuit) -> tuple[int, int]:
    """Make how far the high has risen and the low has fallen."""
    return moved(circuit, HIGH, 1), difference(circuit, delayed(circuit, LOW, 1), LOW)


@machine
def _larger(circuit: Circuit, first: int, second: int) -> Step:
    """Make the first where it is above 0 and larger than the second, else 0; NaN for the first candle."""
    slots = circuit.slots

    def step() -> float:
        value = slots[first]
        return 0.0 if value <= 0 or value <= slots[second] else value

    return step
