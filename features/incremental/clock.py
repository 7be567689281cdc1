"""The machines of the columns of time: points on circles, and the progress of higher candles."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from features.feature_groups import DAY_MS, FIRST_WEEKDAY
from features.incremental.circuit import TIME, Circuit, Step, machine
from features.incremental.machines import applied


def circle(wave: Callable[[float], float], angle: Callable[[float], float]) -> Callable[[Circuit], int]:
    """Return the machine of a wave of the angle of an open time in epoch ms."""

    def made(circuit: Circuit) -> int:
        return applied(circuit, wave, applied(circuit, angle, TIME))

    return made


def hour_angle(opened: float) -> float:
    """Return the part of the UTC day that has passed, as an angle."""
    return 2 * math.pi * (opened % DAY_MS / DAY_MS)


def weekday_angle(opened: float) -> float:
    """Return the whole days since Monday, of 7, as an angle."""
    return 2 * math.pi * ((opened // DAY_MS + FIRST_WEEKDAY) % 7 / 7)


def month_angle(opened: float) -> float:
    """Return the whole months since January, of 12, as an angle."""
    return 2 * math.pi * ((time.gmtime(opened // 1000).tm_mon - 1) / 12)


@machine
def higher_progress(circuit: Circuit, factor: int) -> Step:
    """Make how much of the forming candle `factor` times as long has passed at the close."""
    slots, step_ms = circuit.slots, circuit.step_ms
    span_ms = factor * step_ms

    def step() -> float:
        return (slots[TIME] % span_ms + step_ms) / span_ms

    return step
