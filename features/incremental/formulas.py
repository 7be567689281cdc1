"""The machines of the columns of price, volatility and volume that are no indicators."""

from __future__ import annotations

import math

from features.incremental.circuit import CLOSE, HIGH, LOW, OPEN, VOLUME, Circuit, Step, machine
from features.incremental.machines import (
    applied,
    change,
    difference,
    distance,
    empty_ring,
    moved,
    position,
    product,
    quotient,
)
from features.incremental.prices import candle_range, middle, move_size, price_return
from features.incremental.volume import per_volume, volume_ratio
from features.incremental.windows import (
    range_position,
    rolling_deviation,
    rolling_max,
    rolling_mean,
    rolling_min,
    rolling_sum,
)
from features.volatility_columns import FOUR_LN_2


def price_position(circuit: Circuit) -> int:
    """Make where the close stands in its candle; NaN without a range."""
    return position(circuit, CLOSE, LOW, HIGH)


def high_low_spread(circuit: Circuit) -> int:
    """Make the range as a share of the close."""
    return quotient(circuit, candle_range(circuit), CLOSE)


def open_close_spread(circuit: Circuit) -> int:
    """Make the move within the candle as a share of its open."""
    return quotient(circuit, difference(circuit, CLOSE, OPEN), OPEN)


def body_share(circuit: Circuit) -> int:
    """Make the move within the candle as a share of its range; NaN without one."""
    return quotient(circuit, difference(circuit, CLOSE, OPEN), candle_range(circuit))


@machine
def _shadow_balance(circuit: Circuit) -> Step:
    slots = circuit.slots

    def step() -> float:
        opened, close = slots[OPEN], slots[CLOSE]
        return min(opened, close) - slots[LOW] - slots[HIGH] + max(opened, close)

    return step


def shadow_balance(circuit: Circuit) -> int:
    """Make the lower less the upper shadow as a share of the range; NaN without one."""
    return quotient(circuit, _shadow_balance(circuit), candle_range(circuit))


def price_momentum(circuit: Circuit, rows: int, average_true_range: int) -> int:
    """Make the move of the close over `rows` candles in average true ranges; NaN without any."""
    return quotient(circuit, moved(circuit, CLOSE, rows), average_true_range)


def close_range_position(circuit: Circuit, rows: int) -> int:
    """Make where the close stands between the extreme closes; NaN in a flat market."""
    return range_position(circuit, CLOSE, rows)


def drawdown(circuit: Circuit, rows: int) -> int:
    """Make how far the close lies below the highest high."""
    return distance(circuit, CLOSE, rolling_max(circuit, HIGH, rows))


def rally(circuit: Circuit, rows: int) -> int:
    """Make how far the close lies above the lowest low."""
    return distance(circuit, CLOSE, rolling_min(circuit, LOW, rows))


def trend_efficiency(circuit: Circuit, rows: int) -> int:
    """Make the move of the close over the sum of the sizes of its moves; NaN in a flat market."""
    return quotient(circuit, moved(circuit, CLOSE, rows), rolling_sum(circuit, move_size(circuit), rows))


def volatility(circuit: Circuit, rows: int) -> int:
    """Make the standard deviation of the returns."""
    return rolling_deviation(circuit, price_return(circuit, 1), rows, rows - 1)


def volatility_ratio(circuit: Circuit, fast: int, slow: int) -> int:
    """Make short over long volatility; NaN in a flat market."""
    return quotient(circuit, volatility(circuit, fast), volatility(circuit, slow))


def price_dispersion(circuit: Circuit, rows: int) -> int:
    """Make the standard deviation of the closes over their mean."""
    return quotient(circuit, rolling_deviation(circuit, CLOSE, rows, rows - 1), rolling_mean(circuit, CLOSE, rows))


@machine
def parkinson_volatility(circuit: Circuit, rows: int) -> Step:
    """Make the volatility that the ranges show."""
    slots, mean = circuit.slots, rolling_mean(circuit, _squared_log_range(circuit), rows)

    def step() -> float:
        return math.sqrt(slots[mean] / FOUR_LN_2)

    return step


@machine
def _squared_log_range(circuit: Circuit) -> Step:
    slots = circuit.slots

    def step() -> float:
        span = math.log(slots[HIGH] / slots[LOW])
        return span * span

    return step


@machine
def return_skew(circuit: Circuit, rows: int) -> Step:
    """Make the third central moment of the returns over the variance to the power 1.5; NaN in a flat market."""
    returns = price_return(circuit, 1)
    slots, ring, mean = circuit.slots, empty_ring(rows), rolling_mean(circuit, returns, rows)
    deviation = rolling_deviation(circuit, returns, rows, rows)

    def step() -> float:
        ring.append(slots[returns])
        spread, center = slots[deviation], slots[mean]
        if not spread:
            return math.nan
        cubes = [(apart := value - center) * apart * apart for value in ring]
        return sum(cubes) / rows / (spread * spread * spread)

    return step


def downside_share(circuit: Circuit, rows: int) -> int:
    """Make the squared falls over all squared returns; NaN in a flat market."""
    returns = price_return(circuit, 1)
    falls = applied(circuit, _fall, returns)
    fallen, whole = (rolling_sum(circuit, product(circuit, each, each), rows) for each in (falls, returns))
    return quotient(circuit, fallen, whole)


def _fall(value: float) -> float:
    return min(value, 0.0)


def volume_balance(circuit: Circuit, rows: int) -> int:
    """Make the volume of rising less that of falling candles over all volume; NaN without any."""
    return per_volume(circuit, _signed_volume(circuit), rows)


def volume_price_trend(circuit: Circuit, rows: int) -> int:
    """Make the mean return weighted by volume; NaN without any."""
    return per_volume(circuit, product(circuit, price_return(circuit, 1), VOLUME), rows)


def volume_comparison(circuit: Circuit, fast: int, slow: int) -> int:
    """Make the recent over the usual volume; NaN without volume."""
    return quotient(circuit, rolling_mean(circuit, VOLUME, fast), rolling_mean(circuit, VOLUME, slow))


def volume_variation(circuit: Circuit, rows: int) -> int:
    """Make the standard deviation of the volumes over their mean; NaN without volume."""
    return quotient(circuit, rolling_deviation(circuit, VOLUME, rows, rows - 1), rolling_mean(circuit, VOLUME, rows))


def range_per_volume(circuit: Circuit, rows: int) -> int:
    """Make the absolute return per share of usual volume; NaN without volume."""
    return quotient(circuit, applied(circuit, abs, price_return(circuit, 1)), volume_ratio(circuit, rows))


def ease_of_movement(circuit: Circuit, rows: int) -> int:
    """Make the move of the middle times the range, both of the price, per share of usual volume; NaN without any."""
    eased = product(circuit, change(circuit, middle(circuit), 1), candle_range(circuit))
    return quotient(circuit, quotient(circuit, eased, CLOSE), volume_ratio(circuit, rows))


@machine
def _signed_volume(circuit: Circuit) -> Step:
    """Make the volume, negative where the close has fallen and 0 where it has not moved; NaN at first."""
    slots, returns = circuit.slots, price_return(circuit, 1)

    def step() -> float:
        # As the batch does, by the rounded return: a move below its last digit is none.
        value = slots[returns]
        if value > 0:
            return slots[VOLUME]
        return -slots[VOLUME] if value < 0 else 0.0 * value

    return step
