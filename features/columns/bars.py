"""Candles with their times, indicators of either engine and higher candles: the input of columns."""

from __future__ import annotations

import numpy as np

from domain.arrays import FloatArray, IntArray
from domain.hours.buckets import buckets
from domain.hours.sessions import Sessions
from domain.market import CandleSeries
from features.families.family import Indicator
from features.indicators.catalogue import Engine, after_warm_up
from features.kernels.candles import Candles


class Bars(Candles):
    """n candles with their times; every indicator and column is computed once.

    Attributes:
        times: Open times in epoch ms, ascending.
        step_ms: Length of a candle.
        sessions: When the market trades.
    """

    __slots__ = ("_engine", "_higher", "_values", "sessions", "step_ms", "times")

    def __init__(self, times: IntArray, columns: FloatArray, step_ms: int, sessions: Sessions, engine: Engine) -> None:
        """Take the arrays: n open times, and shape (5, n) of open, high, low, close, volume."""
        self._values = np.ascontiguousarray(columns)
        super().__init__(self._values)
        self.times, self.step_ms, self.sessions, self._engine = times, step_ms, sessions, engine
        self._higher: dict[int, tuple[Bars, IntArray]] = {}

    @classmethod
    def of_series(cls, series: CandleSeries, engine: Engine) -> Bars:
        """Return the bars of a series."""
        return cls(series.times_ms, series.values.T, series.timeframe.ms, series.sessions, engine)

    def __getitem__(self, indicator: Indicator) -> FloatArray:
        """Return an indicator in its own unit, after its warm-up, which must be shorter than the bars."""
        found = self.memory.get(indicator.name)
        if found is None:
            found = self.memory[indicator.name] = after_warm_up(self, indicator, self._engine)
        return found

    def higher(self, factor: int) -> tuple[Bars, IntArray]:
        """Return candles `factor` times as long, and for each row of these bars the position of the newest closed one.

        A candle with something tradable missing in it is left out, and so is the one still forming: a higher
        candle is known from the row on whose close trading in it ends. The position is -1 before the first.
        """
        if factor not in self._higher:
            self._higher[factor] = self._resampled(factor)
        return self._higher[factor]

    def _resampled(self, factor: int) -> tuple[Bars, IntArray]:
        span_ms = factor * self.step_ms
        longer = buckets(self.times, self.step_ms, span_ms, self.sessions)
        known = longer.whole & (longer.known_from < len(self))
        values = longer.merged(self._values.T)[known].T
        newest_closed = np.searchsorted(longer.known_from[known], np.arange(len(self)), side="right") - 1
        return Bars(longer.opens_ms[known], values, span_ms, self.sessions, self._engine), newest_closed
