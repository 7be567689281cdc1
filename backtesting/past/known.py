"""What is known of one timeframe at each moment of a history."""

from __future__ import annotations

from collections.abc import Mapping, Set

import numpy as np

from domain.arrays import IntArray
from domain.continuity import SeriesBreak, newest_break, possible_breaks
from domain.market import CandleSeries
from features.indicators.technical_indicators import TechnicalIndicators

Span = tuple[int, int]


class KnownCandles:
    """The whole series of one timeframe, and the windows of it that are known at moments."""

    def __init__(self, series: CandleSeries, count: int) -> None:
        """Take a series, and the number of newest candles that are known at a moment."""
        self.series = series
        self.closes_ms: IntArray = series.sessions.closes_ms(series.times_ms, series.timeframe.ms)
        self._count = count
        self._possible_breaks = possible_breaks(series)
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

    def span(self, part: CandleSeries) -> Span:
        """Return the positions of a part's first candle and after its last one."""
        start = int(np.searchsorted(self.series.times_ms, part.times_ms[0]))
        return start, start + len(part)

    def newest_break(self, part: CandleSeries) -> SeriesBreak | None:
        """Return the newest break of a part; see `domain.continuity`, which looks only where one may be."""
        start, end = self.span(part)
        first, last = np.searchsorted(self._possible_breaks, (start + 1, end))
        return newest_break(part) if first < last else None

    def measured(self, spans: Set[Span], indicators: TechnicalIndicators) -> Mapping[Span, Mapping[str, float]]:
        """Return the newest indicators of each of some windows of the series."""
        if not spans:
            return {}
        ordered = sorted(spans)
        starts, ends = np.array(ordered, dtype=np.int64).T
        return dict(zip(ordered, indicators.newest(self.series.values, starts, ends), strict=True))
