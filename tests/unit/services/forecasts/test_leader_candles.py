"""Which candles of the leading market a forecast reads: those of the same moment that the service has already."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from domain.analysis import DataSource, MarketSnapshot
from domain.candles.columns import CandleLike
from domain.forecasting import Forecast
from domain.market import Candle, CandleSeries
from models.registry.registry import Registry
from services.forecasts.leader_candles import with_leaders
from tests.fixtures.forecasting import H1, HISTORY, Models, market, promote
from tests.fixtures.leading import POOL, add_led

pytest_plugins = ["tests.fixtures.registry"]

ALL = [Candle(*candle) for candle in HISTORY.candles]  # type: ignore[misc]  # candles are tuples
# Each return of the leader is the square of the coin's.
BITCOIN = [
    Candle(c.timestamp, c.open**2, max(c.open, c.close) ** 2, min(c.open, c.close) ** 2, c.close**2, 1.0) for c in ALL
]


@pytest.fixture
async def models(registry: Registry) -> AsyncIterator[Models]:
    with ThreadPoolExecutor(2, thread_name_prefix="forecasting") as executor:
        yield Models(registry, executor)


def put_pooled(registry: Registry, markets: Sequence[str] = POOL) -> str:
    """Put a version into production that reads the newest row of the set with the columns of the leader."""
    return promote(registry, add_led(registry, markets))


def coin(source: DataSource = DataSource.CLIENT) -> MarketSnapshot:
    return replace(market(ALL, source), symbol="ETHUSDT")


def leader(candles: Sequence[CandleLike], source: DataSource) -> MarketSnapshot:
    return replace(market(candles, source), price=candles[-1].close)


async def asked(models: Models, snapshot: MarketSnapshot) -> Forecast:
    return await models.forecasting.forecast(snapshot, H1)


async def test_stored_candles_of_the_same_moment_are_read(registry: Registry, models: Models) -> None:
    put_pooled(registry)
    alone = await asked(models, coin())
    models.store.candles = list(BITCOIN)
    led = await asked(models, coin())
    assert (alone.leader, led.leader) == (None, "BTCUSDT")
    assert led.probability_up != alone.probability_up
    models.store.candles = list(BITCOIN[:-1])
    late = await asked(models, coin())
    assert (late.leader, late.probability_up) == (None, alone.probability_up)
    later = BITCOIN[-1]._replace(timestamp=ALL[-1].timestamp + H1.ms)
    models.store.candles = [*BITCOIN, later]
    assert (await asked(models, coin())).probability_up == pytest.approx(led.probability_up, rel=1e-6)


async def test_a_store_that_is_down_costs_a_forecast_the_leader_alone(registry: Registry, models: Models) -> None:
    put_pooled(registry)
    models.store.candles = list(BITCOIN)
    models.store.failing = True
    assert (await asked(models, coin())).leader is None


async def test_what_a_source_gave_of_the_leader_serves_its_other_markets(registry: Registry, models: Models) -> None:
    put_pooled(registry)
    models.store.candles = []
    assert (await asked(models, coin(DataSource.BINANCE))).leader is None
    assert (await asked(models, leader(BITCOIN, DataSource.BINANCE))).leader is None
    assert (await asked(models, coin(DataSource.BINANCE))).leader == "BTCUSDT"
    assert (await asked(models, coin(DataSource.ENGINE))).leader is None
    assert (await asked(models, coin(DataSource.CLIENT))).leader is None


@pytest.mark.parametrize("source", [DataSource.CLIENT, DataSource.SYNTHETIC])
async def test_neither_posted_nor_synthetic_candles_of_a_request_reach_another(
    registry: Registry, models: Models, source: DataSource
) -> None:
    """A stranger may post any candles of bitcoin."""
    put_pooled(registry)
    await asked(models, leader(BITCOIN, source))
    assert (await asked(models, coin(source))).leader is None


async def test_markets_of_one_request_lead_each_other(registry: Registry, models: Models) -> None:
    put_pooled(registry)
    together = with_leaders([coin(), leader(BITCOIN, DataSource.CLIENT)])
    alone, led = await asked(models, coin()), await asked(models, together[0])
    assert led.leader == "BTCUSDT"
    assert led.probability_up != alone.probability_up
    assert with_leaders([coin(), leader(BITCOIN, DataSource.BINANCE)])[0].leader == {}


async def test_a_replay_reads_what_came_with_it_and_nothing_else(registry: Registry, models: Models) -> None:
    put_pooled(registry)
    models.store.candles = list(BITCOIN)
    past = replace(coin(), as_of_ms=HISTORY.last_close_ms)
    assert (await asked(models, past)).leader is None
    with_it = replace(past, leader={H1: CandleSeries(H1, BITCOIN)})
    assert (await asked(models, with_it)).probability_up == (await asked(models, coin())).probability_up


async def test_a_coin_in_another_currency_follows_bitcoin_in_that_one(registry: Registry, models: Models) -> None:
    put_pooled(registry)
    models.store.candles = list(BITCOIN)
    in_euros = await asked(models, replace(coin(), symbol="SOLEUR"))
    assert in_euros.leader == "BTCEUR"


async def test_a_version_that_was_trained_without_the_leader_reads_none(registry: Registry, models: Models) -> None:
    put_pooled(registry, ("ETHUSDT", "SOLUSDT"))
    models.store.candles = list(BITCOIN)
    assert (await asked(models, coin())).leader is None
