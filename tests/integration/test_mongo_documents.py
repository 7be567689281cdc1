"""Documents in MongoDB, as the trading engine reads them: dates, keys, indexes, and a server that dies."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from bson import ObjectId

from domain.errors import StorageUnavailable
from storage.document_ports import JOBS, LLM_CALLS, TRADE_ANALYSES
from storage.mongo.documents import MongoDocumentStore
from storage.resilience.documents import ResilientDocuments
from storage.resilience.pace import Pace
from tests.fixtures.patience import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.fixtures.mongod import Documents, Mongod

pytest_plugins = ["tests.fixtures.mongod"]
pytestmark = pytest.mark.realserver

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


async def test_documents_have_bson_dates_and_their_key(mongo_url: str, database: Documents) -> None:
    store = MongoDocumentStore(mongo_url)
    await store.open()
    await store.insert(TRADE_ANALYSES, "t1", {"created_at": NOON, "is_winning": True})
    await store.close()
    (kept,) = database["trade_analyses"].find({"created_at": {"$gte": NOON, "$type": "date"}})
    assert isinstance(kept.pop("_id"), ObjectId)
    assert kept == {"created_at": NOON, "is_winning": True, "trade_id": "t1"}


async def test_documents_that_others_wrote_without_a_key_may_stay(mongo_url: str, database: Documents) -> None:
    database["trade_analyses"].insert_many([{"created_at": NOON}, {"created_at": NOON, "trade_id": "old"}, {}])
    store = MongoDocumentStore(mongo_url)
    await store.open()
    assert not await store.insert(TRADE_ANALYSES, "old", {"created_at": NOON})
    assert len(await store.newest(TRADE_ANALYSES, 10)) == 3
    await store.close()


async def test_several_documents_of_one_key_are_named_in_the_refusal(mongo_url: str, database: Documents) -> None:
    database["trade_analyses"].insert_many([{"trade_id": "old"}, {"trade_id": "old"}])
    store = MongoDocumentStore(mongo_url)
    with pytest.raises(StorageUnavailable, match="trade_analyses needs one document per trade_id"):
        await store.open()
    await store.close()


async def test_reads_use_an_index(mongo_url: str, database: Documents) -> None:
    store = MongoDocumentStore(mongo_url)
    await store.open()
    for number in range(20):
        content = {"created_at": NOON + timedelta(minutes=number), "symbol": f"S{number % 5}", "tokens": 1}
        await store.insert(LLM_CALLS, f"c{number}", content)
    database.command("profile", 2)
    await store.get(LLM_CALLS, "c3")
    await store.put(LLM_CALLS, "c3", {"created_at": NOON, "symbol": "S3"})
    await store.newest(LLM_CALLS, 4)
    await store.newest(LLM_CALLS, 4, {"symbol": "S1"})
    await store.totals(LLM_CALLS, NOON + timedelta(minutes=16), ["tokens"], by=["symbol"])
    await store.totals(LLM_CALLS, NOON, ["tokens"], where={"symbol": "S1"})
    await store.remove(LLM_CALLS, NOON - timedelta(days=1))
    database.command("profile", 0)
    await store.close()
    entries = list(database["system.profile"].find({"ns": {"$regex": "llm_calls"}}))
    assert len(entries) == 7
    for entry in entries:
        assert "COLLSCAN" not in entry["planSummary"], entry["command"]
        assert entry["docsExamined"] <= 4, entry["command"]


async def test_server_that_dies_is_known_in_time_and_used_again_when_it_is_back(own_mongod: Mongod) -> None:
    await asyncio.to_thread(own_mongod.start)
    documents = ResilientDocuments(MongoDocumentStore(own_mongod.fresh_url()), pace=Pace(retry_seconds=0.1))
    await documents.open()
    content = {"created_at": NOON}
    assert await documents.insert(JOBS, "j1", content)
    await asyncio.to_thread(own_mongod.kill)
    # Waiting for the dead server would take the driver half a minute a call.
    async with asyncio.timeout(20):
        with pytest.raises(StorageUnavailable, match="the mongodb store is not available now"):
            await documents.get(JOBS, "j1")
        with pytest.raises(StorageUnavailable, match="the store is not available now, and no spool takes"):
            await documents.put(JOBS, "j2", content)
    await asyncio.to_thread(own_mongod.start)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                assert await documents.get(JOBS, "j1") == content | {"job_id": "j1"}
                break
            except StorageUnavailable:
                await asyncio.sleep(0.1)
    await documents.close()
