"""Candles from Binance's public klines; they need no key."""

from __future__ import annotations

from http import HTTPStatus

import httpx2
import msgspec

from domain.analysis import DataSource
from domain.errors import MarketDataUnavailable
from domain.market import CandleSeries, Timeframe
from services.market_data.fetching import fetch
from services.market_data.parsing import CandleRow, decode, series_of

MAX_LIMIT = 1000
_UNKNOWN_SYMBOL = -1121
_UNDERSTOOD = frozenset({HTTPStatus.BAD_REQUEST})


class _Kline(CandleRow, array_like=True, gc=False):
    """An array of 12: open time, open, high, low, close, volume, and six that nobody needs here."""


class _Refusal(msgspec.Struct):
    code: int


# Not strict, since Binance writes prices as strings.
_KLINES = msgspec.json.Decoder(list[_Kline], strict=False)
_REFUSAL = msgspec.json.Decoder(_Refusal)


class BinanceSource:
    """Asks Binance; the rest that it demands by 429 or 418 comes with the `SourceFailed`."""

    def __init__(self, client: httpx2.AsyncClient, base_url: str) -> None:
        """Keep the client; `base_url` is the API's address, with or without a slash at the end."""
        self._client = client
        self._url = f"{base_url.rstrip('/')}/api/v3/klines"

    @property
    def name(self) -> DataSource:
        """What an analysis of these candles carries as `source_data`."""
        return DataSource.BINANCE

    async def candles(self, symbol: str, timeframe: Timeframe, limit: int) -> CandleSeries:
        """Return up to `limit` (at most 1000) newest candles, the last one possibly still forming.

        Raises:
            MarketDataUnavailable: Binance has no such market.
            SourceFailed: it cannot be reached, wants to be left alone or answers nonsense.
        """
        limit = min(limit, MAX_LIMIT)
        parameters: dict[str, str | int] = {"symbol": symbol, "interval": timeframe.value, "limit": limit}
        reply = await fetch(self._client, self._url, parameters, _UNDERSTOOD)
        if reply.status != HTTPStatus.OK:
            code = decode(_REFUSAL, reply.body).code
            if code == _UNKNOWN_SYMBOL:
                raise MarketDataUnavailable(f"knows no symbol {symbol}")
            raise MarketDataUnavailable(f"refused to give {timeframe} candles of {symbol}: code {code}")
        return series_of(timeframe, (row.candle() for row in decode(_KLINES, reply.body)), limit)
