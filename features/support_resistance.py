"""Support and resistance: prices at which the market has turned before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

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


def find_levels(frame: pd.DataFrame, price: float, average_true_range: float) -> Levels:
    """Return the levels of a frame around the price.

    A level is the mean of the swing highs and lows that lie together. Broken resistance
    counts as support and the other way round.

    Args:
        frame: Rows of high and low, oldest first.
        price: Current price, > 0.
        average_true_range: Typical range of a candle in the unit of the price, >= 0.
    """
    highs, lows = frame["high"].to_numpy(np.float64), frame["low"].to_numpy(np.float64)
    turns = np.sort(np.concatenate((_swing_highs(highs), -_swing_highs(-lows))))
    levels = _cluster(turns.tolist(), CLUSTER_ATR * average_true_range)
    # Sorted by price, hence also by distance once the supports are turned round.
    supports = [level for level in reversed(levels) if level < price]
    resistances = [level for level in levels if level > price]
    return Levels(tuple(supports[:MAX_LEVELS]), tuple(resistances[:MAX_LEVELS]))


def _swing_highs(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the values that top the candles on both sides; the first of equals counts, a flat stretch does not."""
    sides = CONFIRMATION_CANDLES
    if len(values) < 2 * sides + 1:
        return np.empty(0)
    windows = sliding_window_view(values, 2 * sides + 1)
    center = windows[:, sides]
    before, after = windows[:, :sides].max(axis=1), windows[:, sides + 1 :].max(axis=1)
    # A top that later candles only repeat must still be left downward in the end.
    lower_after = windows[:, sides + 1 :].min(axis=1) < center
    confirmed: NDArray[np.float64] = center[(center > before) & (center >= after) & lower_after]
    return confirmed


def _cluster(turns: list[float], width: float) -> list[float]:
    """Return the means of the groups of ascending `turns` that span at most `width`."""
    groups: list[list[float]] = []
    for turn in turns:
        if groups and turn - groups[-1][0] <= width:
            groups[-1].append(turn)
        else:
            groups.append([turn])
    return [sum(group) / len(group) for group in groups]
