"""The machines of bands and ranges; the formulas are those of `features.kernels.volatility`."""

from __future__ import annotations

import math

from features.incremental.circuit import CLOSE, HIGH, LOW, Circuit, Step, machine
from features.incremental.machines import distance, exponential, product, wilder
from features.incremental.prices import true_range
from features.incremental.windows import rolling_deviation, rolling_max, rolling_mean, rolling_min, rolling_sum


def atr(circuit: Circuit, period: int) -> int:
    """Make Wilder's average range; that of the very first candle, which has no close before it, counts too."""
    return wilder(circuit, _range_from_first(circuit), period)


@machine
def _range_from_first(circuit: Circuit) -> Step:
    slots, ranges = circuit.slots, true_range(circuit)

    def step() -> float:
        spread = slots[ranges]
        return slots[HIGH] - slots[LOW] if math.isnan(spread) else spread

    return step


def bollinger_upper(circuit: Circuit, period: int, deviations: float) -> int:
    """Make the SMA plus so many standard deviations."""
    return _band(circuit, rolling_mean(circuit, CLOSE, period), deviations, _deviation(circuit, period))


def bollinger_lower(circuit: Circuit, period: int, deviations: float) -> int:
    """Make the SMA less so many standard deviations."""
    return _band(circuit, rolling_mean(circuit, CLOSE, period), -deviations, _deviation(circuit, period))


def keltner_upper(circuit: Circuit, period: int, range_period: int, ranges: float) -> int:
    """Make the EMA plus so many average true ranges."""
    return _band(circuit, exponential(circuit, CLOSE, period), ranges, atr(circuit, range_period))


def keltner_lower(circuit: Circuit, period: int, range_period: int, ranges: float) -> int:
    """Make the EMA less so many average true ranges."""
    return _band(circuit, exponential(circuit, CLOSE, period), -ranges, atr(circuit, range_period))


@machine
def _band(circuit: Circuit, middle: int, widths: float, width: int) -> Step:
    """Make the middle plus so many widths."""
    slots = circuit.slots

    def step() -> float:
        return slots[middle] + widths * slots[width]

    return step


@machine
def bollinger_width(circuit: Circuit, period: int, deviations: float) -> Step:
    """Make the distance of the bands in percent of the middle."""
    slots, middle, deviation = circuit.slots, rolling_mean(circuit, CLOSE, period), _deviation(circuit, period)

    def step() -> float:
        return 200 * deviations * slots[deviation] / slots[middle]

    return step


@machine
def bollinger_percent_b(circuit: Circuit, period: int, deviations: float) -> Step:
    """Make where the close stands: 0 on the lower band, 1 on the upper; NaN without a width."""
    slots, middle, deviation = circuit.slots, rolling_mean(circuit, CLOSE, period), _deviation(circuit, period)

    def step() -> float:
        half_width = deviations * slots[deviation]
        return 0.5 + 0.5 * ((slots[CLOSE] - slots[middle]) / half_width) if half_width else math.nan

    return step


def _deviation(circuit: Circuit, period: int) -> int:
    """Make the standard deviation of the closes, that of the whole population."""
    return rolling_deviation(circuit, CLOSE, period, period)


def donchian_upper(circuit: Circuit, period: int) -> int:
    """Make the highest high."""
    return rolling_max(circuit, HIGH, period)


def donchian_lower(circuit: Circuit, period: int) -> int:
    """Make the lowest low."""
    return rolling_min(circuit, LOW, period)


@machine
def ulcer_index(circuit: Circuit, period: int) -> Step:
    """Make the root mean square of the drawdowns, in percent, each from the highest of `period` closes."""
    slots, drawdown = circuit.slots, distance(circuit, CLOSE, rolling_max(circuit, CLOSE, period))
    squares = rolling_sum(circuit, product(circuit, drawdown, drawdown), period)

    def step() -> float:
        return 100 * math.sqrt(slots[squares] / period)

    return step
