"""The ports to a source of candles: its newest ones, and its past."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from domain.analysis import DataSource
from domain.candle_columns import CandleLike
from domain.market import CandleSeries, Timeframe
from services.market_data.parsing import series_of


class MarketDataSource(Protocol):
    """Gives the newest candles of a market."""

    @property
    def name(self) -> DataSource:
        """The `source_data` of an analysis of these candles."""

    async def candles(self, symbol: str, timeframe: Timeframe, limit: int) -> CandleSeries:
        """Return up to `limit` newest candles, checked, the last one possibly still forming.

        Raises:
            MarketDataUnavailable: the source has none, cannot be reached or answers nonsense.
        """


class HistoryPage(NamedTuple):
    """Candles of one answer, oldest first, possibly none; the next page begins at `end_ms`."""

    series: CandleSeries
    end_ms: int


class HistorySource(Protocol):
    """Gives candles of any time, page by page."""

    @property
    def name(self) -> DataSource:
        """The `source_data` of a training on these candles."""

    async def page(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> HistoryPage:
        """Return the first candles of a range, as many as one answer has.

        Between `start_ms` and the page's own end, the source has no other candles.

        Args:
            symbol: Market.
            timeframe: Length of a candle.
            start_ms: Earliest open time, epoch ms.
            end_ms: First open time after the range.

        Raises:
            MarketDataUnavailable: the source has no such market or timeframe.
            SourceFailed: it cannot be reached or answers nonsense.
            SourceBusy: it wants to be left alone for a while.
        """


def first_page(
    symbol: str, timeframe: Timeframe, candles: Iterable[CandleLike], start_ms: int, end_ms: int, limit: int
) -> HistoryPage:
    """Return the page of an answer with up to `limit` candles; fewer are all that the range has.

    Candles outside the range are left out, since some servers ignore it.

    Raises:
        SourceFailed: the candles break a rule of the market.
    """
    found = list(candles)
    inside = [candle for candle in found if start_ms <= candle.timestamp < end_ms]
    series = series_of(symbol, timeframe, inside, limit)
    if len(found) < limit or not inside:
        return HistoryPage(series, end_ms)
    return HistoryPage(series, min(max(candle.timestamp for candle in inside) + timeframe.ms, end_ms))
