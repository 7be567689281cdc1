"""The trading engine's own candles, in a real MongoDB."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from pymongo import MongoClient
from pymongo.collection import Collection

from config.settings import StorageSettings
from domain.analysis import DataSource
from domain.errors import ConfigurationError
from domain.market import Candle, Timeframe
from servers.process import free_port
from services.market_data.fetching import REST_SECONDS, SourceFailed
from services.market_data.sources.engine_database import EngineDatabaseSource
from storage.factory import build_engine_candles
from tests.fixtures.markets import history
from tests.fixtures.settings import configured

pytest_plugins = ["tests.fixtures.mongod"]

SYMBOL = "BTCUSDT"
CANDLES = history(Timeframe.H1, 100)


@pytest.fixture
def engine(mongo_url: str) -> Iterator[Collection[dict[str, Any]]]:
    """Return the collection that the engine writes."""
    with MongoClient[dict[str, Any]](mongo_url) as client:
        yield client.get_default_database()["market_data"]


@pytest.fixture
async def source(mongo_url: str) -> AsyncIterator[EngineDatabaseSource]:
    candles = build_engine_candles(configured(StorageSettings, url=SecretStr(mongo_url)))
    yield EngineDatabaseSource(candles)
    await candles.close()


def document(candle: Candle, symbol: str = SYMBOL, timeframe: str = "1h", **changes: Any) -> dict[str, Any]:
    time, *prices = candle
    names = ("open_price", "high_price", "low_price", "close_price", "volume")
    return {
        "symbol": symbol,
        "timeframe": timeframe,
        "open_time": time,
        "close_time": time + 3_599_999,
        **dict(zip(names, prices, strict=True)),
        "quote_volume": candle.volume * candle.close,
        "trades_count": 12,
        **changes,
    }


async def read(source: EngineDatabaseSource, limit: int = 100) -> list[Candle]:
    assert source.name is DataSource.ENGINE_DB
    # Candles are tuples.
    return list((await source.candles(SYMBOL, Timeframe.H1, limit)).candles)  # type: ignore[arg-type]


@pytest.mark.realserver
async def test_the_newest_candles_of_the_market_come_oldest_first(
    engine: Collection[dict[str, Any]], source: EngineDatabaseSource
) -> None:
    engine.insert_many([document(candle) for candle in reversed(CANDLES)])
    engine.insert_many([document(CANDLES[-1], "ETHUSDT"), document(CANDLES[-1], timeframe="4h")])
    assert await read(source) == CANDLES
    assert await read(source, 30) == CANDLES[-30:]


@pytest.mark.realserver
async def test_of_duplicates_the_one_written_last_counts_however_many_there_are(
    engine: Collection[dict[str, Any]], source: EngineDatabaseSource
) -> None:
    newest = CANDLES[-1]
    engine.insert_many([document(candle) for candle in CANDLES])
    # A candle that was written each time it changed, for an hour.
    engine.insert_many([document(newest._replace(volume=newest.volume * n / 2000)) for n in range(1, 2001)])
    engine.insert_many([document(candle) for candle in CANDLES[:-1]])
    assert await read(source) == CANDLES


@pytest.mark.realserver
async def test_a_market_without_documents_has_no_candles(source: EngineDatabaseSource) -> None:
    assert await read(source) == []


@pytest.mark.realserver
@pytest.mark.parametrize("changes", [{"close_price": -1.0}, {"low_price": 1e6}, {"open_time": "now"}, {"volume": "x"}])
async def test_impossible_rows_are_a_failure(
    engine: Collection[dict[str, Any]], source: EngineDatabaseSource, changes: dict[str, Any]
) -> None:
    engine.insert_many([*map(document, CANDLES[:-1]), document(CANDLES[-1], **changes)])
    with pytest.raises(SourceFailed, match="nonsense"):
        await read(source)


async def test_a_database_that_is_down_rests() -> None:
    candles = build_engine_candles(
        configured(StorageSettings, url=SecretStr(f"mongodb://127.0.0.1:{free_port()}/engine"))
    )
    with pytest.raises(SourceFailed, match="the engine's database does not answer") as caught:
        await read(EngineDatabaseSource(candles))
    assert caught.value.rest_seconds == REST_SECONDS
    await candles.close()


def test_the_engine_writes_no_sqlite() -> None:
    with pytest.raises(ConfigurationError, match=r"engine_db reads .* MongoDB; set storage\.url"):
        build_engine_candles(configured(StorageSettings))


@pytest.mark.realserver
async def test_a_row_without_prices_or_volume_costs_no_other_row(
    engine: Collection[dict[str, Any]], source: EngineDatabaseSource
) -> None:
    untraded, unknown = document(CANDLES[-2], close_price=None), document(CANDLES[-1], volume=None)
    engine.insert_many([*map(document, CANDLES[:-2]), untraded, unknown])
    *closed, newest = await read(source)
    assert closed == CANDLES[:-2]
    assert newest[:5] == CANDLES[-1][:5]
    assert math.isnan(newest.volume)
