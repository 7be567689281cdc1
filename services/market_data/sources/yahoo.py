"""Candles of shares, indices and coins from Yahoo's public chart API; it needs no key."""

from __future__ import annotations

import math
from http import HTTPStatus
from urllib.parse import quote
from zoneinfo import ZoneInfoNotFoundError

import httpx2
import msgspec
import numpy as np

from domain.analysis import DataSource
from domain.arrays import IntArray
from domain.errors import MarketDataUnavailable, UnknownSymbol
from domain.hours.clocks import DAY_MS
from domain.hours.sessions import EPOCH_ORDINAL, Sessions
from domain.market import CandleSeries, Timeframe, merge_candles
from domain.naming.exchanges import UNITED_STATES
from domain.naming.symbols import DOLLAR_COINS, Symbol, SymbolKind
from domain.values import epoch_ms
from services.market_data.fetching import SourceFailed, fetch
from services.market_data.parsing import CandleRow, converted, decode, series_of
from services.market_data.source import HistoryPage, first_page
from utils.clock import Clock

# Timeframes that Yahoo has, and how many days back it has them; the others are made from these.
_DAYS: dict[Timeframe, int] = {
    Timeframe.M1: 29,
    Timeframe.M5: 59,
    Timeframe.M15: 59,
    Timeframe.M30: 59,
    Timeframe.H1: 729,
    Timeframe.D1: 36_500,
}
# Days in one answer; of the other timeframes all.
_DAYS_AT_ONCE = {Timeframe.M1: 7}
_MADE_FROM = {
    Timeframe.M3: Timeframe.M1,
    Timeframe.H4: Timeframe.H1,
    Timeframe.H8: Timeframe.H1,
    Timeframe.H12: Timeframe.H1,
    Timeframe.W1: Timeframe.D1,
}
# A share trades 6.5 of 24 hours on 5 of 7 days: its candles span a time longer by this factor.
_CLOSED_FACTOR = 6
_HOLIDAYS_DAYS = 5
_UNDERSTOOD = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY})
_SECONDS_PER_DAY = 86_400

Numbers = list[float | None]


class _Quote(msgspec.Struct):
    """Columns of equal length; a candle without a trade is null in all of them."""

    open: Numbers = []
    high: Numbers = []
    low: Numbers = []
    close: Numbers = []
    volume: Numbers = []


class _Indicators(msgspec.Struct):
    quote: list[_Quote]


class _Meta(msgspec.Struct):
    """`exchangeTimezoneName`: IANA name of the exchange's clock."""

    exchangeTimezoneName: str = "UTC"


class _Result(msgspec.Struct):
    meta: _Meta
    indicators: _Indicators
    timestamp: list[int] = []


class _Chart(msgspec.Struct):
    result: list[_Result] | None = None


class _ChartAnswer(msgspec.Struct):
    chart: _Chart


_DECODER = msgspec.json.Decoder(_ChartAnswer)


