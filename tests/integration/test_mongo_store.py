"""Documents in MongoDB, as the engine and operators read them: shapes, indexes and expiry."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from domain.errors import StorageUnavailable
from domain.market import Timeframe
from storage.mongo.store import MongoStore
from storage.ports import ANALYSIS_COLLECTION, ARCHIVE_COLLECTION, CANDLE_COLLECTION, AnalysisWrite
from storage.pruning import Bounds
from tests.fixtures.analyses import LATER, NOON, make_analysis, make_candle
from utils import metrics

if TYPE_CHECKING:
    from tests.fixtures.mongod import Documents

pytest_plugins = ["tests.fixtures.mongod", "tests.fixtures.logs"]
pytestmark = pytest.mark.realserver


async def test_documents_have_the_shape_that_others_read(mongo_url: str, database: Documents) -> None:
    store = MongoStore(mongo_url)
    await store.open()
    await store.save_analysis("key", make_analysis(), archive=True, candles={Timeframe.H1: [make_candle(0)]})
    await store.close()
    cached = database[ANALYSIS_COLLECTION].find_one({}, {"_id": 0}) or {}
    assert set(cached) == {"symbol", "cache_key", "timestamp", "analysis", "created_at"}
    assert (cached["symbol"], cached["timestamp"]) == ("BTCUSDT", NOON)
    assert cached["analysis"]["signal"] == "Long"
    assert cached["created_at"] > NOON
    archived = database[ARCHIVE_COLLECTION].find_one({}, {"_id": 0}) or {}
    assert archived == cached | {"analysis_id": "a-1", "sequence": 1}
    candle = database[CANDLE_COLLECTION].find_one({}, {"_id": 0}) or {}
    prices = {"open": 99.0, "high": 102.0, "low": 98.0, "close": 100.0, "volume": 12.5}
    assert candle == {"symbol": "BTCUSDT", "timeframe": "1h", "open_time": 0} | prices


@pytest.mark.parametrize(
    ("collection", "document", "key"),
    [
        (ARCHIVE_COLLECTION, {"analysis_id": "a-1"}, "analysis_id"),
        (
            CANDLE_COLLECTION,
            {"symbol": "BTCUSDT", "timeframe": "1h", "open_time": 0},
            "symbol, timeframe and open_time",
        ),
    ],
)
async def test_documents_that_are_there_twice_are_named_and_can_be_removed(
    mongo_url: str, database: Documents, collection: str, document: dict[str, object], key: str
) -> None:
    database[collection].insert_many([{**document} for _ in range(2)])
    store = MongoStore(mongo_url)
    with pytest.raises(StorageUnavailable, match=f"collection {collection} needs one document per {key}"):
        await store.open()
    # as docs/storage.md says
    for doubled in database[collection].aggregate(
        [
            {"$group": {"_id": [f"${field}" for field in document], "ids": {"$push": "$_id"}}},
            {"$match": {"ids.1": {"$exists": True}}},
        ]
    ):
        database[collection].delete_many({"_id": {"$in": doubled["ids"][1:]}})
    await store.open()
    assert database[collection].count_documents({}) == 1
    await store.close()


async def test_reads_use_an_index(mongo_url: str, database: Documents) -> None:
    store = MongoStore(
        mongo_url, bounds=Bounds(timedelta(days=9_999), candles_per_series=70_000, max_candles=5_000_000)
    )
    await store.open()
    for number in range(20):
        analysis, candles = make_analysis(analysis_id=str(number)), {Timeframe.H1: [make_candle(number)]}
        await store.save_analysis(f"key-{number}", analysis, archive=True, candles=candles)
    database.command("profile", 2)
    await store.latest_analysis("key-3", NOON, LATER)
    await store.latest_candles("BTCUSDT", Timeframe.H1, 5)
    await store.statistics()
    await store.newest_archived(5)
    while not (await store.prune()).complete:
        pass
    candles = {Timeframe.H1: [make_candle(3, 105)]}
    await store.save_analysis("key-3", make_analysis(analysis_id="3"), archive=True, candles=candles)
    database.command("profile", 0)
    await store.close()
    ours = {"ns": {"$regex": "ai_analysis_results|archive|candles"}, "op": {"$ne": "insert"}}
    entries = list(database["system.profile"].find(ours))
    assert len(entries) == 12
    for entry in entries:
        assert "COLLSCAN" not in entry["planSummary"], entry["command"]
        assert entry["docsExamined"] <= 5, entry["command"]  # the counts read the index alone


async def test_changed_retention_changes_the_expiry_index(mongo_url: str, database: Documents) -> None:
    for hours in [24, 24, 6]:
        store = MongoStore(mongo_url, cache_retention=timedelta(hours=hours))
        await store.open()
        await store.close()
        indexes = database[ANALYSIS_COLLECTION].index_information().values()
        assert [index["expireAfterSeconds"] for index in indexes if "expireAfterSeconds" in index] == [hours * 3600]


async def test_document_of_another_version_is_a_miss_with_one_warning(
    mongo_url: str, database: Documents, log_lines: list[str]
) -> None:
    store = MongoStore(mongo_url)
    await store.open()
    await store.save_analysis("key", make_analysis(), archive=False)
    database[ANALYSIS_COLLECTION].update_many({}, {"$unset": {"analysis.signal": 1}})
    assert await store.latest_analysis("key", NOON, LATER) is None
    database[ANALYSIS_COLLECTION].update_many({}, {"$unset": {"analysis": 1}})
    assert await store.latest_analysis("key", NOON, LATER) is None
    await store.close()
    assert log_lines == ["WARNING a stored analysis does not fit this version of the service and is not used"]


async def test_operations_are_counted(mongo_url: str) -> None:
    counter = metrics.MONGODB_OPERATIONS.labels("ping", "ok")
    before = counter._value.get()
    store = MongoStore(mongo_url)
    await store.open()
    await store.ping()
    await store.close()
    assert counter._value.get() == before + 1


async def test_index_of_the_archive_without_sequences_is_replaced(mongo_url: str, database: Documents) -> None:
    archive = database[ARCHIVE_COLLECTION]
    archive.create_index([("timestamp", -1), ("_id", -1)])
    old = {
        "analysis_id": "old",
        "timestamp": NOON,
        "analysis": make_analysis(analysis_id="old").model_dump(mode="json"),
    }
    archive.insert_one(old)
    for _ in range(2):
        store = MongoStore(mongo_url)
        await store.open()
        await store.save_analysis("key", make_analysis(analysis_id="new"), archive=True)
        assert [analysis.analysis_id for analysis in await store.newest_archived(9)] == ["new", "old"]
        await store.close()
    assert sorted(archive.index_information()) == ["_id_", "analysis_id_1", "timestamp_-1_sequence_-1__id_-1"]


async def test_sequences_of_several_replicas_never_meet(mongo_url: str, database: Documents) -> None:
    replicas = [MongoStore(mongo_url) for _ in range(3)]
    for replica in replicas:
        await replica.open()
    analyses = [make_analysis(analysis_id=f"a-{number}") for number in range(60)]
    writes = [AnalysisWrite("key", analysis, archive=True, candles={}) for analysis in analyses]
    await asyncio.gather(*(replicas[n % 3].save_analyses(writes[n * 4 : n * 4 + 4]) for n in range(15)))
    for replica in replicas:
        await replica.close()
    numbers = [row["sequence"] for row in database[ARCHIVE_COLLECTION].find()]
    assert sorted(numbers) == list(range(1, 61))


async def test_what_must_last_is_journaled_with_the_write_concern_of_the_url(
    mongo_url: str, database: Documents
) -> None:
    store = MongoStore(f"{mongo_url}?w=1&wtimeoutMS=4000")
    await store.open()
    database.command("profile", 2)
    await store.save_analysis("key", make_analysis(), archive=True, candles={Timeframe.H1: [make_candle(0)]})
    database.command("profile", 0)
    await store.close()
    kept = database["system.profile"].find({"ns": {"$regex": "archive|candles"}, "op": "insert"})
    assert [entry["command"]["writeConcern"] for entry in kept] == [{"w": 1, "wtimeout": 4000, "j": True}] * 2
