"""The error for a symbol without candles of any source: it is unknown, or unavailable for now."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import NamedTuple

from domain.analysis import DataSource
from domain.errors import MarketDataUnavailable, UnknownSymbol
from services.market_data.fetching import SourceFailed
from services.market_data.source import ListsSymbols, MarketDataSource

MAX_NEAR = 3


class SourceRefusal(NamedTuple):
    """A source, and why it gave no candles."""

    source: DataSource
    error: MarketDataUnavailable

    def __str__(self) -> str:
        return f"{self.source}: {self.error.message}"


class KnownSymbols:
    """The symbols of the configuration, and those that sources can list."""

    def __init__(self, configured: Collection[str], sources: Sequence[MarketDataSource]) -> None:
        self._configured = frozenset(configured)
        self._sources = tuple(sources)

    async def refusal(self, symbol: str, refusals: Sequence[SourceRefusal]) -> MarketDataUnavailable:
        """Return the error to raise where no source gave candles of a symbol.

        It is an `UnknownSymbol` where no list has it and every source that answers says that it has no such symbol.
        A source that knows it and has too little, or a list that cannot be read, makes it no more than unavailable.
        The message has the reason of each source, and the known symbols that are spelled nearly like an unknown one.
        """
        known, unread = await self._listed()
        refusals = [*refusals, *unread]
        reasons = "; ".join(dict.fromkeys(map(str, refusals))) or "no source is configured"
        if symbol in known:
            return MarketDataUnavailable(f"no market data for {symbol}: {reasons}")
        found = get_close_matches(symbol, sorted(known), MAX_NEAR)
        near = f"; near: {', '.join(found)}" if found else ""
        answered = [refusal for refusal in refusals if isinstance(refusal.error, UnknownSymbol)]
        silent = [refusal for refusal in refusals if isinstance(refusal.error, SourceFailed)]
        if answered and not unread and len(answered) + len(silent) == len(refusals):
            who = "no source that answers knows" if silent else "no source knows"
            return UnknownSymbol(f"{who} {symbol}{near} ({reasons})")
        return MarketDataUnavailable(f"no market data for {symbol}: {reasons}{near}")

    async def _listed(self) -> tuple[set[str], list[SourceRefusal]]:
        """Return every symbol that is known, and the sources whose list cannot be read."""
        known, unread = set(self._configured), []
        for source in self._sources:
            if isinstance(source, ListsSymbols):
                try:
                    known.update(await source.symbols())
                except MarketDataUnavailable as error:
                    unread.append(SourceRefusal(source.name, error))
        return known, unread
