"""The machines of momentum indicators; the formulas are those of `features.kernels.momentum`."""

from __future__ import annotations

import math

from features.incremental.circuit import CLOSE, HIGH, LOW, Circuit, Step, machine
from features.incremental.machines import delayed, difference, exponential, position, quotient
from features.incremental.prices import middle, move, move_size, true_low, true_range
from features.incremental.windows import rolling_max, rolling_mean, rolling_min, rolling_sum
from features.kernels.momentum import FLAT_RSI, RSI_NOISE


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


def stochastic_rsi(circuit: Circuit, period: int) -> int:
    """Make where the RSI stands in its own range; NaN without one."""
    values = rsi(circuit, period)
    lowest, highest = rolling_min(circuit, values, period), rolling_max(circuit, values, period)
    return position(circuit, values, lowest, highest, least=RSI_NOISE)


def stochastic_k(circuit: Circuit, period: int) -> int:
    """Make where the close stands in the range, in percent; NaN without one."""
    return position(circuit, CLOSE, rolling_min(circuit, LOW, period), rolling_max(circuit, HIGH, period), 100.0)


def stochastic_d(circuit: Circuit, period: int, smoothing: int) -> int:
    """Make the SMA of %K."""
    return rolling_mean(circuit, stochastic_k(circuit, period), smoothing)


def williams_r(circuit: Circuit, period: int) -> int:
    """Make the same position, counted down from the high; NaN without a range."""
    return position(circuit, CLOSE, rolling_max(circuit, HIGH, period), rolling_min(circuit, LOW, period), -100.0)


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
def ultimate_oscillator(circuit: Circuit, short: int, middle: int, long: int) -> Step:
    """Make the close above its true low over the true range, over three windows weighted 4, 2 and 1."""
    slots, pressure, ranges = circuit.slots, difference(circuit, CLOSE, true_low(circuit)), true_range(circuit)
    first, second, third = (
        quotient(circuit, rolling_sum(circuit, pressure, period), rolling_sum(circuit, ranges, period))
        for period in (short, middle, long)
    )

    def step() -> float:
        return (4 * slots[first] + 2 * slots[second] + slots[third]) * (100 / 7)

    return step


def tsi(circuit: Circuit, slow: int, fast: int) -> int:
    """Make the twice smoothed moves over the twice smoothed sizes of the moves, in percent; NaN without any."""
    net, whole = (
        exponential(circuit, exponential(circuit, source, slow), fast) for source in (move(circuit), move_size(circuit))
    )
    return quotient(circuit, net, whole, 100.0)


def awesome_oscillator(circuit: Circuit, fast: int, slow: int) -> int:
    """Make the fast less the slow SMA of the middle of each candle."""
    middles = middle(circuit)
    return difference(circuit, rolling_mean(circuit, middles, fast), rolling_mean(circuit, middles, slow))
