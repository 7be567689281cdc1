"""Candles of shares, indices and coins from Yahoo's public chart API; it needs no key."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import quote

import httpx2
import msgspec

from domain.analysis import DataSource
from domain.errors import MarketDataUnavailable, UnknownSymbol
from domain.exchanges import UNITED_STATES
from domain.market import Candle, CandleSeries, Timeframe, merge_candles
from domain.symbols import DOLLAR_COINS, Symbol, SymbolKind
from domain.values import epoch_ms
from services.market_data.fetching import SourceFailed, fetch
from services.market_data.parsing import CandleRow, converted, decode, series_of
from utils.clock import Clock

# Timeframes that Yahoo has, and how many days back it has them; the others are made from these.
_DAYS: dict[Timeframe, int] = {
    Timeframe.M1: 7,
    Timeframe.M5: 59,
    Timeframe.M15: 59,
    Timeframe.M30: 59,
    Timeframe.H1: 729,
    Timeframe.D1: 36_500,
}
_MADE_FROM = {Timeframe.M3: Timeframe.M1, Timeframe.H4: Timeframe.H1}
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
    """`gmtoffset`: seconds that the exchange's clock is ahead of UTC."""

    gmtoffset: int = 0


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
            SourceFailed: it cannot be reached, wants to be left alone or answers nonsense.
        """
        asked = _MADE_FROM.get(timeframe, timeframe)
        end = epoch_ms(self._clock.now()) // 1000
        days = limit * timeframe.ms / 1000 / _SECONDS_PER_DAY * _CLOSED_FACTOR + _HOLIDAYS_DAYS
        start = max(0, end - int(min(days, _DAYS[asked]) * _SECONDS_PER_DAY))
        parameters: dict[str, str | int] = {"interval": asked.value, "period1": start, "period2": end + 1}
        reply = await fetch(self._client, f"{self._url}/{quote(ticker(symbol), safe='')}", parameters, _UNDERSTOOD)
        results = decode(_DECODER, reply.body).chart.result if reply.status == HTTPStatus.OK else None
        if not results:
            unknown = reply.status == HTTPStatus.NOT_FOUND
            raise (UnknownSymbol if unknown else MarketDataUnavailable)(f"has no {asked} candles of {ticker(symbol)}")
        rows = list(_on_the_grid(_rows(results[0]), asked, results[0].meta.gmtoffset * 1000))
        if asked is timeframe:
            return series_of(timeframe, rows, limit)
        return series_of(asked, rows, len(rows)).resample(timeframe).tail(limit)


def ticker(symbol: str) -> str:
    """Return Yahoo's name of a symbol: BTC-USD of BTCUSDT, EURUSD=X of EURUSD, BRK-B of BRK.B; others as they are."""
    facts = Symbol.of(symbol)
    if facts.kind is SymbolKind.CRYPTO:
        return f"{facts.base}-{'USD' if facts.quote in DOLLAR_COINS else facts.quote}"
    if facts.kind is SymbolKind.FOREX and not symbol.endswith("=X"):
        return f"{facts.base}{facts.quote}=X"
    return facts.base if facts.exchange is UNITED_STATES and facts.kind is SymbolKind.SHARE else symbol


def _rows(result: _Result) -> list[CandleRow]:
    """Return the rows that have prices; an unknown volume, as of an index, is 0."""
    quotes = result.indicators.quote[0] if result.indicators.quote else _Quote()
    columns = (quotes.open, quotes.high, quotes.low, quotes.close, quotes.volume)
    if {len(column) for column in columns} != {len(result.timestamp)}:
        raise SourceFailed("answered nonsense: its columns have different lengths")
    names = ("open_time", "open", "high", "low", "close", "volume")
    known = [
        dict(zip(names, (time * 1000, *prices, volume or 0.0), strict=True))
        for time, *prices, volume in zip(result.timestamp, *columns, strict=True)
        if None not in prices
    ]
    return converted(known, list[CandleRow])


def _on_the_grid(rows: list[CandleRow], timeframe: Timeframe, ahead_ms: int) -> Iterator[Candle]:
    """Yield candles that are multiples of the timeframe apart.

    Days open at midnight UTC of the exchange's date: the hour at which a market opens changes with summer time.
    Yahoo's last row is the newest trade at its own second: it belongs to the candle that it falls in.
    """
    if timeframe is Timeframe.D1:
        for row in rows:
            day = (row.open_time + ahead_ms) // timeframe.ms * timeframe.ms
            yield row.candle()._replace(timestamp=day)
        return
    candles = [row.candle() for row in rows]
    if len(candles) > 1 and (candles[-1].timestamp - candles[-2].timestamp) % timeframe.ms:
        *candles, forming, trade = candles
        inside = trade.timestamp - forming.timestamp < timeframe.ms
        candles.append(merge_candles(forming.timestamp, [forming, trade]) if inside else forming)
    yield from candles
