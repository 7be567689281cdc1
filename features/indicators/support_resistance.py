"""Support and resistance: prices at which the market has turned before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domain.arrays import FloatArray
from features.kernels.windows import rolling_max, rolling_min

# A swing point stands out from this many candles on each side; with two, noise makes them, and
# with five, the newest turn shows too late.
CONFIRMATION_CANDLES = 3
# Turning points closer than this share of the Average True Range are one level.
CLUSTER_ATR = 0.5
MAX_LEVELS = 5


@dataclass(frozen=True)
class Levels:
    """Prices below and above the current one, each nearest first."""

    supports: tuple[float, ...]
    resistances: tuple[float, ...]


def find_levels(highs: FloatArray, lows: FloatArray, price: float, average_true_range: float) -> Levels:
    """Return the levels of some candles around the price.

    A level is the mean of the swing highs and lows that lie close to each other. Broken resistance
    counts as support, and broken support as resistance.

    Args:
        highs, lows: Prices of each candle, oldest first.
        price: Current price, > 0.
        average_true_range: Typical range of a candle in the unit of the price, >= 0.
    """
    turns = np.sort(np.concatenate((_swing_highs(highs), -_swing_highs(-lows))))
    levels = _cluster(turns.tolist(), CLUSTER_ATR * average_true_range)
    # Sorted by price, so by distance too once the supports are reversed.
    supports = [level for level in reversed(levels) if level < price]
    resistances = [level for level in levels if level > price]
    return Levels(tuple(supports[:MAX_LEVELS]), tuple(resistances[:MAX_LEVELS]))


def _swing_highs(values: FloatArray) -> FloatArray:
    """Return the values that top the candles on both sides; the first of equals counts, a flat stretch does not."""
    sides = CONFIRMATION_CANDLES
    if len(values) < 2 * sides + 1:
        return np.empty(0)
    center, highest = values[sides:-sides], rolling_max(values, sides)
    before, after = highest[: len(center)], highest[-len(center) :]
    # A top that the next candles repeat counts only once the price has fallen below it.
    lower_after = rolling_min(values, sides)[-len(center) :] < center
    return center[(center > before) & (center >= after) & lower_after]


def _cluster(turns: list[float], width: float) -> list[float]:
    """Return the means of the groups of ascending `turns` that span at most `width`."""
    groups: list[list[float]] = []
    for turn in turns:
        if groups and turn - groups[-1][0] <= width:
            groups[-1].append(turn)
        else:
            groups.append([turn])
    return [sum(group) / len(group) for group in groups]
