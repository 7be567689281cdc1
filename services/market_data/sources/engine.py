"""Candles from the trading engine's own API."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote

import httpx2
import msgspec

from domain.analysis import DataSource
from domain.errors import UnknownSymbol
from domain.market import CandleSeries, Timeframe
from domain.naming.symbols import Symbol
from services.market_data.engine_answers import EngineAnswer
from services.market_data.fetching import fetch
from services.market_data.parsing import CandleRow, decode, series_of
from services.market_data.source import COINS, HistoryPage, first_page, lacks_kind

# The engine takes no range of time; these take a megabyte.
MAX_LIMIT = 5_000
# The engine's answers for a market that it does not follow.
_UNDERSTOOD = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND})


_DECODER = msgspec.json.Decoder(EngineAnswer[list[CandleRow]])


class EngineSource:
    """Asks the trading engine, which follows the exchange continuously."""

    def __init__(self, client: httpx2.AsyncClient, base_url: str) -> None:
        """Keep the client; `base_url` is the engine's address, with or without a slash at the end."""
        self._client = client
        self._base_url = base_url.rstrip("/")

    @property
    def name(self) -> DataSource:
        """The `source_data` of an analysis of these candles."""
        return DataSource.ENGINE

    def lacks(self, symbol: Symbol) -> str | None:
        """Return why the engine cannot have such a symbol: it trades coins."""
        return lacks_kind(symbol, COINS)

    async def candles(self, symbol: str, timeframe: Timeframe, limit: int) -> CandleSeries:
        """Return up to `limit` newest candles, the last one possibly still forming.

        Raises:
            UnknownSymbol: the engine does not follow this market.
            SourceFailed: it cannot be reached or answers nonsense.
        """
        url = f"{self._base_url}/api/market/candles/{quote(symbol, safe='')}/{timeframe}"
        reply = await fetch(self._client, url, {"limit": limit}, _UNDERSTOOD)
        if reply.status != HTTPStatus.OK:
            raise UnknownSymbol(f"has no {timeframe} candles of {symbol}: status {reply.status}")
        answer = decode(_DECODER, reply.body)
        if not answer.success:
            raise UnknownSymbol(f"has no {timeframe} candles of {symbol}: answered without success")
        return series_of(symbol, timeframe, (row.candle() for row in answer.data or ()), limit)

    async def page(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> HistoryPage:
        """Return what the engine's newest 5,000 candles have of a range, all at once.

        Raises:
            UnknownSymbol: the engine does not follow this market.
            SourceFailed: it cannot be reached or answers nonsense.
        """
        newest = await self.candles(symbol, timeframe, MAX_LIMIT)
        return first_page(symbol, timeframe, newest.candles, start_ms, end_ms, MAX_LIMIT + 1)
