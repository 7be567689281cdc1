"""Candles to a table of features, on one path for training, backtests and serving."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import TYPE_CHECKING

import numpy as np

from domain.arrays import FloatArray, IntArray
from domain.continuity import breaks, since_break
from domain.errors import InsufficientData
from domain.market import CandleSeries
from features.columns.bars import Bars, laid_out
from features.columns.column import Column
from features.columns.feature_sets import FeatureSet
from features.indicators.catalogue import Engine

if TYPE_CHECKING:
    import pandas as pd

# Candles of several series that are computed together: the columns of more leave the processor's cache.
TOGETHER = 8_192


class FeatureEngineer:
    """Computes the columns of one feature set."""

    def __init__(self, feature_set: FeatureSet, engine: Engine = "fast") -> None:
        """Take the columns.

        Args:
            feature_set: Columns to compute.
            engine: Engine of the indicators; both give the same numbers.
        """
        self.feature_set = feature_set
        self._engine = engine
        self._base = _Block(feature_set.columns, 1)
        self._higher = [
            _Block(feature_set.columns, factor)
            for factor in sorted({column.factor for column in feature_set.columns} - {1})
        ]
        self._of_leader = FeatureEngineer(feature_set.of_leader, engine) if len(feature_set.leader_places) else None

    @property
    def feature_columns(self) -> list[str]:
        """Names of the columns, in order."""
        return [column.name for column in self.feature_set.columns]

    def matrix(self, series: CandleSeries, leader: CandleSeries | None = None) -> FloatArray:
        """Return what `transform` does without names and times: an array of shape (n, columns)."""
        return self.matrices([series], [leader])[0]

    def matrices(self, many: Sequence[CandleSeries], leaders: Sequence[CandleSeries | None] = ()) -> list[FloatArray]:
        """Return the matrix of each of several series of one timeframe, with the values that each has alone.

        Short series are computed together, which takes a fraction of the time of one by one.

        Args:
            many: The series, each as of `transform`.
            leaders: That of each series, as of `transform`; without any, nothing leads any of them.
        """
        tables = self._own(many)
        if self._of_leader is not None:
            # Those of one market are led by the same candles.
            known = {leader.digest: leader for leader in leaders if leader}
            led = dict(zip(known, self._of_leader.matrices(list(known.values())), strict=True))
            for table, series, leader in zip(tables, many, leaders, strict=False):
                if leader:
                    _overwrite(table, self.feature_set.leader_places, series, led[leader.digest], leader)
        return tables

    def _own(self, many: Sequence[CandleSeries]) -> list[FloatArray]:
        """Return the matrix of each series as where nothing leads it."""
        tables: list[FloatArray] = []
        # After a break every average starts anew, instead of remembering what was before it.
        parted = [_parts(series) for series in many]
        for batch in _batches(parted):
            rows = iter(self._values(Bars.of_series([part for parts in batch for part in parts], self._engine)))
            tables += [
                one[0] if len(one := list(islice(rows, len(parts)))) == 1 else np.concatenate(one) for parts in batch
            ]
        return tables

    def transform(self, series: CandleSeries, leader: CandleSeries | None = None) -> pd.DataFrame:
        """Return one row per candle, known at the close of that candle and never changed by a later one.

        A column is NaN for its warm-up and finite from there on: where the formula has no
        value (no range, no volume), it takes the neutral value of the column. Columns of
        higher timeframes stay NaN longer when candles are missing. After a break of the series (see
        `domain/continuity.py`) the warm-up begins again.

        Args:
            series: n checked, closed candles, oldest first, gaps allowed.
            leader: Closed candles of the leading market, of the same timeframe. A row reads those that opened with
                its own candle or before; where there is none of that moment, or the leader is warming up, the columns
                of the leader have the values of the series itself.

        Returns:
            Frame of n rows of float64, its index the open times in epoch ms.
        """
        import pandas as pd

        times = pd.Index(series.times_ms, name="timestamp")
        return pd.DataFrame(self.matrix(series, leader), columns=self.feature_columns, index=times, copy=False)

    def last_window(self, series: CandleSeries, length: int, leader: CandleSeries | None = None) -> FloatArray:
        """Return the newest rows, as a model reads them.

        Without gaps, only the candles that the rows need are read, so the time does not grow with
        the history. With fewer than `feature_set.history + length - 1` candles, smoothed
        columns still differ a little from what a longer history gives.

        Args:
            series: Closed candles, oldest first.
            length: Rows of the window, >= 1.
            leader: As of `transform`.

        Returns:
            Array of shape (length, columns), equal to the end of `transform` within 1e-6.

        Raises:
            InsufficientData: a row of the window would still be warming up.
        """
        return self.last_windows([series], length, [leader])[0]

    def last_windows(
        self, many: Sequence[CandleSeries], length: int, leaders: Sequence[CandleSeries | None] = ()
    ) -> list[FloatArray]:
        """Return what `last_window` does, for each of several series of one timeframe; raises as it does."""
        needed = [self._needed(series, length) for series in many]
        return [rows[-length:].copy() for rows in self.matrices(needed, leaders)]

    def _needed(self, series: CandleSeries, length: int) -> CandleSeries:
        """Return the candles that the newest rows need."""
        series = since_break(series)
        needed = self.feature_set.warm_up + length
        if len(series) < needed:
            raise InsufficientData(
                f"a window of {length} rows of the {self.feature_set.name} features needs {needed} "
                f"{series.timeframe} candles, received {len(series)}"
            )
        recent = series.tail(self.feature_set.history + length - 1)
        # A missing candle costs the higher timeframes a whole candle of theirs: then all candles are read.
        return series if recent.missing else recent

    def _values(self, bars: Bars) -> list[FloatArray]:
        """Return the rows of each stretch of the bars."""
        # Ratios to zero are expected: neutral values take their place.
        with np.errstate(all="ignore"):
            values = self._base.over(bars)
            if not self._higher:
                return laid_out(values, bars.edges)
            table = np.empty((len(self.feature_set.columns), len(bars)))
            table[self._base.places] = values
            for block in self._higher:
                longer, newest_closed = bars.higher(block.factor)
                # Position -1, before the first closed one, reads NaN.
                known = np.pad(block.over(longer), ((0, 0), (0, 1)), constant_values=np.nan)
                table[block.places] = known[:, newest_closed]
        return laid_out(table, bars.edges)


def _parts(series: CandleSeries) -> list[CandleSeries]:
    edges = [0, *breaks(series).tolist(), len(series)]
    return [series.part(start, end) for start, end in pairwise(edges)] if len(edges) > 2 else [series]


def _batches(parted: Sequence[list[CandleSeries]]) -> Iterator[Sequence[list[CandleSeries]]]:
    """Yield series, each in its parts, that are computed together: as many candles as fit, one series at least."""
    start, count = 0, 0
    for at, parts in enumerate(parted):
        candles = sum(map(len, parts))
        if at > start and count + candles > TOGETHER:
            yield parted[start:at]
            start, count = at, 0
        count += candles
    if start < len(parted):
        yield parted[start:]


def _overwrite(
    table: FloatArray, places: IntArray, series: CandleSeries, led: FloatArray, leader: CandleSeries
) -> None:
    """Write the leader's values into the rows of the same moments; rows that warm up stay as they are."""
    at = np.minimum(np.searchsorted(leader.times_ms, series.times_ms), len(leader) - 1)
    known = np.isfinite(led[at]).all(axis=1) & np.isfinite(table[:, places]).all(axis=1)
    rows = np.flatnonzero(known & (leader.times_ms[at] == series.times_ms))
    table[np.ix_(rows, places)] = led[at[rows]]


