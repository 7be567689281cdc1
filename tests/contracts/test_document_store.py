"""Every document store: one suite, run on SQLite and on a real MongoDB."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import StorageUnavailable, Unstorable
from storage.adapter_ports import DocumentDatabase
from storage.document_ports import (
    COLLECTIONS,
    FEEDBACK,
    JOBS,
    LLM_CALLS,
    SAFE_MODE,
    TRADE_ANALYSES,
    Collection,
    Document,
    DocumentWrite,
    Total,
)
from storage.sqlite.documents import SqliteDocumentStore

pytest_plugins = ["tests.fixtures.mongod"]

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
HOSTILE = [
    "a'b\"c; DROP TABLE jobs --",
    "$where",
    "$date",
    "a.b.$c",
    "{'$gt': ''}",
    "ключ 鍵 🔑",
    "x" * 5_000,
    "50%_\\",
]
BuildStore = Callable[[], DocumentDatabase]


@pytest.fixture(params=["sqlite", pytest.param("mongodb", marks=pytest.mark.realserver)])
def build(request: pytest.FixtureRequest, tmp_path: Path) -> BuildStore:
    """Return a function that makes stores on one database, empty at first."""
    if request.param == "sqlite":
        path = tmp_path / "made" / "by open" / "store.db"
        return lambda: SqliteDocumentStore(path)
    url = request.getfixturevalue("common_mongo_url")
    from storage.mongo.documents import MongoDocumentStore

    return lambda: MongoDocumentStore(url)


@pytest.fixture
async def store(build: BuildStore) -> AsyncIterator[DocumentDatabase]:
    store = build()
    await store.open()
    yield store
    await store.close()


def document(minutes: float = 0, **values: Any) -> Document:
    return {"created_at": NOON + timedelta(minutes=minutes), **values}


async def keys(store: DocumentDatabase, collection: Collection, limit: int = 100, **where: Any) -> list[str]:
    return [found[collection.key_field] for found in await store.newest(collection, limit, where)]


async def test_document_comes_back_equal_with_its_key_and_nothing_else(store: DocumentDatabase) -> None:
    content = document(
        status="running",
        nothing=None,
        yes=True,
        count=2**53 + 1,
        share=0.1,
        text="",
        list=[1, 2.5, "x", None, [], {}],
        deep={"finished_at": NOON - timedelta(days=1), "tags": [{"at": NOON}]},
    )
    await store.put(JOBS, "j1", content)
    assert await store.get(JOBS, "j1") == content | {"job_id": "j1"}
    assert await store.newest(JOBS, 1) == [content | {"job_id": "j1"}]


async def test_times_come_back_in_utc_and_whole_milliseconds(store: DocumentDatabase) -> None:
    moment = datetime(2025, 6, 1, 14, 0, 0, 123_999, tzinfo=timezone(timedelta(hours=2)))
    await store.put(JOBS, "j1", {"created_at": moment, "before_1970": datetime(1969, 1, 1, 0, 0, 0, 1, tzinfo=UTC)})
    found = await store.get(JOBS, "j1") or {}
    assert found["created_at"] == NOON + timedelta(milliseconds=123)
    assert found["created_at"].utcoffset() == timedelta(0)
    assert found["before_1970"] == datetime(1969, 1, 1, tzinfo=UTC)


async def test_members_of_enumerations_and_tuples_come_back_as_texts_and_lists(store: DocumentDatabase) -> None:
    color = StrEnum("color", "RED")
    await store.put(JOBS, "j1", document(status=color.RED, pair=(1, 2)))
    found = await store.get(JOBS, "j1") or {}
    assert (type(found["status"]), found["status"], found["pair"]) == (str, "red", [1, 2])
    assert await keys(store, JOBS, status=color.RED) == ["j1"]


async def test_put_replaces_the_whole_document(store: DocumentDatabase) -> None:
    await store.put(JOBS, "j1", document(status="queued", note="gone later"))
    await store.put(JOBS, "j1", document(status="running"))
    assert await store.newest(JOBS, 10) == [document(status="running", job_id="j1")]


async def test_a_switch_never_replaces_a_later_one(store: DocumentDatabase) -> None:
    for minutes, stays in ((1, 1), (0, 1), (2, 2), (2, 2), (1, 2)):
        hostile = {"$created_at": "$$ROOT", "inner": {"$set": {"a.b": "$x"}}}
        await store.put(SAFE_MODE, "service", document(minutes, note=f"of {minutes}", **hostile))
        assert await store.get(SAFE_MODE, "service") == document(stays, note=f"of {stays}", switch="service", **hostile)
    await store.put_many(SAFE_MODE, [DocumentWrite(key, document(1), once=False) for key in ("service", "other")])
    assert await keys(store, SAFE_MODE) == ["service", "other"]


async def test_of_many_switches_at_once_the_latest_stays(store: DocumentDatabase) -> None:
    await asyncio.gather(*(store.put(SAFE_MODE, "service", document(n * 7 % 30)) for n in range(30)))
    assert await store.get(SAFE_MODE, "service") == document(29, switch="service")


async def test_insert_keeps_the_first_of_a_key(store: DocumentDatabase) -> None:
    assert await store.insert(TRADE_ANALYSES, "t1", document(pnl_usdt=1.5))
    assert not await store.insert(TRADE_ANALYSES, "t1", document(pnl_usdt=-1.5))
    assert await store.insert(TRADE_ANALYSES, "t2", document())
    assert await store.get(TRADE_ANALYSES, "t1") == document(pnl_usdt=1.5, trade_id="t1")


async def test_of_many_inserts_at_once_exactly_one_wins(store: DocumentDatabase) -> None:
    won = await asyncio.gather(*(store.insert(TRADE_ANALYSES, "t1", document(number=n)) for n in range(30)))
    assert won.count(True) == 1
    assert (await store.get(TRADE_ANALYSES, "t1") or {})["number"] == won.index(True)


async def test_replace_keeps_a_document_only_in_place_of_one_with_these_values(store: DocumentDatabase) -> None:
    assert not await store.replace(JOBS, "j1", document(status="running"), {"status": "queued"})
    assert await store.get(JOBS, "j1") is None
    await store.put(JOBS, "j1", document(status="queued"))
    await store.put(JOBS, "j2", document(status="queued"))
    assert not await store.replace(JOBS, "j1", document(status="done"), {"status": "running"})
    assert await store.replace(JOBS, "j1", document(1, status="running", number=1), {"status": "queued"})
    assert await store.get(JOBS, "j1") == document(1, status="running", number=1, job_id="j1")
    assert await store.get(JOBS, "j2") == document(status="queued", job_id="j2")
    with pytest.raises(ValueError, match="is not looked up by number"):
        await store.replace(JOBS, "j1", document(), {"number": 1})


async def test_of_many_replacements_of_the_same_values_exactly_one_wins(store: DocumentDatabase) -> None:
    await store.put(JOBS, "j1", document(status="queued"))
    won = await asyncio.gather(
        *(store.replace(JOBS, "j1", document(status=f"of {n}"), {"status": "queued"}) for n in range(30))
    )
    assert won.count(True) == 1
    assert (await store.get(JOBS, "j1") or {})["status"] == f"of {won.index(True)}"


async def test_many_puts_at_once_leave_one_document_per_key(store: DocumentDatabase) -> None:
    await asyncio.gather(*(store.put(JOBS, f"j{n % 3}", document(n)) for n in range(30)))
    assert sorted(await keys(store, JOBS)) == ["j0", "j1", "j2"]


async def test_collections_and_keys_stay_apart(store: DocumentDatabase) -> None:
    await store.put(JOBS, "a", document())
    assert await store.newest(LLM_CALLS, 10) == []
    for other in ["A", "a ", "", "b"]:
        assert await store.get(JOBS, other) is None
    assert await store.get(LLM_CALLS, "a") is None


async def test_newest_come_first_and_of_one_moment_the_last_kept(store: DocumentDatabase) -> None:
    for key, minutes in [("c", 2), ("a", 1), ("e", 3), ("b", 1), ("d", 2)]:
        await store.insert(JOBS, key, document(minutes))
    await store.put(JOBS, "d", document(2, status="again"))
    assert await keys(store, JOBS) == ["e", "d", "c", "b", "a"]
    assert await keys(store, JOBS, limit=2) == ["e", "d"]


async def test_newest_finds_by_equal_values_only(store: DocumentDatabase) -> None:
    for number in range(6):
        status = "failed" if number % 2 else "running"
        await store.put(LLM_CALLS, f"c{number}", document(number, symbol=status, model="m" if number > 2 else "M"))
    assert await keys(store, LLM_CALLS, symbol="failed") == ["c5", "c3", "c1"]
    assert await keys(store, LLM_CALLS, symbol="failed", model="m") == ["c5", "c3"]
    assert await keys(store, LLM_CALLS, symbol="fail") == []


@given(
    calls=st.lists(
        st.tuples(st.integers(0, 5), st.sampled_from(["BTC", "ETH", None]), st.integers(0, 10**15), st.booleans()),
        max_size=12,
    ),
    since=st.integers(0, 6),
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_totals_are_the_sums_of_the_documents(
    store: DocumentDatabase, calls: list[tuple[int, str | None, int, bool]], since: int
) -> None:
    """Every example uses a new model, since all examples share the store."""
    model = uuid.uuid4().hex
    counts: Counter[str | None] = Counter()
    costs: dict[str | None, int] = defaultdict(int)
    tokens: dict[str | None, int] = defaultdict(int)
    for minutes, symbol, cost, priced in calls:
        values = {"symbol": symbol} if symbol else {}
        price = {"cost_nano_usd": cost} if priced else {}
        await store.insert(LLM_CALLS, uuid.uuid4().hex, document(minutes, model=model, tokens=7, **values, **price))
        if minutes >= since:
            counts[symbol] += 1
            costs[symbol] += cost if priced else 0
            tokens[symbol] += 7
    found = await store.totals(
        LLM_CALLS, NOON + timedelta(minutes=since), ["cost_nano_usd", "tokens"], by=["symbol"], where={"model": model}
    )
    assert found == [
        Total((symbol,), counts[symbol], {"cost_nano_usd": costs[symbol], "tokens": tokens[symbol]})
        for symbol in sorted(counts, key=lambda name: name or "")
    ]
    whole = await store.totals(LLM_CALLS, NOON + timedelta(minutes=since), ["cost_nano_usd"], where={"model": model})
    assert whole == ([Total((), counts.total(), {"cost_nano_usd": sum(costs.values())})] if counts else [])


async def test_group_is_kept_as_one_after_the_other_would_be(store: DocumentDatabase) -> None:
    await store.put(JOBS, "old", document(status="queued"))
    await store.put(JOBS, "once", document(status="queued"))
    group = [
        DocumentWrite("old", document(status="running"), once=False),
        DocumentWrite("once", document(status="running"), once=True),
        DocumentWrite("new", document(1, status="running"), once=True),
        DocumentWrite("put", document(2, status="running", inner={"$set": {"a.b": 1}}), once=False),
    ]
    for _ in range(3):
        await store.put_many(JOBS, group)
    assert await keys(store, JOBS, status="running") == ["put", "new", "old"]
    assert await keys(store, JOBS, status="queued") == ["once"]
    assert await store.get(JOBS, "put") == group[3].document | {"job_id": "put"}


async def test_empty_group_is_no_error(store: DocumentDatabase) -> None:
    await store.put_many(JOBS, [])
    assert await store.newest(JOBS, 10) == []


async def test_refused_document_leaves_the_others_of_its_group_storable(store: DocumentDatabase) -> None:
    group = [DocumentWrite(f"j{n}", document(n, note="\ud800" if n == 1 else ""), once=n > 1) for n in range(4)]
    with pytest.raises(Unstorable):
        await store.put_many(JOBS, group)
    for alone in (group[0], group[2], group[3]):
        await store.put_many(JOBS, [alone])
    with pytest.raises(Unstorable):
        await store.put_many(JOBS, [group[1]])
    assert await keys(store, JOBS) == ["j3", "j2", "j0"]


async def test_group_that_breaks_the_rules_is_refused_whole(store: DocumentDatabase) -> None:
    with pytest.raises(ValueError, match="created_at"):
        await store.put_many(JOBS, [DocumentWrite("j0", document(), once=True), DocumentWrite("j1", {}, once=True)])
    assert await store.newest(JOBS, 10) == []


async def test_totals_without_sums_only_count(store: DocumentDatabase) -> None:
    for number in range(3):
        await store.put(LLM_CALLS, f"c{number}", document(number, day="2025-06-01" if number else "2025-05-31"))
    assert await store.totals(LLM_CALLS, NOON, by=["day"]) == [
        Total(("2025-05-31",), 1, {}),
        Total(("2025-06-01",), 2, {}),
    ]


async def test_totals_by_several_fields_come_in_the_order_of_the_fields(store: DocumentDatabase) -> None:
    calls: list[tuple[str | None, str | None]] = [("d2", "m1"), ("d1", "m2"), ("d2", "m1"), ("d1", None), (None, "m2")]
    for number, (day, model) in enumerate(calls):
        fields = {"day": day, "model": model}
        given = {name: value for name, value in fields.items() if value is not None or number % 2}
        await store.put(LLM_CALLS, f"c{number}", document(number, **given, tokens=number))
    assert await store.totals(LLM_CALLS, NOON, ["tokens"], by=("day", "model")) == [
        Total((None, "m2"), 1, {"tokens": 4}),
        Total(("d1", None), 1, {"tokens": 3}),
        Total(("d1", "m2"), 1, {"tokens": 1}),
        Total(("d2", "m1"), 2, {"tokens": 2}),
    ]
    by_model = await store.totals(LLM_CALLS, NOON, by=("model", "day"), where={"day": "d1"})
    assert [total.group for total in by_model] == [(None, "d1"), ("m2", "d1")]


async def test_null_and_a_missing_field_are_one_group(store: DocumentDatabase) -> None:
    await store.put(LLM_CALLS, "null", document(day=None, model="m"))
    await store.put(LLM_CALLS, "missing", document(model="m"))
    assert await store.totals(LLM_CALLS, NOON, by=("day", "model")) == [Total((None, "m"), 2, {})]


async def test_totals_group_by_fields_without_an_index_where_the_collection_names_them(store: DocumentDatabase) -> None:
    for number, signal in enumerate(("Long", "Short", "Long")):
        content = document(number, source="model", predicted_signal=signal, actual_outcome="WIN", trusted=True)
        await store.put(FEEDBACK, f"s{number}", content)
    totals = await store.totals(
        FEEDBACK, NOON, by=("source", "predicted_signal", "actual_outcome"), where={"trusted": True}
    )
    assert totals == [Total(("model", "Long", "WIN"), 2, {}), Total(("model", "Short", "WIN"), 1, {})]
    with pytest.raises(ValueError, match="not looked up by source"):
        await store.newest(FEEDBACK, 1, {"source": "model"})


async def test_sums_are_exact_beyond_what_floats_hold(store: DocumentDatabase) -> None:
    for number in range(3):
        await store.put(LLM_CALLS, f"c{number}", document(cost_nano_usd=2**53 + 1))
    (total,) = await store.totals(LLM_CALLS, NOON, ["cost_nano_usd"])
    assert total.sums == {"cost_nano_usd": 3 * (2**53 + 1)}


async def test_discard_removes_the_documents_of_these_keys_and_no_other(store: DocumentDatabase) -> None:
    for key in ("a", "b", "c"):
        await store.put(JOBS, key, {"created_at": NOON})
    await store.put(FEEDBACK, "a", {"created_at": NOON})
    await store.discard(JOBS, ["a", "c", "not there"])
    await store.discard(JOBS, [])
    assert [document["job_id"] for document in await store.newest(JOBS, 10)] == ["b"]
    assert len(await store.newest(FEEDBACK, 10)) == 1


async def test_remove_takes_only_what_is_older(store: DocumentDatabase) -> None:
    for number in range(4):
        await store.put(JOBS, f"j{number}", document(number))
    await store.put(LLM_CALLS, "c0", document(0))
    assert await store.remove(JOBS, NOON + timedelta(minutes=2)) == 2
    assert await store.remove(JOBS, NOON + timedelta(minutes=2)) == 0
    assert await keys(store, JOBS) == ["j3", "j2"]
    assert await keys(store, LLM_CALLS) == ["c0"]


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_is_only_text(store: DocumentDatabase, text: str) -> None:
    content = document(status=text, inner={text: {text: [text]}}, note={"$date": 5, "$$date": {"$date": "x"}})
    await store.put(JOBS, text, content)
    await store.put(JOBS, "innocent", document(1, status="running"))
    assert await store.get(JOBS, text) == content | {"job_id": text}
    assert await keys(store, JOBS, status=text) == [text]
    assert (await store.totals(JOBS, NOON, by=["status"], where={"status": text})) == [Total((text,), 1, {})]


async def test_text_that_cannot_be_stored_is_refused_as_unstorable(store: DocumentDatabase) -> None:
    with pytest.raises(Unstorable):
        await store.put(JOBS, "j1", document(note="lone surrogate \ud800"))
    await store.ping()
    assert await store.newest(JOBS, 10) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"created_at": "2025-06-01"},
        {"created_at": datetime(2025, 6, 1)},  # noqa: DTZ001
        document(share=float("nan")),
        document(deep=[{"at": datetime(2025, 6, 1)}]),  # noqa: DTZ001
        document(thing=object()),
        document(job_id="another"),
    ],
    ids=["no created_at", "text", "naive", "NaN", "naive within", "object", "another key"],
)
async def test_document_that_breaks_the_rules_is_refused_before_it_is_stored(
    store: DocumentDatabase, wrong: Document
) -> None:
    with pytest.raises(ValueError, match=r"created_at|zone|cannot hold|another job_id"):
        await store.put(JOBS, "j1", wrong)
    with pytest.raises(ValueError, match=r"created_at|zone|cannot hold|another job_id"):
        await store.insert(JOBS, "j1", wrong)
    assert await store.newest(JOBS, 10) == []


async def test_only_known_collections_and_fields_are_looked_up(store: DocumentDatabase) -> None:
    stranger = Collection("jobs; DROP TABLE jobs", "job_id", ("status",))
    with pytest.raises(ValueError, match="not looked up"):
        await store.put(stranger, "j1", document())
    with pytest.raises(ValueError, match="not looked up"):
        await store.get(stranger, "j1")
    with pytest.raises(ValueError, match="not looked up by note"):
        await store.newest(JOBS, 1, {"note": "x"})
    with pytest.raises(ValueError, match="not looked up by note"):
        await store.totals(JOBS, NOON, by=["note"])


async def test_every_collection_takes_documents_and_data_outlives_the_store_object(
    build: BuildStore, store: DocumentDatabase
) -> None:
    for collection in COLLECTIONS:
        await store.put(collection, "k", document())
    await store.close()
    reopened = build()
    await reopened.open()
    await reopened.open()
    try:
        for collection in COLLECTIONS:
            assert await keys(reopened, collection) == ["k"]
    finally:
        await reopened.close()


async def test_store_that_is_not_open_says_so(build: BuildStore) -> None:
    store = build()
    await store.close()
    for reopen in [False, True]:
        if reopen:
            await store.open()
            await store.close()
            await store.close()
        for call in (store.ping(), store.get(JOBS, "j"), store.put(JOBS, "j", document()), store.newest(JOBS, 1)):
            with pytest.raises(StorageUnavailable):
                await call
