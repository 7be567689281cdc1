"""The ports to a source of candles: its newest ones, and its past; and the kinds of symbols that sources have."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple, Protocol, runtime_checkable

from domain.analysis import DataSource
from domain.candles.columns import CandleLike
from domain.market import CandleSeries, Timeframe
from domain.naming.symbols import Symbol, SymbolKind
from services.market_data.parsing import series_of

# A spelling that tells no kind may be anything, and is asked for.
COINS = frozenset({SymbolKind.CRYPTO, None})
_PLURALS = {
    SymbolKind.CRYPTO: "coins",
    SymbolKind.FOREX: "currencies",
    SymbolKind.SHARE: "shares",
    SymbolKind.INDEX: "indices",
    SymbolKind.FUTURE: "futures",
}


class MarketDataSource(Protocol):
    """Gives the newest candles of a market."""

    @property
    def name(self) -> DataSource:
        """The `source_data` of an analysis of these candles."""

    def lacks(self, symbol: Symbol) -> str | None:
        """Return why the source cannot have such a symbol, or None where it must be asked; nothing is requested."""

    async def candles(self, symbol: str, timeframe: Timeframe, limit: int) -> CandleSeries:
        """Return up to `limit` newest candles, checked, the last one possibly still forming.

        Raises:
            UnknownSymbol: the source does not have this symbol.
            MarketDataUnavailable: it has none of these candles, cannot be reached or answers nonsense.
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


@runtime_checkable
class ListsSymbols(Protocol):
    """A source that can list its symbols without asking anyone over a network."""

    async def symbols(self) -> Collection[str]:
        """Return the symbols that it has candles of.

        Raises:
            MarketDataUnavailable: they cannot be read now.
        """


def lacks_kind(symbol: Symbol, kinds: Collection[SymbolKind | None]) -> str | None:
    """Return why a source of these kinds of symbols cannot have this one, or None where it may."""
    return f"has no {_PLURALS[symbol.kind]}" if symbol.kind and symbol.kind not in kinds else None
