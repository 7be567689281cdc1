"""The machines of candlestick patterns, breakouts and turning points, by the rules of `features.candlesticks`."""

from __future__ import annotations

from features.candlesticks import DOJI_BODY, FULL_BODY, LONG_SHADOW, LONGEST_STREAK, SHORT_SHADOW
from features.incremental.circuit import CLOSE, HIGH, LOW, OPEN, Circuit, Step, machine
from features.incremental.machines import delayed, product
from features.incremental.prices import price_return
from features.incremental.windows import rolling_max, rolling_min


@machine
def doji(circuit: Circuit) -> Step:
    """Make 1 where the body is next to nothing, of a candle with a range, else 0."""
    slots = circuit.slots

    def step() -> float:
        spread = slots[HIGH] - slots[LOW]
        return float(abs(slots[CLOSE] - slots[OPEN]) <= DOJI_BODY * spread and spread > 0)

    return step


def hammer(circuit: Circuit) -> int:
    """Make 1 where a body has a long lower and a short upper shadow, else 0."""
    return _pinned(circuit, lower_shadow(circuit), upper_shadow(circuit))


def shooting_star(circuit: Circuit) -> int:
    """Make 1 where a body has a long upper and a short lower shadow, else 0."""
    return _pinned(circuit, upper_shadow(circuit), lower_shadow(circuit))


@machine
def _pinned(circuit: Circuit, long_shadow: int, short_shadow: int) -> Step:
    slots = circuit.slots

    def step() -> float:
        body = abs(slots[CLOSE] - slots[OPEN])
        return float(
            body > 0
            and slots[long_shadow] >= LONG_SHADOW * body
            and slots[short_shadow] <= SHORT_SHADOW * (slots[HIGH] - slots[LOW])
        )

    return step


@machine
def upper_shadow(circuit: Circuit) -> Step:
    """Make the high above the body."""
    slots = circuit.slots

    def step() -> float:
        return slots[HIGH] - max(slots[OPEN], slots[CLOSE])

    return step


@machine
def lower_shadow(circuit: Circuit) -> Step:
    """Make the low below the body."""
    slots = circuit.slots

    def step() -> float:
        return min(slots[OPEN], slots[CLOSE]) - slots[LOW]

    return step


@machine
def marubozu(circuit: Circuit) -> Step:
    """Make 1 where the body is nearly all of a range, else 0."""
    slots = circuit.slots

    def step() -> float:
        spread = slots[HIGH] - slots[LOW]
        return float(abs(slots[CLOSE] - slots[OPEN]) >= FULL_BODY * spread and spread > 0)

    return step


def engulfing_up(circuit: Circuit) -> int:
    """Make 1 where a rising body covers the falling one before and is larger, else 0."""
    return _engulfing(circuit, 1.0)


def engulfing_down(circuit: Circuit) -> int:
    """Make 1 where a falling body covers the rising one before and is larger, else 0."""
    return _engulfing(circuit, -1.0)


@machine
def _engulfing(circuit: Circuit, direction: float) -> Step:
    slots, opens, closes = circuit.slots, delayed(circuit, OPEN, 1), delayed(circuit, CLOSE, 1)

    def step() -> float:
        opened, closed = direction * slots[OPEN], direction * slots[CLOSE]
        opened_before, closed_before = direction * slots[opens], direction * slots[closes]
        covers = opened <= closed_before < opened_before <= closed
        return float(covers and closed - opened > opened_before - closed_before)

    return step


def inside_bar(circuit: Circuit) -> int:
    """Make 1 where high and low are within those before, else 0."""
    return product(circuit, _above(circuit, delayed(circuit, HIGH, 1), HIGH), _rising(circuit, LOW))


def outside_bar(circuit: Circuit) -> int:
    """Make 1 where high and low are beyond those before, else 0."""
    return product(circuit, _rising(circuit, HIGH), _above(circuit, delayed(circuit, LOW, 1), LOW))


def _rising(circuit: Circuit, source: int) -> int:
    return _above(circuit, source, delayed(circuit, source, 1))


@machine
def streak(circuit: Circuit) -> Step:
    """Make the closes in a row that rose, or minus those that fell, up to the longest that counts."""
    slots, change, run = circuit.slots, price_return(circuit, 1), 0

    def step() -> float:
        nonlocal run
        # As the batch does, by the rounded return: a move below its last digit is none.
        value = slots[change]
        if value > 0:
            run = min(max(run, 0) + 1, LONGEST_STREAK)
        elif value < 0:
            run = max(min(run, 0) - 1, -LONGEST_STREAK)
        else:
            run = 0
        return float(run)

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
