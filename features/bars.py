"""Candles as arrays, together with what has been computed from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.market import CandleSeries
from features.catalogue import Engine, compute
from features.families.family import Indicator
from features.kernels.candles import COLUMNS, Candles, FloatArray


class Bars:
    """The candles that columns are made from; every indicator and column is computed once.

    `open`, `high`, `low`, `close` are in quote currency, `volume` in base currency, `times` are
    open times in epoch ms, `step_ms` is the length of a candle.
    """

    def __init__(
        self,
        times: NDArray[np.int64],
        values: FloatArray,
        step_ms: int,
        wanted: Mapping[int, Sequence[Indicator]],
        engine: Engine,
        factor: int = 1,
    ) -> None:
        """Take the arrays.

        Args:
            times: Open times, ascending, n of them.
            values: Shape (n, 5): open, high, low, close, volume.
            step_ms: Length of a candle.
            wanted: Indicators that the columns need, by the factor of their timeframe.
            engine: Engine of the indicators.
            factor: Length of these candles in candles of the base timeframe.
        """
        self.times, self.step_ms = times, step_ms
        self._values = np.ascontiguousarray(values.T)
        self._candles = Candles(self._values)
        self.open: FloatArray = self._values[0]
        self.high: FloatArray = self._values[1]
        self.low: FloatArray = self._values[2]
        self.close: FloatArray = self._values[3]
        self.volume: FloatArray = self._values[4]
        self._wanted, self._engine, self._factor = wanted, engine, factor
        self._higher: dict[int, tuple[Bars, NDArray[np.int64]]] = {}
        self.memo: dict[str, FloatArray] = {}

    @classmethod
    def of(cls, series: CandleSeries, wanted: Mapping[int, Sequence[Indicator]], engine: Engine) -> Bars:
        """Return the bars of a series."""
        times = np.fromiter((candle.timestamp for candle in series.candles), dtype=np.int64, count=len(series))
        return cls(times, series.values, series.timeframe.ms, wanted, engine)

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, indicator: Indicator) -> FloatArray:
        """Return an indicator in its own unit, NaN while warming up."""
        return self._indicators[indicator.name]

    @cached_property
    def returns(self) -> FloatArray:
        """Relative change of the close against the candle before, as a fraction."""
        # The first row has no candle before; 0 keeps rolling sums finite, and the warm-up hides it.
        returns = np.zeros(len(self))
        returns[1:] = self.close[1:] / self.close[:-1] - 1.0
        return returns

    @cached_property
    def _indicators(self) -> dict[str, FloatArray]:
        # Only the definitions by `ta` need a frame.
        candles = self._candles if self._engine == "fast" else pd.DataFrame(self._values.T, columns=list(COLUMNS))
        return compute(candles, self._wanted.get(self._factor, ()), self._engine)

    def higher(self, factor: int) -> tuple[Bars, NDArray[np.int64]]:
        """Return candles `factor` times as long, and for each of our rows which of them is the newest closed one.

        Buckets start at multiples of their length since 1970, as exchanges cut them. A bucket
        with a candle missing is left out, and so is the one still forming: a higher candle is
        known from the row on whose close completes it. The position is -1 before the first.
        """
        if factor not in self._higher:
            self._higher[factor] = self._resampled(factor)
        return self._higher[factor]

    def _resampled(self, factor: int) -> tuple[Bars, NDArray[np.int64]]:
        span_ms = factor * self.step_ms
        bucket = self.times - self.times % span_ms
        starts = np.flatnonzero(np.concatenate((np.ones(min(1, len(self)), dtype=bool), bucket[1:] != bucket[:-1])))
        starts = starts[np.diff(starts, append=len(self)) == factor]
        # One row per bucket and candle within it: (5, buckets, factor).
        parts = self._values[:, starts[:, None] + np.arange(factor)]
        values = np.column_stack(
            (parts[0, :, 0], parts[1].max(axis=1), parts[2].min(axis=1), parts[3, :, -1], parts[4].sum(axis=1))
        )
        bars = Bars(bucket[starts], values, span_ms, self._wanted, self._engine, factor)
        completed_by = starts + factor - 1
        return bars, np.searchsorted(completed_by, np.arange(len(self)), side="right") - 1
