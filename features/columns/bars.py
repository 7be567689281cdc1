"""Candles with their times, indicators of either engine and higher candles: the input of columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from domain.arrays import FloatArray, IntArray
from domain.hours.buckets import buckets
from domain.hours.sessions import Sessions
from domain.market import CandleSeries
from features.families.family import Indicator
from features.indicators.catalogue import Engine, after_warm_up
from features.kernels.candles import Candles


class CandleRun(NamedTuple):
    """Candles that follow each other: n open times in epoch ms, values of shape (n, 5), and when they trade."""

    times: IntArray
    values: FloatArray
    sessions: Sessions


class Bars(Candles):
    """Candles of one length with their times; every indicator and column is computed once.

    They are one stretch of candles, or several laid end to end. What reads a fixed number of candles is computed
    for all at once: it reads beyond its stretch within its warm-up alone, where it has no value anyway. What depends
    on where a stretch begins, such as an average with a seed, is computed for all stretches of one length together.

    Attributes:
        times: Open times in epoch ms, ascending within a stretch.
        step_ms: Length of a candle.
        edges: Positions where the stretches begin, and the number of candles.
    """

    __slots__ = ("_engine", "_higher", "_stacks", "_stretches", "edges", "step_ms", "times")

    def __init__(self, stretches: Sequence[CandleRun], step_ms: int, engine: Engine) -> None:
        """Lay the stretches, one at least, end to end."""
        one, *more = stretches
        values = np.concatenate([stretch.values for stretch in stretches]) if more else one.values
        super().__init__(values.T)
        self.times = np.concatenate([stretch.times for stretch in stretches]) if more else one.times
        self.edges: list[int] = np.cumsum([0, *(len(stretch.times) for stretch in stretches)]).tolist()
        self.step_ms, self._engine, self._stretches = step_ms, engine, stretches
        self._stacks: list[tuple[IntArray, Candles]] | None = None
        self._higher: dict[int, tuple[Bars, IntArray]] = {}

    @classmethod
    def of_series(cls, series: Sequence[CandleSeries], engine: Engine) -> Bars:
        """Return the bars of series of one timeframe, one at least."""
        stretches = [CandleRun(one.times_ms, one.values, one.sessions) for one in series]
        return cls(stretches, series[0].timeframe.ms, engine)

    def __getitem__(self, indicator: Indicator) -> FloatArray:
        """Return an indicator in its own unit, after its warm-up, which must be shorter than the bars.

        Values within the warm-up of a stretch but the first are no values.
        """
        found = self.memory.get(indicator.name)
        if found is None:
            found = self.memory[indicator.name] = self._computed(indicator)
        return found

    def higher(self, factor: int) -> tuple[Bars, IntArray]:
        """Return candles `factor` times as long, and for each row of these bars the position of the newest closed one.

        A candle with something tradable missing in it is left out, and so is the one still forming: a higher
        candle is known from the row on whose close trading in it ends. The position is -1 before the first
        of a stretch.
        """
        if factor not in self._higher:
            self._higher[factor] = self._resampled(factor)
        return self._higher[factor]

    def _computed(self, indicator: Indicator) -> FloatArray:
        alone = len(self._stretches) == 1
        if alone or (indicator.rolling and self._engine == "fast"):
            return after_warm_up(self, indicator, self._engine)
        warm_up, table = indicator.warm_up, np.full(len(self), np.nan)
        for starts, candles in self._of_one_length():
            if len(candles) > warm_up:
                places = starts[:, None] + np.arange(warm_up, len(candles))
                table[places] = after_warm_up(candles, indicator, self._engine)
        return table[warm_up:]

    def _of_one_length(self) -> list[tuple[IntArray, Candles]]:
        """Return the stretches of each length as series of one stack, with their positions; by `ta` one by one."""
        if self._stacks is None:
            self._stacks = list(self._stacked())
        return self._stacks

    def _stacked(self) -> Iterator[tuple[IntArray, Candles]]:
        starts, lengths = np.array(self.edges[:-1]), np.diff(self.edges)
        if self._engine == "ta":
            yield from ((starts[at : at + 1], Candles(one.values.T)) for at, one in enumerate(self._stretches))
            return
        columns = np.stack((self.open, self.high, self.low, self.close, self.volume))
        for length in np.unique(lengths).tolist():
            of_length = starts[lengths == length]
            yield of_length, Candles(columns[:, of_length[:, None] + np.arange(length)])

    def _resampled(self, factor: int) -> tuple[Bars, IntArray]:
        span_ms, stretches, positions, count = factor * self.step_ms, [], [], 0
        for stretch in self._stretches:
            longer = buckets(stretch.times, self.step_ms, span_ms, stretch.sessions)
            known = longer.whole & (longer.known_from < len(stretch.times))
            closed = np.searchsorted(longer.known_from[known], np.arange(len(stretch.times)), side="right") - 1
            positions.append(np.where(closed < 0, -1, closed + count))
            stretches.append(CandleRun(longer.opens_ms[known], longer.merged(stretch.values)[known], stretch.sessions))
            count += len(stretches[-1].times)
        return Bars(stretches, span_ms, self._engine), np.concatenate(positions)


def laid_out(table: FloatArray, edges: Sequence[int]) -> list[FloatArray]:
    """Return the rows of each stretch from a table of shape (columns, n), as arrays of shape (rows, columns)."""
    return [table[:, start:end].T for start, end in pairwise(edges)]
