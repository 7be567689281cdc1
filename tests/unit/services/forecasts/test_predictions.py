"""Trends in time: a source that does not answer delays no client, and the next request takes the next source."""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.analysis import DataSource
from domain.errors import MarketDataUnavailable
from domain.market import Timeframe
from models.registry.registry import Registry
from rules.technical import TechnicalAnalyst
from services.forecast_requests import ForecastRequests
from services.market_reader import MarketReader
from tests.fixtures.forecasting import Models, put_in_production
from tests.fixtures.histories import ANALYSIS, INDICATORS
from tests.fixtures.sources import SYMBOL, FakeSource, chain
from tests.fixtures.stores import eventually

pytest_plugins = ["tests.fixtures.registry"]


@pytest.fixture
async def executor() -> AsyncIterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


async def test_a_trend_waits_for_no_source(registry: Registry, executor: ThreadPoolExecutor) -> None:
    models = Models(registry, executor)
    hanging, working = FakeSource(DataSource.ENGINE), FakeSource(DataSource.BINANCE)
    hanging.hanging = set(Timeframe)
    market_data = chain(hanging, working, clock=models.clock, timeout_seconds=0.05)
    reader = MarketReader(INDICATORS, models.forecasting, ANALYSIS, models.clock, executor)

    def answering_within(seconds: float) -> ForecastRequests:
        return ForecastRequests(
            models.forecasting, market_data, reader, TechnicalAnalyst(), models.clock, fetch_seconds=seconds
        )

    asked = answering_within(0.01)
    with pytest.raises(MarketDataUnavailable, match="no source gave 4h candles of BTCUSDT within"):
        await asked.trend(SYMBOL, Timeframe.H4)
    await eventually(lambda: market_data.health()["binance"] is True)  # it went on, and knows better now
    asked = answering_within(10)
    version = put_in_production(registry, timeframe=Timeframe.H4)
    trend = await asked.trend(SYMBOL, Timeframe.H4)
    assert (trend.model, trend.source_data, trend.at) == (version, DataSource.BINANCE, models.clock.now())
    rules = await asked.trend(SYMBOL, Timeframe.H1)
    assert (rules.model, rules.source_data) == ("technical-rules", DataSource.BINANCE)
    assert hanging.calls == [Timeframe.H4]
