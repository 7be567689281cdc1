"""From names in the settings to sources, in their order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager

import httpx2

from config.settings import MarketDataSettings
from services.market_data.source import MarketDataSource
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

# Of coins.
_EXCHANGES = frozenset({"binance", "ccxt"})


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
                case "engine":
                    if settings.engine_url:
                        sources.append(EngineSource(client, settings.engine_url))
                case "engine_db":
                    candles = engine_candles()
                    stack.push_async_callback(candles.close)
                    sources.append(EngineDatabaseSource(candles))
                case "binance":
                    sources.append(BinanceSource(client, settings.binance_url, clock))
                case "yahoo":
                    coins = _EXCHANGES.isdisjoint(settings.sources)
                    sources.append(YahooSource(client, settings.yahoo_url, clock, coins=coins))
                case "ccxt":
                    exchange = CcxtSource(settings.ccxt_exchange, settings.timeout_seconds)
                    stack.push_async_callback(exchange.close)
                    sources.append(exchange)
                case "files":
                    sources.append(FilesSource(settings.files_path, clock))
                case "synthetic":
                    sources.append(SyntheticSource(settings.synthetic_seed, symbols, clock))
        yield sources
