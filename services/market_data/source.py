"""The port to a source of candles, and the kinds of symbols that sources have."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol, runtime_checkable

from domain.analysis import DataSource
from domain.market import CandleSeries, Timeframe
from domain.symbols import Symbol, SymbolKind

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
