"""The market that leads a coin: its moves tell something of the coin's next one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from domain.naming.symbols import DOLLAR_COINS, FIAT, Symbol, SymbolKind

LEADING_COIN = "BTC"
_BITCOIN = frozenset({LEADING_COIN, "XBT"})
Found = TypeVar("Found")


def leader_of(symbol: str) -> str | None:
    """Return the market that leads a coin: bitcoin in the same currency, spelled in the same way.

    None of bitcoin itself, of coins whose price is in another coin, and of everything that is no coin.
    """
    facts = Symbol.of(symbol)
    if facts.kind is not SymbolKind.CRYPTO or facts.base in _BITCOIN or facts.quote not in FIAT | DOLLAR_COINS:
        return None
    return symbol.replace(facts.base, LEADING_COIN, 1)


def leads(symbol: str) -> bool:
    """Return whether it is bitcoin, in any currency."""
    facts = Symbol.of(symbol)
    return facts.kind is SymbolKind.CRYPTO and facts.base == LEADING_COIN


def leader_among(symbol: str, markets: Mapping[str, Found]) -> Found | None:
    """Return what some markets have of the one that leads a symbol; None where it is not among them."""
    leader = leader_of(symbol)
    return markets.get(leader) if leader else None
