"""The machines of the columns that are no indicators: price, time, volatility, volume and patterns."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from features.candlesticks import DOJI_BODY, LONG_SHADOW, SHORT_SHADOW
from features.feature_groups import DAY_MS, FIRST_WEEKDAY
from features.incremental.circuit import CLOSE, HIGH, LOW, OPEN, TIME, VOLUME, Circuit, Step, machine
from features.incremental.machines import (
    delayed,
    difference,
    distance,
    product,
    quotient,
    rolling_deviation,
    rolling_max,
    rolling_mean,
    rolling_min,
)
from features.incremental.volume_indicators import per_volume


def price_return(circuit: Circuit, rows: int) -> int:
    """Make the relative change of the close over `rows` candles."""
    return distance(circuit, CLOSE, delayed(circuit, CLOSE, rows))


def price_position(circuit: Circuit) -> int:
    """Make where the close stands in its candle; NaN without a range."""
    return quotient(circuit, difference(circuit, CLOSE, LOW), difference(circuit, HIGH, LOW))


def high_low_spread(circuit: Circuit) -> int:
    """Make the range as a share of the close."""
    return quotient(circuit, difference(circuit, HIGH, LOW), CLOSE)


def open_close_spread(circuit: Circuit) -> int:
    """Make the move within the candle as a share of its open."""
    return quotient(circuit, difference(circuit, CLOSE, OPEN), OPEN)


def price_momentum(circuit: Circuit, rows: int, average_true_range: int) -> int:
    """Make the move of the close over `rows` candles in average true ranges; NaN without any."""
    return quotient(circuit, difference(circuit, CLOSE, delayed(circuit, CLOSE, rows)), average_true_range)


def volatility(circuit: Circuit, rows: int) -> int:
    """Make the standard deviation of the returns."""
    return rolling_deviation(circuit, price_return(circuit, 1), rows, rows - 1)


def volatility_ratio(circuit: Circuit, fast: int, slow: int) -> int:
    """Make short over long volatility; NaN in a flat market."""
    return quotient(circuit, volatility(circuit, fast), volatility(circuit, slow))


def price_dispersion(circuit: Circuit, rows: int) -> int:
    """Make the standard deviation of the closes over their mean."""
    return quotient(circuit, rolling_deviation(circuit, CLOSE, rows, rows - 1), rolling_mean(circuit, CLOSE, rows))


def volume_balance(circuit: Circuit, rows: int) -> int:
    """Make the volume of rising less that of falling candles over all volume; NaN without any."""
    return per_volume(circuit, _signed_volume(circuit), rows)


def volume_price_trend(circuit: Circuit, rows: int) -> int:
    """Make the mean return weighted by volume; NaN without any."""
    return per_volume(circuit, product(circuit, price_return(circuit, 1), VOLUME), rows)


def circle(wave: Callable[[float], float], phase: Callable[[float], float]) -> Callable[[Circuit], int]:
    """Return the machine of a wave of the part of a period that has passed at an open time in epoch ms."""

    @machine
    def made(circuit: Circuit) -> Step:
        slots = circuit.slots

        def step() -> float:
            return wave(2 * math.pi * phase(slots[TIME]))

        return step

    return made


def hour_phase(opened: float) -> float:
    """Return the part of the UTC day."""
    return opened % DAY_MS / DAY_MS


def weekday_phase(opened: float) -> float:
    """Return the whole days since Monday, of 7."""
    return (opened // DAY_MS + FIRST_WEEKDAY) % 7 / 7


def month_phase(opened: float) -> float:
    """Return the whole months since January, of 12."""
    return (time.gmtime(opened // 1000).tm_mon - 1) / 12


@machine
def doji(circuit: Circuit) -> Step:
    """Make 1 where the body is next to nothing, of a candle with a range, else 0."""
    slots = circuit.slots

    def step() -> float:
        spread = slots[HIGH] - slots[LOW]
        return float(abs(slots[CLOSE] - slots[OPEN]) <= DOJI_BODY * spread and spread > 0)

    return step


@machine
def hammer(circuit: Circuit) -> Step:
    """Make 1 where a body has a long lower and a short upper shadow, else 0."""
    slots = circuit.slots

    def step() -> float:
        opened, high, low, close = slots[OPEN], slots[HIGH], slots[LOW], slots[CLOSE]
        body = abs(close - opened)
        return float(
            body > 0
            and min(opened, close) - low >= LONG_SHADOW * body
            and high - max(opened, close) <= SHORT_SHADOW * (high - low)
        )

    return step


def breakout_up(circuit: Circuit, rows: int) -> int:
    """Make 1 where the close is above the highs of the `rows` candles before, else 0."""
    return _above(circuit, CLOSE, delayed(circuit, rolling_max(circuit, HIGH, rows), 1))


def breakout_down(circuit: Circuit, rows: int) -> int:
    """Make 1 where the close is below the lows of the `rows` candles before, else 0."""
    return _above(circuit, delayed(circuit, rolling_min(circuit, LOW, rows), 1), CLOSE)


def local_high(circuit: Circuit, sides: int) -> int:
    """Make 1 where the high of `sides` before is above the `sides` highs before and after it, else 0."""
    center, highest = delayed(circuit, HIGH, sides), rolling_max(circuit, HIGH, sides)
    return product(
        circuit,
        _above(circuit, center, highest),
        _above(circuit, center, delayed(circuit, highest, sides + 1)),
    )


def local_low(circuit: Circuit, sides: int) -> int:
    """Make 1 where the low of `sides` before is below the `sides` lows before and after it, else 0."""
    center, lowest = delayed(circuit, LOW, sides), rolling_min(circuit, LOW, sides)
    return product(
        circuit, _above(circuit, lowest, center), _above(circuit, delayed(circuit, lowest, sides + 1), center)
    )


@machine
def _above(circuit: Circuit, first: int, second: int) -> Step:
    slots = circuit.slots

    def step() -> float:
        return float(slots[first] > slots[second])

    return step


@machine
def _signed_volume(circuit: Circuit) -> Step:
    """Make the volume, negative where the close has fallen and 0 where it has not moved; NaN at first."""
    slots, change = circuit.slots, price_return(circuit, 1)

    def step() -> float:
        # As the batch does, by the rounded return: a move below its last digit is none.
        value = slots[change]
        if value > 0:
            return slots[VOLUME]
        return -slots[VOLUME] if value < 0 else 0.0 * value

    return step
