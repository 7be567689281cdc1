"""Slots and times: predictions on the axis of a run, and in a file that later runs can read."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from domain.arrays import IntArray
from domain.errors import ModelCorrupt
from domain.forecasting import PastForecasts
from domain.market import CandleSeries
from features.datasets.candle_checks import axis_times
from models.evaluation.out_of_sample import OutOfSample


@dataclass(frozen=True)
class TimeAxis:
    """The axis of `TrainingSet.slots`: one slot for each of the markets at each of the open times."""

    opens_ms: IntArray
    markets: tuple[str, ...]

    @classmethod
    def of(cls, markets: Mapping[str, CandleSeries]) -> Self:
        """Return the axis of candles by symbol, none of them empty."""
        return cls(axis_times(tuple(markets.values())), tuple(markets))

    def times_ms(self, slots: IntArray) -> IntArray:
        """Return the open times of slots in epoch ms."""
        times: IntArray = self.opens_ms[slots // len(self.markets)]
        return times

    def slots(self, times_ms: IntArray, market: str) -> IntArray:
        """Return the slots of open times of one of the markets; -1 for times that are not on the axis."""
        at = np.searchsorted(self.opens_ms, times_ms).clip(max=len(self.opens_ms) - 1)
        slots = at * len(self.markets) + self.markets.index(market)
        return np.where(self.opens_ms[at] == times_ms, slots, -1)

    def by_market(self, predictions: OutOfSample, markets: Mapping[str, CandleSeries]) -> list[PastForecasts]:
        """Return the predictions of each market, the symbols of `markets` being those of the axis.

        Predictions of candles that are missing in the market, such as filled gaps, are left out.
        """
        return [self._of_market(predictions, symbol, series) for symbol, series in markets.items()]

    def _of_market(self, predictions: OutOfSample, symbol: str, series: CandleSeries) -> PastForecasts:
        own = predictions.rows % len(self.markets) == self.markets.index(symbol)
        times, opens = series.times_ms, self.times_ms(predictions.rows[own])
        positions = np.searchsorted(times, opens).clip(max=len(times) - 1)
        there = times[positions] == opens
        return PastForecasts(symbol, series, positions[there], predictions.probability[own][there])

    def dump(self, predictions: OutOfSample) -> bytes:
        """Return the predictions with times and symbols in place of slots, as an npz without pickles."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            symbols=np.array(self.markets),
            market=(predictions.rows % len(self.markets)).astype(np.int16),
            times_ms=self.times_ms(predictions.rows),
            probability=predictions.probability,
            raw=predictions.raw,
            returns=predictions.returns,
            fold=predictions.fold.astype(np.int16),
        )
        return buffer.getvalue()

    def load(self, content: bytes) -> OutOfSample:
        """Return the predictions of `dump` that lie on this axis, on its own slots.

        Raises:
            ModelCorrupt: the content is not what `dump` wrote.
        """
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                stored = {name: file[name] for name in file.files}
            symbols = [str(symbol) for symbol in stored["symbols"]]
            known = np.isin(stored["market"], [i for i, symbol in enumerate(symbols) if symbol in self.markets])
            slots = np.full(len(known), -1)
            for number, symbol in enumerate(symbols):
                if symbol in self.markets:
                    own = stored["market"] == number
                    slots[own] = self.slots(stored["times_ms"][own], symbol)
            kept = np.flatnonzero(known & (slots >= 0))
            order = kept[np.argsort(slots[kept])]
            values = (stored[name][order] for name in ("probability", "raw", "returns", "fold"))
            return OutOfSample(slots[order], *values)
        except (OSError, ValueError, KeyError, IndexError) as error:
            raise ModelCorrupt(f"predictions that cannot be read: {error}") from error
