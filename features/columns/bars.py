"""Candles with their times, indicators of either engine and higher candles: the input of columns."""

from __future__ import annotations

import numpy as np

from domain.arrays import FloatArray, IntArray
from domain.market import CandleSeries
from features.families.family import Indicator
from features.indicators.catalogue import Engine, after_warm_up
from features.kernels.candles import Candles


class Bars(Candles):
    """n candles with their times; every indicator and column is computed once.

    Attributes:
        times: Open times in epoch ms, ascending.
        step_ms: Length of a candle.
    """

    __slots__ = ("_engine", "_higher", "_values", "step_ms", "times")

    def __init__(self, times: IntArray, columns: FloatArray, step_ms: int, engine: Engine) -> None:
        """Take the arrays: n open times, and shape (5, n) of open, high, low, close, volume."""
        self._values = np.ascontiguousarray(columns)
        super().__init__(self._values)
        self.times, self.step_ms, self._engine = times, step_ms, engine
        self._higher: dict[int, tuple[Bars, IntArray]] = {}

    @classmethod
    def of_series(cls, series: CandleSeries, engine: Engine) -> Bars:
        """Return the bars of a series."""
        return cls(series.times_ms, series.values.T, series.timeframe.ms, engine)

    def __getitem__(self, indicator: Indicator) -> FloatArray:
        """Return an indicator in its own unit, after its warm-up, which must be shorter than the bars."""
        found = self.memory.get(indicator.name)
        if found is None:
            found = self.memory[indicator.name] = after_warm_up(self, indicator, self._engine)
        return found

    def higher(self, factor: int) -> tuple[Bars, IntArray]:
        """Return candles `factor` times as long, and for each row of these bars the position of the newest closed one.

        Buckets start at multiples of their length since 1970, as exchanges cut them. A bucket
        with a candle missing is left out, and so is the one still forming: a higher candle is
        known from the row on whose close completes it. The position is -1 before the first.
        """
        if factor not in self._higher:
            self._higher[factor] = self._resampled(factor)
        return self._higher[factor]

    def _resampled(self, factor: int) -> tuple[Bars, IntArray]:
        span_ms = factor * self.step_ms
        bucket = self.times - self.times % span_ms
        starts = np.flatnonzero(np.concatenate((np.ones(min(1, len(self)), dtype=bool), bucket[1:] != bucket[:-1])))
        starts = starts[np.diff(starts, append=len(self)) == factor]
        # One row per bucket and candle within it: (5, buckets, factor).
        parts = self._values[:, starts[:, None] + np.arange(factor)]
        values = np.array(
            (parts[0, :, 0], parts[1].max(axis=1), parts[2].min(axis=1), parts[3, :, -1], parts[4].sum(axis=1))
        )
        completed_by = starts + factor - 1
        newest_closed = np.searchsorted(completed_by, np.arange(len(self)), side="right") - 1
        return Bars(bucket[starts], values, span_ms, self._engine), newest_closed
