"""MongoDB that dies and comes back: requests go on in milliseconds, and nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import signal
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pymongo import MongoClient

from domain.errors import StorageUnavailable
from domain.market import Timeframe
from storage.mongo.documents import MongoDocumentStore
from storage.mongo.ledger import MongoLedger
from storage.mongo.store import MongoStore
from storage.resilience.pace import Pace
from storage.resilience.spool import Spool
from storage.resilience.store import ResilientStore
from tests.fixtures.analyses import LATER, NOON, make_analysis, make_candle
from tests.fixtures.patience import eventually
from tests.fixtures.stores import read

if TYPE_CHECKING:
    from tests.fixtures.mongod import Documents, Mongod

pytest_plugins = ["tests.fixtures.mongod", "tests.fixtures.logs"]
pytestmark = pytest.mark.realserver

REQUESTS = 50
# Requests that waited for the driver would take 1.5 s each, 75 s in all; a machine may stall for seconds.
BOUND_SECONDS = 20.0


async def use(store: ResilientStore, analysis_id: str, *, key: str = "key", candles: bool = True) -> None:
    """Use the store as a request does."""
    await store.latest_analysis(key, NOON, LATER)
    analysis = make_analysis(analysis_id=analysis_id)
    posted = {Timeframe.H1: [make_candle(0)]} if candles else {}
    await store.save_analysis(key, analysis, archive=True, candles=posted)
    await read(store)


async def write_on(store: ResilientStore) -> None:
    for number in count():
        await store.save_analysis("key", make_analysis(analysis_id=f"a-{number}"), archive=True)
        await asyncio.sleep(0.005)


async def use_without_waiting(store: ResilientStore, name: str) -> None:
    """Use the store as fifty requests do, and check that they do not wait for the driver."""
    started = time.monotonic()
    for number in range(REQUESTS):
        await use(store, f"{name}-{number}")
    assert time.monotonic() - started < BOUND_SECONDS


def resilient(server: Mongod, spool: Path | None = None) -> ResilientStore:
    kept = Spool(spool, "analyses", 100_000_000) if spool else None
    return ResilientStore(MongoStore(server.fresh_url()), timeout_ms=50, pace=Pace(retry_seconds=0.1), spool=kept)


async def test_a_database_that_was_dropped_under_the_service_gets_its_indexes_again(
    mongo_url: str, database: Documents, log_lines: list[str]
) -> None:
    def indexes() -> dict[str, list[str]]:
        names = database.list_collection_names(filter={"name": {"$ne": "service_health"}})
        return {name: sorted(database[name].index_information()) for name in names}

    analyses = MongoStore(mongo_url)
    stores = [analyses, MongoDocumentStore(mongo_url), MongoLedger(mongo_url)]
    for store in stores:
        await store.open()
    await analyses.save_analysis("key", make_analysis(), archive=True)
    before = indexes()
    database.client.drop_database(database.name)
    for _ in range(2):  # as after a write that was slow
        await analyses.save_analysis("key", make_analysis(), archive=True)
    for store in stores:
        await store.ping()
    assert indexes() == before
    assert (await analyses.statistics()).archived_analyses == 1
    assert log_lines == ["WARNING the MongoDB database was dropped or replaced: a new one is begun"] * 3
    for store in stores:
        await store.close()


async def test_a_dropped_database_is_noticed_although_the_writes_never_pause(
    own_mongod: Mongod, log_lines: list[str]
) -> None:
    await asyncio.to_thread(own_mongod.start)
    url = own_mongod.fresh_url()
    store = ResilientStore(MongoStore(url), timeout_ms=50, pace=Pace(retry_seconds=0.5))
    await store.open()
    await eventually(lambda: store.available)
    writing = asyncio.create_task(write_on(store))
    with MongoClient[dict[str, object]](url) as client:
        await asyncio.to_thread(client.drop_database, client.get_default_database().name)
    await eventually(lambda: "WARNING the MongoDB database was dropped or replaced: a new one is begun" in log_lines)
    writing.cancel()
    await store.close()


async def test_server_killed_in_the_middle_costs_milliseconds_and_loses_nothing(
    own_mongod: Mongod, log_lines: list[str]
) -> None:
    await asyncio.to_thread(own_mongod.start)
    store = resilient(own_mongod)
    await store.open()
    await eventually(lambda: store.available)
    await use_without_waiting(store, "before")
    await asyncio.to_thread(own_mongod.kill)
    await use_without_waiting(store, "during")
    await eventually(lambda: not store.available)
    with pytest.raises(StorageUnavailable):
        await store.statistics()
    await use_without_waiting(store, "known to be down")
    await asyncio.to_thread(own_mongod.start)
    await eventually(lambda: store.available and store.state.waiting == 0)
    assert (await store.statistics()).archived_analyses == 3 * REQUESTS
    assert await store.candle_history("BTCUSDT", Timeframe.H1, 10) == [make_candle(0)]
    await store.close()
    assert log_lines == ["WARNING store is down; requests do without it", "INFO store is back"]


async def test_server_that_is_down_at_the_start_is_used_once_it_is_there(own_mongod: Mongod) -> None:
    store = resilient(own_mongod)
    started = time.monotonic()
    await store.open()
    assert time.monotonic() - started < BOUND_SECONDS
    assert not store.available
    await use_without_waiting(store, "early")
    await asyncio.to_thread(own_mongod.start)
    await eventually(lambda: store.available and store.state.waiting == 0)
    assert await store.latest_analysis("key", NOON, LATER) == make_analysis(analysis_id=f"early-{REQUESTS - 1}")
    assert (await store.statistics()).archived_analyses == REQUESTS
    await store.close()


async def test_server_that_freezes_costs_milliseconds_and_loses_nothing(own_mongod: Mongod) -> None:
    await asyncio.to_thread(own_mongod.start)
    store = resilient(own_mongod)
    await store.open()
    await eventually(lambda: store.available)
    own_mongod.send(signal.SIGSTOP)
    await use_without_waiting(store, "frozen")
    await eventually(lambda: not store.available)
    own_mongod.send(signal.SIGCONT)
    await eventually(lambda: store.available and store.state.waiting == 0)
    assert (await store.statistics()).archived_analyses == REQUESTS
    await store.close()


async def test_close_does_not_wait_for_a_dead_server(own_mongod: Mongod, log_lines: list[str]) -> None:
    await asyncio.to_thread(own_mongod.start)
    store = resilient(own_mongod)
    await store.open()
    await eventually(lambda: store.available)
    await asyncio.to_thread(own_mongod.kill)
    await use(store, "lost")
    started = time.monotonic()
    await store.close()
    assert time.monotonic() - started < BOUND_SECONDS
    assert "ERROR writes are lost with the shutdown" in log_lines


async def test_thousands_of_writes_wait_in_the_spool_and_are_made_once_the_server_is_there(
    own_mongod: Mongod, tmp_path: Path, log_lines: list[str]
) -> None:
    store = resilient(own_mongod, tmp_path / "spool")
    await store.open()
    for number in range(2_500):  # more than twice what memory holds
        await use(store, f"a-{number}", key=f"key {number}", candles=number % 100 == 0)
        if number % 500 == 499:
            await eventually(lambda: store.state.spooled == number + 1)  # noqa: B023 - awaited here
    await asyncio.to_thread(own_mongod.start)
    await eventually(lambda: store.available)
    async with asyncio.timeout(60):
        while store.state.waiting:
            await asyncio.sleep(0.05)
    assert (await store.statistics()).archived_analyses == 2_500
    assert store.state.dropped == 0
    assert list((tmp_path / "spool").iterdir()) == []
    await store.close()
    assert [line for line in log_lines if line.startswith("ERROR")] == []


async def test_log_names_no_host(own_mongod: Mongod) -> None:
    store = MongoStore(own_mongod.fresh_url())
    with pytest.raises(StorageUnavailable) as failure:
        await store.open()
    await store.close()
    assert failure.value.message == (
        "no MongoDB server answers, or none takes writes (ServerSelectionTimeoutError at open)"
    )