class _Block:
    """The columns of one timeframe, as the rows of one table.

    Attributes:
        factor: Length of their candles in candles of the base timeframe.
        places: Their places among all columns.
    """

    def __init__(self, columns: Sequence[Column], factor: int) -> None:
        self.factor = factor
        self.places = [place for place, column in enumerate(columns) if column.factor == factor]
        self._columns = [columns[place] for place in self.places]
        self._neutrals = np.array([column.neutral for column in self._columns], dtype=np.float64)[:, None]
        warm_ups = np.array([column.own_warm_up for column in self._columns], dtype=np.int64)[:, None]
        self._warming_up = np.arange(warm_ups.max(initial=0)) < warm_ups

    def over(self, bars: Bars) -> FloatArray:
        """Return the columns of candles of their timeframe: NaN while warming up, finite from there on."""
        count = len(bars)
        table = np.empty((len(self._columns), count))
        for row, column in zip(table, self._columns, strict=True):
            if count > column.own_warm_up:
                row[column.own_warm_up :] = column.over(bars)
        np.copyto(table, self._neutrals, where=~np.isfinite(table))
        longest = self._warming_up.shape[1]
        for start, end in pairwise(bars.edges):
            head = table[:, start : min(end, start + longest)]
            np.copyto(head, np.nan, where=self._warming_up[:, : head.shape[1]])
        return table
