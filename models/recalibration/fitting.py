"""The fit: one slope of all settled forecasts, and of each symbol one between its own and that of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from domain.arrays import BoolArray, FloatArray, IntArray
from models.evaluation.calibration import Calibration, around, fitted_slope, log_odds

# No calibration may be flat, since it is undone to find the probability before it.
LEAST_SLOPE = 0.05


@dataclass(frozen=True)
class SettledForecasts:
    """n forecasts of one version whose candle has closed higher or lower, in the order of time.

    Attributes:
        times_ms: Close of the candle that each was made at, epoch ms, ascending, shape (n,).
        probability: Of a rise by the calibration of the version's training, 0..1, shape (n,).
        up: Whether the next candle closed higher, shape (n,).
        symbols: Number of the symbol among `names`, shape (n,).
        names: Of the symbols.
    """

    times_ms: IntArray
    probability: FloatArray
    up: BoolArray
    symbols: IntArray
    names: tuple[str, ...]

    @classmethod
    def of(cls, rows: Sequence[tuple[int, str, float, bool]]) -> Self:
        """Return forecasts given as time, symbol, probability and rise, in any order."""
        ordered = sorted(rows)
        names = tuple(sorted({row[1] for row in ordered}))
        numbers = {name: number for number, name in enumerate(names)}
        return cls(
            np.array([row[0] for row in ordered], np.int64),
            np.array([row[2] for row in ordered], np.float64),
            np.array([row[3] for row in ordered], np.bool_),
            np.array([numbers[row[1]] for row in ordered], np.int64),
            names,
        )

    def __len__(self) -> int:
        """Return their number."""
        return len(self.times_ms)

    def part(self, chosen: BoolArray) -> SettledForecasts:
        """Return some of them, with the same names; `chosen` has shape (n,)."""
        return SettledForecasts(
            self.times_ms[chosen], self.probability[chosen], self.up[chosen], self.symbols[chosen], self.names
        )


@dataclass(frozen=True)
class FittedLines:
    """The calibration of all symbols, and that of each."""

    pooled: Calibration
    symbols: dict[str, Calibration]


def fit_lines(forecasts: SettledForecasts, deviation: float) -> FittedLines:
    """Return the calibrations of settled forecasts.

    The pooled slope is that of `slope` in `models.evaluation.calibration`. Slopes of symbols are taken as normally
    distributed around it: a symbol with few forecasts has nearly the pooled one. The level is that of all forecasts.

    Args:
        forecasts: One or more.
        deviation: Standard deviation of the slopes of symbols, > 0.
    """
    odds = log_odds(forecasts.probability)
    level = float(odds.mean())
    distance = odds - level
    pooled = fitted_slope(distance, forecasts.up, level)
    symbols = {}
    for number in np.unique(forecasts.symbols):
        own = forecasts.symbols == number
        slope = fitted_slope(distance[own], forecasts.up[own], level, pooled, deviation)
        symbols[forecasts.names[number]] = around(level, max(slope, LEAST_SLOPE))
    return FittedLines(around(level, max(pooled, LEAST_SLOPE)), symbols)
