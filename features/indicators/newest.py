"""The newest indicators of the rules in many windows of one series at once.

What comes from a fixed number of the newest candles alone is computed once for all windows. What depends on where a
window begins, such as an average with a seed, is computed for many windows of one length together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from domain.arrays import FloatArray, IntArray
from features.families.family import Indicator
from features.indicators.catalogue import after_warm_up, compute
from features.indicators.derived import newest_percentile, range_percent, volume_balance
from features.kernels.candles import Candles

# Windows that are computed together: an array of them fits into the processor's cache.
TOGETHER = 128


class NewestIndicators:
    """Computes the newest value of each column of the rules.

    Attributes:
        names: Of the columns, in order.
    """

    def __init__(self, columns: Mapping[str, Indicator], volume_period: int) -> None:
        """Take the indicators by the rules' names, and the candles of the balance of the volume."""
        self.names = (
            "close",
            *columns,
            "average_true_range_percent",
            "average_true_range_percentile",
            "volume_balance",
        )
        self._volume_period = volume_period
        self._ranges = columns["average_true_range"]
        rows = list(enumerate(columns.values(), 1))
        self._seeded = [(row, wanted) for row, wanted in rows if not wanted.rolling]
        self._rolling = [wanted for _, wanted in rows if wanted.rolling]
        self._rolling_rows = np.array([row for row, wanted in rows if wanted.rolling])
        self._rolling_warm_ups = np.array([[wanted.warm_up] for wanted in self._rolling])

    def over(self, values: FloatArray, starts: IntArray, ends: IntArray) -> FloatArray:
        """Return the newest value of each column in each of m windows: an array of shape (columns, m).

        It is not finite where a window has none.

        Args:
            values: Array of shape (n, 5): open, high, low, close, volume.
            starts: Position of the first candle of each window, m >= 1 numbers.
            ends: Position after its last candle, m numbers.
        """
        first = int(starts.min())
        candles, at, lengths = Candles(values[first : ends.max()].T), ends - 1 - first, ends - starts
        table = np.full((len(self.names), len(at)), np.nan)
        table[0] = candles.close[at]
        found = np.array([column[at] for column in compute(candles, self._rolling).values()])
        table[self._rolling_rows] = np.where(lengths > self._rolling_warm_ups, found, np.nan)
        with np.errstate(all="ignore"):
            balance = volume_balance(candles, self._volume_period)[at]
            table[-1] = np.where(lengths > self._volume_period, balance, np.nan)
            for places, windows in _of_one_length(values, starts, lengths):
                self._fill(table, places, windows)
        return table

    def _fill(self, table: FloatArray, places: IntArray, windows: Candles) -> None:
        """Write what depends on where the windows begin, at their places."""
        for row, wanted in self._seeded:
            if len(windows) > wanted.warm_up:
                table[row, places] = after_warm_up(windows, wanted, "fast")[:, -1]
        if len(windows) > (warm_up := self._ranges.warm_up):
            percent = range_percent(after_warm_up(windows, self._ranges, "fast"), windows.close[:, warm_up:])
            table[-3, places], table[-2, places] = percent[:, -1], newest_percentile(percent)


def _of_one_length(values: FloatArray, starts: IntArray, lengths: IntArray) -> Iterator[tuple[IntArray, Candles]]:
    """Yield windows of one length, at most `TOGETHER`, with their places among all."""
    for length in sorted(set(lengths.tolist())):
        places, offsets = np.flatnonzero(lengths == length), np.arange(length)
        for begin in range(0, len(places), TOGETHER):
            some = places[begin : begin + TOGETHER]
            yield some, Candles(values[starts[some, None] + offsets].transpose(2, 0, 1))
