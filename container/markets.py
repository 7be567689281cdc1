"""Subsystem of the markets: where candles come from, and the settings of the indicators over them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import httpx2

from config.settings import Settings
from container.infrastructure import Infrastructure
from features.indicators.technical_indicators import TechnicalIndicators
from services.candle_files.reader import CandleFileReader
from services.market_data.engine_settings import EngineSettings
from services.market_data.market_data import MarketData
from services.market_data.recent_markets import RecentMarkets
from services.market_data.sources.opening import open_sources
from services.newest_candles import NewestCandles
from storage.factory import build_engine_candles
from storage.ports import CandleStore
from utils.clock import Clock
from utils.concurrency import background


@dataclass(frozen=True)
class MarketSubsystem:
    """The parts that read markets.

    Attributes:
        indicators: In step with the engine's settings, where it has any.
        recent: Markets for people who look at them, fetched once an interval.
    """

    market_data: MarketData
    recent: RecentMarkets
    newest_candles: NewestCandles
    candle_files: CandleFileReader
    indicators: TechnicalIndicators
    engine_settings: EngineSettings


@asynccontextmanager
async def open_market_subsystem(base: Infrastructure) -> AsyncIterator[MarketSubsystem]:
    """Open the sources, and keep the indicators in step with the trading engine in the background."""
    settings, clock, store = base.settings, base.clock, base.stores.analyses
    indicators = TechnicalIndicators(settings.indicators)
    engine = EngineSettings(base.client, settings, indicators, clock)
    async with (
        background(engine.run(), "engine settings"),
        open_market_data(settings, store, base.client, clock) as market_data,
    ):
        recent = RecentMarkets(market_data, settings.analysis.interval_minutes, clock)
        newest = NewestCandles(store, recent, indicators, settings, clock)
        yield MarketSubsystem(market_data, recent, newest, CandleFileReader(clock), indicators, engine)


@asynccontextmanager
async def open_market_data(
    settings: Settings, store: CandleStore, client: httpx2.AsyncClient, clock: Clock
) -> AsyncIterator[MarketData]:
    """Give the chain of the configured sources."""
    engine_candles, symbols = partial(build_engine_candles, settings.storage), settings.analysis.symbols
    async with open_sources(settings.market_data, symbols, store, client, clock, engine_candles) as sources:
        yield MarketData(sources, settings.market_data, settings.analysis.min_candles, symbols, clock)
