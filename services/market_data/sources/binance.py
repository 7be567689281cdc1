"""Candles from Binance's public klines; they need no key."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import httpx2
import msgspec

from domain.analysis import DataSource
from domain.errors import MarketDataUnavailable, UnknownSymbol
from domain.hours.clocks import MINUTE_MS
from domain.market import CandleSeries, Timeframe
from domain.naming.symbols import Symbol
from domain.values import epoch_ms
from services.market_data.fetching import SourceBusy, fetch
from services.market_data.parsing import CandleRow, decode, series_of
from services.market_data.source import COINS, HistoryPage, first_page, lacks_kind
from utils.clock import Clock, SystemClock

MAX_LIMIT = 1000
# An address may use 6,000 per minute; other clients behind the same address may use it too.
MAX_WEIGHT = 6_000
SPARED_SHARE = 0.2
_USED_WEIGHT = "x-mbx-used-weight-1m"
_UNKNOWN_SYMBOL = -1121
_UNDERSTOOD = frozenset({HTTPStatus.BAD_REQUEST})


class _Kline(CandleRow, array_like=True, gc=False):
    """An array of 12: open time, open, high, low, close, volume, and six that are not used here."""


class _Refusal(msgspec.Struct):
    code: int


# Not strict, since Binance writes prices as strings.
_KLINES = msgspec.json.Decoder(list[_Kline], strict=False)
_REFUSAL = msgspec.json.Decoder(_Refusal)


class BinanceSource:
    """Asks Binance; a `SourceBusy` for 429 or 418 has the rest that it demands.

    When four fifths of the minute's weight are used, it pauses until the next minute.
    """

    def __init__(self, client: httpx2.AsyncClient, base_url: str, clock: Clock | None = None) -> None:
        """Keep the client.

        Args:
            client: With its time-outs.
            base_url: The API's address, with or without a slash at the end.
            clock: Tells when the minute ends in which the weight was used; the machine's own by default.
        """
        self._client = client
        self._url = f"{base_url.rstrip('/')}/api/v3/klines"
        self._clock = clock or SystemClock()
        self._spent_until_ms = 0

    @property
    def name(self) -> DataSource:
        """The `source_data` of an analysis of these candles."""
        return DataSource.BINANCE

    def lacks(self, symbol: Symbol) -> str | None:
        """Return why Binance cannot have such a symbol: this API has coins for immediate delivery."""
        return "has no perpetuals" if symbol.perpetual else lacks_kind(symbol, COINS)

    async def candles(self, symbol: str, timeframe: Timeframe, limit: int) -> CandleSeries:
        """Return up to `limit` (at most 1000) newest candles, the last one possibly still forming.

        Raises:
            UnknownSymbol: Binance has no such market.
            MarketDataUnavailable: it refuses to give these candles.
            SourceFailed: it cannot be reached or answers nonsense.
            SourceBusy: it wants to be left alone, or its weight is used up.
        """
        limit = min(limit, MAX_LIMIT)
        rows = await self._klines(symbol, timeframe, {"limit": limit})
        return series_of(symbol, timeframe, (row.candle() for row in rows), limit)

    async def page(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> HistoryPage:
        """Return the first 1000 candles of a range; Binance itself skips the time before its first candle.

        Raises:
            UnknownSymbol: Binance has no such market.
            MarketDataUnavailable: it refuses to give these candles.
            SourceFailed: it cannot be reached or answers nonsense.
            SourceBusy: it wants to be left alone, or its weight is used up.
        """
        wanted = {"startTime": start_ms, "endTime": end_ms - 1, "limit": MAX_LIMIT}
        rows = await self._klines(symbol, timeframe, wanted)
        return first_page(symbol, timeframe, (row.candle() for row in rows), start_ms, end_ms, MAX_LIMIT)

    async def _klines(self, symbol: str, timeframe: Timeframe, wanted: Mapping[str, int]) -> list[_Kline]:
        self._require_weight()
        asked = binance_symbol(symbol)
        reply = await fetch(
            self._client, self._url, {"symbol": asked, "interval": timeframe.value, **wanted}, _UNDERSTOOD
        )
        self._count_weight(reply.headers.get(_USED_WEIGHT, ""))
        if reply.status != HTTPStatus.OK:
            code = decode(_REFUSAL, reply.body).code
            if code == _UNKNOWN_SYMBOL:
                raise UnknownSymbol(f"knows no symbol {asked}")
            raise MarketDataUnavailable(f"refused to give {timeframe} candles of {asked}: code {code}")
        return decode(_KLINES, reply.body)

    def _count_weight(self, used: str) -> None:
        """Set the pause until the next minute by the used weight that Binance reports."""
        if used.isascii() and used.isdigit() and int(used[:9]) >= MAX_WEIGHT * (1 - SPARED_SHARE):
            now_ms = epoch_ms(self._clock.now())
            self._spent_until_ms = now_ms - now_ms % MINUTE_MS + MINUTE_MS

    def _require_weight(self) -> None:
        remaining_ms = self._spent_until_ms - epoch_ms(self._clock.now())
        # More than a minute remains only after the clock was set back.
        if 0 < remaining_ms <= MINUTE_MS:
            raise SourceBusy(f"has little of its {MAX_WEIGHT} weight a minute left", remaining_ms / 1000)


def binance_symbol(symbol: str) -> str:
    """Return Binance's name of a symbol: BTCUSDT, also of BTC-USDT."""
    facts = Symbol.of(symbol)
    return f"{facts.base}{facts.quote}" if facts.quote else symbol
