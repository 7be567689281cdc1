"""Candles from any exchange that ccxt supports; installed apart, since it pins older versions of our libraries."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from importlib import import_module
from typing import Any

from domain.analysis import DataSource
from domain.errors import ConfigurationError, MarketDataUnavailable, UnknownSymbol
from domain.market import CandleSeries, Timeframe
from domain.naming.symbols import FIAT, Symbol, SymbolKind, spelling
from services.market_data.fetching import REST_SECONDS, SourceBusy, SourceFailed
from services.market_data.parsing import CandleRow, converted, series_of
from services.market_data.source import COINS, HistoryPage, first_page, lacks_kind

PAGE_LIMIT = 1000
# Some exchanges of coins have EUR/USD too.
_KINDS = COINS | {SymbolKind.FOREX}


def library_with(exchange: str) -> Any:
    """Return the library.

    Raises:
        ConfigurationError: it is not installed, or has no such exchange.
    """
    try:
        library = import_module("ccxt.async_support")
    except ImportError as error:
        raise ConfigurationError(
            "market_data.sources: ccxt is not installed; run `pip install ccxt`, or leave ccxt out"
        ) from error
    if exchange not in library.exchanges:
        raise ConfigurationError(
            f"market_data.ccxt_exchange: ccxt has no exchange '{exchange}'; it has kraken, coinbase, bybit, …"
        )
    return library


class CcxtSource:
    """Asks one exchange; the library keeps to its rate limits."""

    def __init__(self, exchange: str, timeout_seconds: float) -> None:
        """Load the library and prepare the exchange; nothing is requested yet.

        Raises:
            ConfigurationError: the library is not installed, or has no such exchange with candles.
        """
        library = self._errors = library_with(exchange)
        self._exchange = getattr(library, exchange)({"timeout": round(timeout_seconds * 1000), "enableRateLimit": True})

    @property
    def name(self) -> DataSource:
        """The `source_data` of an analysis of these candles."""
        return DataSource.CCXT

    def lacks(self, symbol: Symbol) -> str | None:
        """Return why an exchange of coins cannot have such a symbol."""
        return lacks_kind(symbol, _KINDS)

    async def symbols(self) -> Collection[str]:
        """Return the symbols of the exchange, once the library has loaded its markets."""
        return {found for name in self._exchange.symbols or () if (found := spelling(name))}

    async def candles(self, symbol: str, timeframe: Timeframe, limit: int) -> CandleSeries:
        """Return up to `limit` newest candles, the last one possibly still forming.

        Raises:
            UnknownSymbol: the exchange has no such market.
            MarketDataUnavailable: it has no such timeframe.
            SourceFailed: it cannot be reached or answers nonsense.
            SourceBusy: it wants to be left alone.
        """
        rows = await self._rows(symbol, timeframe, limit=limit)
        return series_of(symbol, timeframe, (row.candle() for row in rows), limit)

    async def page(self, symbol: str, timeframe: Timeframe, start_ms: int, end_ms: int) -> HistoryPage:
        """Return the first candles of a range, as many as the exchange gives in one answer.

        Raises:
            MarketDataUnavailable: the exchange has no such market or timeframe.
            SourceFailed: it cannot be reached or answers nonsense.
            SourceBusy: it wants to be left alone.
        """
        rows = await self._rows(symbol, timeframe, since=start_ms, limit=PAGE_LIMIT)
        page = first_page(symbol, timeframe, (row.candle() for row in rows), start_ms, end_ms, PAGE_LIMIT)
        # Exchanges have limits of their own, and some look no further than one page after `since`.
        reached = page.series.last_open_ms if len(page.series) else start_ms + (PAGE_LIMIT - 1) * timeframe.ms
        reached += timeframe.ms
        return HistoryPage(page.series, min(reached, end_ms))

    async def _rows(self, symbol: str, timeframe: Timeframe, **wanted: int) -> list[CandleRow]:
        errors = self._errors
        try:
            rows = await self._exchange.fetch_ohlcv(market(symbol), timeframe.value, **wanted)
        except errors.BadSymbol as error:
            raise UnknownSymbol(f"has no {timeframe} candles of {market(symbol)}") from error
        except (errors.BadRequest, errors.NotSupported) as error:
            raise MarketDataUnavailable(f"has no {timeframe} candles of {market(symbol)}") from error
        except errors.NetworkError as error:
            limited = isinstance(error, (errors.RateLimitExceeded, errors.DDoSProtection))
            kind = SourceBusy if limited else SourceFailed
            raise kind("cannot be reached or wants to be left alone", REST_SECONDS) from error
        except errors.BaseError as error:
            raise SourceFailed(f"failed: {type(error).__name__}") from error
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # The library does not check the answers of an exchange.
            raise SourceFailed("answered nonsense") from error
        return converted(list(_named(rows)), list[CandleRow])

    async def close(self) -> None:
        """Close the connections."""
        await self._exchange.close()


def market(symbol: str) -> str:
    """Return the library's name of a symbol, as it is where the quote currency is unknown.

    BTCUSDT is BTC/USDT. A perpetual in a stablecoin is settled in it, BTC/USDT:USDT of BTCUSDT.P, and one in dollars
    in the coin, BTC/USD:BTC of BTCUSD.P.
    """
    facts = Symbol.of(symbol)
    if not facts.quote:
        return symbol
    pair = f"{facts.base}/{facts.quote}"
    return f"{pair}:{facts.base if facts.quote in FIAT else facts.quote}" if facts.perpetual else pair


def _named(rows: list[list[Any]]) -> Iterator[dict[str, Any]]:
    names = ("open_time", "open", "high", "low", "close", "volume")
    return (dict(zip(names, row, strict=False)) for row in rows)
