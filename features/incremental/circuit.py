"""Step machines wired together: each reads the newest values of others and gives its own next value.

Plain Python floats on purpose: for one value at a time, a call of numpy costs more than the arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from functools import wraps
from typing import Concatenate, ParamSpec

from domain.market import CandleLike

Parameters = ParamSpec("Parameters")
Step = Callable[[], float]

# Places of the candle itself; the machines follow.
TIME, OPEN, HIGH, LOW, CLOSE, VOLUME = range(6)


class Circuit:
    """The machines in the order of their needs, and the newest value of each.

    Attributes:
        step_ms: Length of a candle.
        slots: Newest values by place: the candle's open time in epoch ms, open, high, low, close,
            volume, then one per machine. NaN while warming up and where there is no value.
    """

    __slots__ = ("_places", "_steps", "slots", "step_ms")

    def __init__(self, step_ms: int) -> None:
        self.step_ms = step_ms
        self.slots: list[float] = [math.nan] * (VOLUME + 1)
        self._steps: list[tuple[int, Step]] = []
        self._places: dict[Hashable, int] = {}

    def place(self, key: Hashable, make: Callable[[], Step]) -> int:
        """Return where the machine of this key writes; the first who asks has it made, after all that it reads."""
        found = self._places.get(key)
        if found is None:
            step = make()
            found = self._places[key] = len(self.slots)
            self.slots.append(math.nan)
            self._steps.append((found, step))
        return found

    def advance(self, candle: CandleLike) -> None:
        """Let every machine take one step."""
        slots = self.slots
        slots[TIME], slots[OPEN], slots[HIGH] = float(candle.timestamp), candle.open, candle.high
        slots[LOW], slots[CLOSE], slots[VOLUME] = candle.low, candle.close, candle.volume
        for place, step in self._steps:
            slots[place] = step()


def machine(
    make: Callable[Concatenate[Circuit, Parameters], Step],
) -> Callable[Concatenate[Circuit, Parameters], int]:
    """Let a function that makes a step return the place of its values: one machine per circuit and arguments."""

    @wraps(make)
    def placed(circuit: Circuit, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> int:
        key = (make, args, tuple(kwargs.items()))
        return circuit.place(key, lambda: make(circuit, *args, **kwargs))

    return placed
