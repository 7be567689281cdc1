"""Slots and times: predictions on the axis of a run, and in a file that later runs can read."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from domain.arrays import IntArray
from domain.errors import ModelCorrupt
from domain.market import CandleSeries
from models.evaluation.out_of_sample import OutOfSample


@dataclass(frozen=True)
class TimeAxis:
    """The axis of `TrainingSet.slots`: `step_ms` is one candle, and one slot for each of the markets."""

    origin_ms: int
    step_ms: int
    markets: tuple[str, ...]

    @classmethod
    def of(cls, markets: Mapping[str, CandleSeries]) -> Self:
        """Return the axis of candles by symbol, none of them empty."""
        series = tuple(markets.values())
        return cls(min(market.candles[0].timestamp for market in series), series[0].timeframe.ms, tuple(markets))

    def times_ms(self, slots: IntArray) -> IntArray:
        """Return the open times of slots in epoch ms."""
        return self.origin_ms + slots // len(self.markets) * self.step_ms

    def slots(self, times_ms: IntArray, market: str) -> IntArray:
        """Return the slots of open times of one of the markets; negative before the axis begins."""
        return (times_ms - self.origin_ms) // self.step_ms * len(self.markets) + self.markets.index(market)

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
