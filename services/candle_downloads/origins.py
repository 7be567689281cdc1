"""Where the past of a market is downloaded from."""

from __future__ import annotations

from typing import Literal

from domain.naming.symbols import Symbol, SymbolKind

DownloadSource = Literal["binance", "ccxt", "yahoo", "engine"]


def usual_source(symbol: str) -> DownloadSource:
    """Return the source of a market where none is named: Binance for coins, Yahoo for all others."""
    facts = Symbol.of(symbol)
    # Binance has no pairs with dollars; BTC-USD is Yahoo's.
    return "binance" if facts.kind is SymbolKind.CRYPTO and facts.quote != "USD" else "yahoo"
