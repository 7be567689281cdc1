"""What is known of one timeframe at each moment of a history."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from domain.arrays import IntArray
from domain.continuity import SeriesBreak, newest_break, possible_breaks
from domain.market import CandleSeries
from features.indicators.technical_indicators import TechnicalIndicators


class KnownCandles:
    """The whole series of one timeframe, and the windows of it that are known at moments."""

    def __init__(self, series: CandleSeries, count: int) -> None:
        """Take a series, and the number of newest candles that are known at a moment."""
        self.series = series
        self.closes_ms: IntArray = series.closes_ms
        self._count = count
        self._possible_breaks_ms: list[int] = series.times_ms[possible_breaks(series)].tolist()
        self._newest: CandleSeries | None = None
        self._end = 0

    def ends(self, moments_ms: IntArray) -> list[int]:
        """Return how many candles had closed by each moment."""
        closed: list[int] = np.searchsorted(self.closes_ms, moments_ms, side="right").tolist()
        return closed

    def before(self, end: int) -> CandleSeries:
        """Return the newest candles before a position, the same series again as long as none is new."""
        if self._newest is None or end != self._end:
            self._newest, self._end = self.series.part(max(0, end - self._count), end), end
        return self._newest

    def newest_break(self, part: CandleSeries) -> SeriesBreak | None:
        """Return the newest break of a part; see `domain.continuity`, which looks only where one may be."""
        first = bisect_right(self._possible_breaks_ms, int(part.times_ms[0]))
        last = bisect_right(self._possible_breaks_ms, part.last_open_ms)
        return newest_break(part) if first < last else None

    def measured(self, parts: Sequence[CandleSeries], indicators: TechnicalIndicators) -> list[dict[str, float]]:
        """Return the newest indicators of each of some parts of the series, equal ones measured once."""
        if not parts:
            return []
        starts = np.searchsorted(self.series.times_ms, [part.times_ms[0] for part in parts])
        spans = np.array((starts, starts + [len(part) for part in parts]))
        unique, places = np.unique(spans, axis=1, return_inverse=True)
        latest = indicators.newest(self.series.values, *unique)
        return [latest[place] for place in places.tolist()]
