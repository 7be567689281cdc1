"""Failures of MongoDB: outages are named and end, and a killed server keeps acknowledged writes."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pymongo import MongoClient

from domain.errors import StorageUnavailable, Unstorable
from domain.market import Timeframe
from storage.document_ports import JOBS, DocumentWrite
from storage.mongo.documents import MongoDocumentStore
from storage.mongo.store import MongoStore
from storage.ports import ARCHIVE_COLLECTION, CANDLE_COLLECTION, AnalysisWrite
from tests.fixtures.analyses import LATER, NOON, make_analysis, make_candle

if TYPE_CHECKING:
    from tests.fixtures.mongod import Mongod

pytest_plugins = ["tests.fixtures.mongod"]
pytestmark = pytest.mark.realserver

WRITES = ["insert", "update", "delete", "findAndModify"]
DOCUMENT = {"created_at": datetime(2025, 6, 1, 12, tzinfo=UTC)}


@pytest.fixture
async def own_store(own_mongod: Mongod) -> AsyncIterator[MongoStore]:
    await asyncio.to_thread(own_mongod.start)
    store = MongoStore(own_mongod.fresh_url())
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def store(refusing_mongod: Mongod) -> AsyncIterator[MongoStore]:
    store = MongoStore(refusing_mongod.fresh_url())
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def documents(refusing_mongod: Mongod) -> AsyncIterator[MongoDocumentStore]:
    documents = MongoDocumentStore(refusing_mongod.fresh_url())
    await documents.open()
    yield documents
    await documents.close()


def write(analysis_id: str, symbol: str = "BTCUSDT", **overrides: Any) -> AnalysisWrite:
    analysis = make_analysis(analysis_id=analysis_id, symbol=symbol, **overrides)
    return AnalysisWrite("key", analysis, archive=True, candles={Timeframe.H1: [make_candle(0)]})


async def archived(store: MongoStore) -> set[str]:
    return {analysis.analysis_id for analysis in await store.newest_archived(9_999)}


@pytest.mark.parametrize(
    ("refusal", "cause"),
    [
        ({"errorCode": 14031}, "the disk of the MongoDB server is full"),
        ({"errorCode": 50}, "the MongoDB server took too long"),
        ({"errorCode": 13}, "does not allow this to the service's user"),
        ({"errorCode": 2}, "the MongoDB server failed"),
        ({"closeConnection": True}, "the connection to the MongoDB server broke"),
        ({"writeConcernError": {"code": 64, "errmsg": "waiting"}}, "have not confirmed the write"),
    ],
    ids=["full disk", "time-out", "not allowed", "setting", "cut", "concern"],
)
async def test_server_that_takes_no_writes_is_an_outage_with_a_cause(
    store: MongoStore, documents: MongoDocumentStore, refusing_mongod: Mongod, refusal: dict[str, Any], cause: str
) -> None:
    await store.save_analyses([write("before")])
    await asyncio.to_thread(refusing_mongod.refuse, WRITES, **refusal)
    for call in (
        store.ping(),
        store.save_analyses([write("a-1"), write("a-2")]),
        documents.ping(),
        documents.put(JOBS, "j1", DOCUMENT),
        documents.put_many(JOBS, [DocumentWrite("j1", DOCUMENT, once=True)]),
    ):
        with pytest.raises(StorageUnavailable, match=cause) as outage:
            await call
        assert "127.0.0.1" not in outage.value.message
    assert await store.latest_analysis("key", NOON, LATER) is not None  # reading goes on, so it tells nothing
    await asyncio.to_thread(refusing_mongod.refuse, [])
    await store.ping()
    await store.save_analyses([write("a-1"), write("a-2")])
    await documents.put_many(JOBS, [DocumentWrite("j1", DOCUMENT, once=True)])
    assert await archived(store) == {"before", "a-1", "a-2"}


async def test_what_the_server_refuses_for_its_content_is_no_outage(store: MongoStore, refusing_mongod: Mongod) -> None:
    with MongoClient[dict[str, Any]](store._connection._url) as client:
        rule = {"collMod": ARCHIVE_COLLECTION, "validator": {"symbol": {"$ne": "REFUSED"}}}
        await asyncio.to_thread(client.get_default_database().command, rule)
    with pytest.raises(Unstorable, match=r"mongodb refuses what it was given .*DocumentValidationFailure"):
        await store.save_analyses([write("a-1"), write("a-2", symbol="REFUSED"), write("a-3")])
    assert await archived(store) == {"a-1", "a-3"}
    await store.ping()
    await asyncio.to_thread(refusing_mongod.refuse, ["update"], errorCode=14031)
    with pytest.raises(StorageUnavailable, match="full"):  # an outage keeps the whole group
        await store.save_analyses([write("a-4", symbol="REFUSED")])


async def test_document_of_more_than_sixteen_megabytes_is_refused_alone(documents: MongoDocumentStore) -> None:
    large = DOCUMENT | {"note": "x" * 17_000_000}
    with pytest.raises(Unstorable):
        await documents.put(JOBS, "large", large)
    with pytest.raises(Unstorable):
        await documents.put_many(JOBS, [DocumentWrite("j1", DOCUMENT, once=True), DocumentWrite("l", large, once=True)])
    await documents.put_many(JOBS, [DocumentWrite("j1", DOCUMENT, once=True)])
    assert await documents.get(JOBS, "large") is None
    await documents.ping()


async def test_server_killed_under_load_has_every_acknowledged_analysis_and_its_candles(
    own_store: MongoStore, own_mongod: Mongod
) -> None:
    acknowledged: set[str] = set()

    async def save_on(number: int) -> None:
        for turn in range(999):
            group = [write(f"{number}-{turn}-{n}", symbol=f"S{number}-{turn}-{n}") for n in range(10)]
            await own_store.save_analyses(group)
            acknowledged.update(saved.analysis.analysis_id for saved in group)
            if len(acknowledged) >= 600 and own_mongod.running:
                own_mongod.send(signal.SIGKILL)

    ended = await asyncio.gather(*(save_on(number) for number in range(4)), return_exceptions=True)
    assert all(isinstance(error, StorageUnavailable) for error in ended)
    await asyncio.to_thread(own_mongod.kill)
    await asyncio.to_thread(own_mongod.start)
    await own_store.open()
    assert acknowledged <= await archived(own_store)
    with MongoClient[dict[str, Any]](own_store._connection._url) as client:
        collection = client.get_default_database()[CANDLE_COLLECTION]
        symbols = await asyncio.to_thread(collection.distinct, "symbol")
    assert {f"S{name}" for name in acknowledged} <= set(symbols)


async def test_frozen_server_is_an_outage_and_goes_on_where_it_stopped(
    own_store: MongoStore, own_mongod: Mongod
) -> None:
    await own_store.save_analyses([write("before")])
    own_mongod.send(signal.SIGSTOP)
    with pytest.raises(StorageUnavailable, match=r"took too long|no MongoDB server answers"):
        await own_store.ping()
    with pytest.raises(StorageUnavailable):
        await own_store.save_analyses([write("during")])
    own_mongod.send(signal.SIGCONT)
    await own_store.open()
    await own_store.save_analyses([write("during"), write("after")])
    assert await archived(own_store) == {"before", "during", "after"}


async def test_server_that_is_restarted_takes_writes_again(own_store: MongoStore, own_mongod: Mongod) -> None:
    await own_store.save_analyses([write("before")])
    await asyncio.to_thread(own_mongod.stop)
    with pytest.raises(StorageUnavailable, match="no MongoDB server answers, or none takes writes"):
        await own_store.ping()
    await asyncio.to_thread(own_mongod.start)
    await own_store.open()
    await own_store.save_analyses([write("after")])
    assert await archived(own_store) == {"before", "after"}
