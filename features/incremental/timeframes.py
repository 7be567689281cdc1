"""The columns on candles of one length, and higher candles as they form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from domain.arrays import FloatArray
from domain.market import Candle, CandleLike
from features.columns import Column
from features.incremental.circuit import Circuit
from features.incremental.columns import find_machine


class FormingCandle:
    """Gathers candles into one `factor` times as long, by the rule of `Bars.higher`."""

    def __init__(self, factor: int, step_ms: int) -> None:
        self._factor, self._span_ms = factor, factor * step_ms
        self._parts: list[CandleLike] = []
        self._opens = 0

    def add(self, candle: CandleLike) -> Candle | None:
        """Return the higher candle that this one completes; None where it does not, or where a part is missing."""
        opens = candle.timestamp - candle.timestamp % self._span_ms
        if opens != self._opens:
            self._opens, self._parts = opens, []
        parts = self._parts
        parts.append(candle)
        if len(parts) < self._factor:
            return None
        return Candle(
            opens,
            parts[0].open,
            max([part.high for part in parts]),
            min([part.low for part in parts]),
            candle.close,
            sum([part.volume for part in parts]),
        )


class ColumnsOfTimeframe:
    """The columns that are made from candles of one length."""

    def __init__(self, columns: Sequence[Column], factor: int, step_ms: int) -> None:
        """Build the machines.

        Args:
            columns: All columns of a set, each with a machine; those of other timeframes are passed over.
            factor: Length of the candles in candles of the base timeframe.
            step_ms: Length of a candle of the base timeframe.
        """
        own = [column for column in columns if column.factor == factor]
        self._positions = np.array([place for place, column in enumerate(columns) if column.factor == factor])
        self._forming = FormingCandle(factor, step_ms) if factor > 1 else None
        self._circuit = Circuit(factor * step_ms)
        self._places = [build(self._circuit) for column in own if (build := find_machine(column))]
        self._warm_ups = np.array([column.own_warm_up for column in own])
        self._longest_warm_up = self._warm_ups.max()
        self._neutrals = np.array([column.neutral for column in own], dtype=np.float64)
        self._count, self._written = 0, 0

    def take(self, candle: CandleLike) -> None:
        """Take the next candle of the base timeframe."""
        completed = self._forming.add(candle) if self._forming else candle
        if completed is not None:
            self._circuit.advance(completed)
            self._count += 1

    def write(self, row: FloatArray) -> None:
        """Put the newest values in their places: NaN while warming up, finite from there on.

        Args:
            row: What was written here last, all NaN at first.
        """
        if self._written == self._count:
            return
        self._written = self._count
        found = np.fromiter(map(self._circuit.slots.__getitem__, self._places), np.float64, len(self._places))
        values = np.where(np.isfinite(found), found, self._neutrals)
        if self._count <= self._longest_warm_up:
            values[self._warm_ups >= self._count] = np.nan
        row[self._positions] = values