class YahooSource:
    """Asks Yahoo for a ticker; BTCUSDT is its BTC-USD, a price over many exchanges."""

    def __init__(self, client: httpx2.AsyncClient, base_url: str, clock: Clock, *, coins: bool = True) -> None:
        """Keep the client.

        Args:
            client: With its time-outs.
            base_url: The API's address, with or without a slash at the end.
            clock: Ends the newest candles.
            coins: Whether it is asked for coins that are not spelled as Yahoo spells them, such as BTC-USD.
        """
        self._coins = coins
        self._client = client
        self._url = f"{base_url.rstrip('/')}/v8/finance/chart"
        self._clock = clock

    @property
    def name(self) -> DataSource:
        """The `source_data` of an analysis of these candles."""
        return DataSource.YAHOO

    def lacks(self, symbol: Symbol) -> str | None:
        """Return why it is not asked for a symbol: where an exchange is a source, coins are the exchange's."""
        if symbol.perpetual:
            return "has no perpetuals"
        of_exchange = symbol.kind is SymbolKind.CRYPTO and "-" not in symbol.name
        return "is not asked for coins of an exchange" if of_exchange and not self._coins else None

    async def candles(self, symbol: str, timeframe: Timeframe, limit: int) -> CandleSeries:
        """Return up to `limit` newest candles as far as Yahoo goes back, the last one possibly still forming.

        Raises:
            UnknownSymbol: Yahoo has no such ticker.
            MarketDataUnavailable: it has none of these candles.
            SourceFailed: it cannot be reached or answers nonsense.
            SourceBusy: it wants to be left alone.
        """
        asked = _MADE_FROM.get(timeframe, timeframe)
        end = epoch_ms(self._clock.now()) // 1000
        days = limit * timeframe.ms / 1000 / _SECONDS_PER_DAY * _CLOSED_FACTOR + _HOLIDAYS_DAYS
        days = min(days, _DAYS_AT_ONCE.get(asked, _DAYS[asked]))
        candles = await self._made(symbol, timeframe, max(0, end - int(days * _SECONDS_PER_DAY)), end + 1)
        return candles.tail(limit)

    async def page(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> HistoryPage:
        """Return the candles of a range as far as Yahoo goes back, of minutes those of a week.

        Raises:
            MarketDataUnavailable: Yahoo has no such ticker.
            SourceFailed: it cannot be reached or answers nonsense.
            SourceBusy: it wants to be left alone.
        """
        asked = _MADE_FROM.get(timeframe, timeframe)
        oldest = epoch_ms(self._clock.now()) // 1000 - _DAYS[asked] * _SECONDS_PER_DAY
        start = max(0, start_ms // 1000, oldest)
        reached_ms = min(end_ms, (start + _DAYS_AT_ONCE.get(asked, _DAYS[asked]) * _SECONDS_PER_DAY) * 1000)
        if start * 1000 >= end_ms:
            return HistoryPage(CandleSeries(timeframe, []), end_ms)
        candles = await self._made(symbol, timeframe, start, -(-reached_ms // 1000))
        # All that it has of the days asked for is in the answer.
        return first_page(symbol, timeframe, candles.candles, start_ms, reached_ms, len(candles) + 1)

    async def _made(self, symbol: str, timeframe: Timeframe, start: int, end: int) -> CandleSeries:
        """Return all candles that open in a time, epoch seconds; those that Yahoo lacks are made from shorter ones."""
        asked = _MADE_FROM.get(timeframe, timeframe)
        parameters: dict[str, str | int] = {"interval": asked.value, "period1": start, "period2": end}
        reply = await fetch(self._client, f"{self._url}/{quote(ticker(symbol), safe='')}", parameters, _UNDERSTOOD)
        results = decode(_DECODER, reply.body).chart.result if reply.status == HTTPStatus.OK else None
        if not results:
            unknown = reply.status == HTTPStatus.NOT_FOUND
            raise (UnknownSymbol if unknown else MarketDataUnavailable)(f"has no {asked} candles of {ticker(symbol)}")
        series = _series(symbol, asked, results[0])
        return series if asked is timeframe else series.resample(timeframe)


def ticker(symbol: str) -> str:
    """Return Yahoo's name of a symbol: BTC-USD of BTCUSDT, EURUSD=X of EURUSD, BRK-B of BRK.B; others as they are."""
    facts = Symbol.of(symbol)
    if facts.kind is SymbolKind.CRYPTO:
        return f"{facts.base}-{'USD' if facts.quote in DOLLAR_COINS else facts.quote}"
    if facts.kind is SymbolKind.FOREX and not symbol.endswith("=X"):
        return f"{facts.base}{facts.quote}=X"
    return facts.base if facts.exchange is UNITED_STATES and facts.kind is SymbolKind.SHARE else symbol


def _series(symbol: str, timeframe: Timeframe, result: _Result) -> CandleSeries:
    """Return the candles of an answer; days are labeled at midnight UTC of the market's date.

    Yahoo's last row is the newest trade, at its own second or, after the close, at that of the close: it belongs to
    the candle that it falls in, or to none.
    """
    candles = [row.candle() for row in _rows(result)]
    if timeframe is Timeframe.D1:
        days = _midnights(np.array([candle.timestamp for candle in candles], dtype=np.int64), result.meta)
        candles = [candle._replace(timestamp=day) for candle, day in zip(candles, days.tolist(), strict=True)]
        return series_of(symbol, timeframe, candles, len(candles))
    traded = [candle for candle in candles if not math.isnan(candle.close)]
    if len(traded) < 2:
        return series_of(symbol, timeframe, candles, len(candles))
    *before, forming, last = traded
    series = series_of(symbol, timeframe, [*before, forming], len(traded))
    if (last.timestamp - forming.timestamp) % timeframe.ms == 0 and series.sessions.open_at(last.timestamp):
        return series_of(symbol, timeframe, traded, len(traded))
    if last.timestamp - forming.timestamp < timeframe.ms:
        # The trade's own volume may be null, that of the candle has it already.
        merged = merge_candles(forming.timestamp, [forming, last._replace(volume=0.0)])
        return series_of(symbol, timeframe, [*before, merged], len(traded))
    return series


def _midnights(times_ms: IntArray, meta: _Meta) -> IntArray:
    """Return midnight UTC of the exchange's dates: the hour at which a market opens changes with summer time."""
    try:
        dates = Sessions("Yahoo", meta.exchangeTimezoneName).dates(times_ms, daily=False)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SourceFailed(f"answered nonsense: no clock of {meta.exchangeTimezoneName[:40]!r} is known") from error
    return (dates - EPOCH_ORDINAL) * DAY_MS


def _rows(result: _Result) -> list[CandleRow]:
    """Return the rows, null where nothing was traded; an unknown volume, as of an index, is null."""
    quotes = result.indicators.quote[0] if result.indicators.quote else _Quote()
    columns = (quotes.open, quotes.high, quotes.low, quotes.close, quotes.volume)
    if {len(column) for column in columns} != {len(result.timestamp)}:
        raise SourceFailed("answered nonsense: its columns have different lengths")
    names = ("open_time", "open", "high", "low", "close", "volume")
    rows = zip([time * 1000 for time in result.timestamp], *columns, strict=True)
    return converted([dict(zip(names, row, strict=True)) for row in rows], list[CandleRow])
