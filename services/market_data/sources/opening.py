"""From names in the settings to sources, in their order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

import httpx2

from config.settings import MarketDataSettings, PagedSource
from domain.errors import ConfigurationError
from services.market_data.history.paging import PAGE_SECONDS
from services.market_data.source import HistorySource, MarketDataSource
from services.market_data.sources.binance import BinanceSource
from services.market_data.sources.ccxt_exchange import CcxtSource, library_with
from services.market_data.sources.engine import EngineSource
from services.market_data.sources.engine_database import EngineDatabaseSource
from services.market_data.sources.files import FilesSource, folder_of_candles
from services.market_data.sources.stored import StoredSource
from services.market_data.sources.synthetic import SyntheticSource
from services.market_data.sources.yahoo import YahooSource
from storage.ports import CandleStore, EngineCandles
from utils.clock import Clock
from utils.http_client import http_client

# Of coins.
_EXCHANGES = frozenset({"binance", "ccxt"})


class _SourceWithHistory(MarketDataSource, HistorySource, Protocol):
    """Has the newest candles and the past."""


def check_sources(settings: MarketDataSettings) -> None:
    """Refuse sources that lack what they need on this machine.

    Raises:
        ConfigurationError: one line that names the setting.
    """
    if "ccxt" in settings.sources:
        library_with(settings.ccxt_exchange)
    if "files" in settings.sources:
        folder_of_candles(settings.files_path)


@asynccontextmanager
async def open_sources(
    settings: MarketDataSettings,
    symbols: Collection[str],
    store: CandleStore,
    client: httpx2.AsyncClient,
    clock: Clock,
    engine_candles: Callable[[], EngineCandles],
) -> AsyncIterator[list[MarketDataSource]]:
    """Yield the configured sources, and close their connections at the end.

    The engine is left out where its address is not known.

    Args:
        settings: Names of the sources and their parameters.
        symbols: Those of the configuration, which alone have synthetic candles.
        store: Has the posted candles.
        client: For sources over the network.
        clock: The server's.
        engine_candles: Connects to the engine's database; called only where it is configured.

    Raises:
        ConfigurationError: a source lacks what it needs.
    """
    async with AsyncExitStack() as stack:
        sources: list[MarketDataSource] = []
        for name in settings.sources:
            match name:
                case "stored":
                    sources.append(StoredSource(store))
                case "engine_db":
                    candles = engine_candles()
                    stack.push_async_callback(candles.close)
                    sources.append(EngineDatabaseSource(candles))
                case "synthetic":
                    sources.append(SyntheticSource(settings.synthetic_seed, symbols, clock))
                case "engine" if not settings.engine_url:
                    pass
                case "engine" | "binance" | "yahoo" | "ccxt" | "files":
                    coins = _EXCHANGES.isdisjoint(settings.sources)
                    sources.append(_open(name, settings, client, clock, stack, coins=coins))
        yield sources


@asynccontextmanager
async def open_history(name: PagedSource, settings: MarketDataSettings, clock: Clock) -> AsyncIterator[HistorySource]:
    """Yield a source of the past with connections of its own, and close them at the end.

    Args:
        name: Any of the sources with pages, configured for analyses or not.
        settings: Addresses of the sources.
        clock: Ends the newest candles.

    Raises:
        ConfigurationError: the source lacks what it needs.
    """
    if name == "engine" and not settings.engine_url:
        raise ConfigurationError("the engine's address is not known: set RUST_API_URL (market_data.engine_url)")
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(http_client(timeout=PAGE_SECONDS, follow_redirects=False))
        yield _open(name, settings, client, clock, stack, coins=True)


def _open(
    name: PagedSource,
    settings: MarketDataSettings,
    client: httpx2.AsyncClient,
    clock: Clock,
    stack: AsyncExitStack,
    *,
    coins: bool,
) -> _SourceWithHistory:
    match name:
        case "engine":
            return EngineSource(client, settings.engine_url)
        case "binance":
            return BinanceSource(client, settings.binance_url, clock)
        case "yahoo":
            return YahooSource(client, settings.yahoo_url, clock, coins=coins)
        case "files":
            return FilesSource(settings.files_path, clock)
        case "ccxt":
            exchange = CcxtSource(settings.ccxt_exchange, settings.timeout_seconds)
            stack.push_async_callback(exchange.close)
            return exchange
