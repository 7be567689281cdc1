"""Documents on their way to the store: in groups, in order, and none is lost by a failure or a kill."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domain.errors import StorageUnavailable, Unstorable
from storage.document_ports import COLLECTIONS, JOBS, LLM_CALLS, Collection, Document, DocumentStore, DocumentWrite
from storage.resilience.documents import ResilientDocuments
from storage.resilience.pace import Pace
from storage.resilience.spool import Spool
from tests.fixtures.clocks import NOW
from tests.fixtures.patience import PATIENCE_SECONDS, eventually
from tests.fixtures.stores import PACE

pytest_plugins = ["tests.fixtures.logs"]

DOWN = "WARNING document store is down; what needs it waits or says so"
BACK = "INFO document store is back"


class FaultyDocuments:
    """Keeps documents in a dict; its attributes say how it misbehaves, `seconds_each` how slow it is."""

    kind = "faulty"

    def __init__(self) -> None:
        self.kept: dict[str, Document] = {}
        self.order: list[str] = []
        self.groups: list[int] = []
        self.failing = self.readonly = False
        self.refused: set[str] = set()
        self.hanging: asyncio.Event | None = None
        self.seconds_each = 0.0
        self.pings = 0

    async def open(self) -> None:
        await self.ping()

    async def close(self) -> None:
        pass

    async def ping(self) -> None:
        self.pings += 1
        if self.failing:
            raise StorageUnavailable("the store is down")

    async def put_many(self, _: Collection, writes: Sequence[DocumentWrite]) -> None:
        if self.hanging is not None:
            await self.hanging.wait()
        await asyncio.sleep(self.seconds_each * len(writes))
        if self.failing or self.readonly:
            raise StorageUnavailable("the store is full")
        if any(write.key in self.refused for write in writes):
            raise Unstorable("the store refuses it")
        if any("created_at" not in write.document for write in writes):
            raise ValueError("a document needs created_at")
        self.groups.append(len(writes))
        for write in writes:
            self.order.append(write.key)
            if not (write.once and write.key in self.kept):
                self.kept[write.key] = write.document

    async def discard(self, _: Collection, keys: Sequence[str]) -> None:
        for key in keys:
            self.kept.pop(key, None)

    async def get(self, _: Collection, key: str) -> Document | None:
        return self.kept.get(key)


Opened = Callable[..., Any]


@pytest.fixture
def faulty() -> FaultyDocuments:
    return FaultyDocuments()


@pytest.fixture
def opened(faulty: FaultyDocuments, tmp_path: Path) -> Opened:
    @asynccontextmanager
    async def build(
        pace: Pace = PACE, *, spooled: bool = True, max_bytes: int = 1_000_000, max_waiting: int = 1_000
    ) -> AsyncIterator[ResilientDocuments]:
        spool = Spool(tmp_path / "spool", "documents", max_bytes) if spooled else None
        # Of the port, what is called here.
        documents = ResilientDocuments(faulty, pace=pace, spool=spool, max_waiting=max_waiting)  # type: ignore[arg-type]
        await documents.open()
        try:
            yield documents
        finally:
            await documents.close()

    return build


def document(text: str = "") -> Document:
    return {"created_at": NOW, "text": text}


def spooled(folder: Path) -> list[Path]:
    return sorted((folder / "spool").glob("*.jsonl"))


def killed(folder: Path) -> None:
    """Leave the spool's files as a killed process leaves them: copies that no process holds locked."""
    for path in spooled(folder):
        path.with_name(f"documents-0-{path.name}").write_bytes(path.read_bytes())
        path.unlink()


async def test_documents_are_stored_in_groups_and_in_their_order(faulty: FaultyDocuments, opened: Opened) -> None:
    async with opened() as documents:
        await eventually(lambda: documents.state.available)
        for number in range(450):
            documents.put_later(LLM_CALLS, str(number), document())
        await documents.flush()
        assert faulty.order == [str(number) for number in range(450)]
        assert faulty.groups == [200, 200, 50]


async def test_newer_document_of_a_key_is_the_one_that_stays(faulty: FaultyDocuments, opened: Opened) -> None:
    async with opened() as documents:
        for text in ("first", "second"):
            documents.put_later(LLM_CALLS, "a", document(text))
        documents.put_later(LLM_CALLS, "a", document("third"), once=True)
        await eventually(lambda: "a" in faulty.kept)
        assert faulty.kept["a"]["text"] == "second"


async def test_documents_wait_while_the_store_is_down_and_the_outage_is_logged_once(
    faulty: FaultyDocuments, opened: Opened, tmp_path: Path, log_lines: list[str]
) -> None:
    async with opened() as documents:
        faulty.failing = True
        for number in range(10):
            documents.put_later(LLM_CALLS, str(number), document())
        await eventually(lambda: faulty.pings > 10)
        await eventually(lambda: documents.state.waiting == documents.state.spooled == 10)
        assert documents.state.reason == "the store is down"
        assert [path.stat().st_mode & 0o777 for path in spooled(tmp_path)] == [0o600]
        faulty.failing = False
        await eventually(lambda: len(faulty.kept) == 10)
        await eventually(lambda: documents.state.waiting == 0)
        assert spooled(tmp_path) == []
    assert log_lines == [DOWN, BACK]


async def test_what_a_slow_store_cannot_keep_up_with_goes_to_the_spool_before_any_is_dropped(
    faulty: FaultyDocuments, opened: Opened, log_lines: list[str]
) -> None:
    # It takes one after the other, sooner than it would count as stuck.
    faulty.seconds_each = 0.02
    async with opened(replace(PACE, group_items=1), max_waiting=100) as documents:
        await eventually(lambda: documents.state.available)
        for start in (0, 60, 120):
            for number in range(start, start + 60):
                documents.put_later(LLM_CALLS, str(number), document())
            await eventually(lambda: documents.state.spooled > 0)
            await eventually(lambda: documents.state.waiting == documents.state.spooled)
        assert documents.state.dropped == 0
        faulty.seconds_each = 0
        await eventually(lambda: documents.state.waiting == 0)
    assert list(faulty.kept) == [str(number) for number in range(180)]
    assert log_lines == []


async def test_store_that_is_read_but_not_written_is_not_back(
    faulty: FaultyDocuments, opened: Opened, log_lines: list[str]
) -> None:
    async with opened() as documents:
        await eventually(lambda: documents.state.available)
        faulty.readonly = True
        documents.put_later(LLM_CALLS, "a", document())
        await eventually(lambda: not documents.state.available)
        pings = faulty.pings
        await eventually(lambda: faulty.pings > pings + 5)
        assert log_lines == [DOWN]
        faulty.readonly = False
        await eventually(lambda: "a" in faulty.kept)
        await eventually(lambda: log_lines == [DOWN, BACK])


async def test_refused_documents_of_a_group_are_given_up_alone(
    faulty: FaultyDocuments, opened: Opened, log_lines: list[str]
) -> None:
    faulty.refused = {"7", "150"}
    async with opened() as documents:
        for number in range(200):
            documents.put_later(LLM_CALLS, str(number), document())
        documents.put_later(LLM_CALLS, "without a time", {})
        await documents.flush()
        await eventually(lambda: documents.state.dropped == 3)
        assert documents.state.available
    assert sorted(faulty.kept, key=int) == [str(number) for number in range(200) if number not in {7, 150}]
    assert log_lines == ["ERROR store refuses a write; it is given up"] * 3


async def test_caller_that_waits_gets_the_refusal_of_its_document(faulty: FaultyDocuments, opened: Opened) -> None:
    faulty.refused = {"bad"}
    async with opened() as documents:
        with pytest.raises(Unstorable, match="the store refuses it"):
            await documents.put(LLM_CALLS, "bad", document())
        await documents.put(LLM_CALLS, "good", document())
        assert "good" in faulty.kept


async def test_documents_acknowledged_while_the_store_hangs_survive_a_kill(
    faulty: FaultyDocuments, opened: Opened, tmp_path: Path
) -> None:
    async with opened() as documents:
        await eventually(lambda: documents.state.available)
        faulty.hanging = asyncio.Event()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.gather(*(documents.put(JOBS, str(number), document(str(number))) for number in range(20)))
        assert faulty.kept == {}
        killed(tmp_path)
        faulty.hanging.set()
    faulty.kept.clear()
    faulty.hanging = None
    async with opened():
        await eventually(lambda: len(faulty.kept) == 20)
    assert faulty.order[-20:] == [str(number) for number in range(20)]
    assert {key: kept["text"] for key, kept in faulty.kept.items()} == {str(n): str(n) for n in range(20)}
    assert spooled(tmp_path) == []


async def test_document_reaches_the_spool_soon_when_the_store_hangs(
    faulty: FaultyDocuments, opened: Opened, tmp_path: Path
) -> None:
    async with opened() as documents:
        await eventually(lambda: documents.state.available)
        faulty.hanging = asyncio.Event()
        documents.put_later(LLM_CALLS, "a", document())
        await eventually(lambda: documents.state.spooled == 1)
        killed(tmp_path)
        faulty.hanging.set()
    faulty.kept.clear()
    async with opened():
        await eventually(lambda: "a" in faulty.kept)


async def test_older_state_never_replaces_a_newer_one(faulty: FaultyDocuments, opened: Opened) -> None:
    async with opened() as documents:
        faulty.failing = True
        for number in range(30):
            await documents.put(JOBS, "job", document(str(number)))
            if number == 20:
                faulty.failing = False
        await documents.flush()
        await eventually(lambda: documents.state.waiting == 0)
        assert faulty.kept["job"]["text"] == "29"


async def test_removal_comes_after_what_it_removes(faulty: FaultyDocuments, opened: Opened) -> None:
    async with opened() as documents:
        faulty.failing = True
        await documents.put(JOBS, "a", document())
        documents.discard_later(JOBS, "a")
        await eventually(lambda: documents.state.spooled == 2)
        faulty.failing = False
        await eventually(lambda: documents.state.waiting == 0)
        assert faulty.kept == {}


async def test_without_store_and_spool_nothing_is_acknowledged(faulty: FaultyDocuments, opened: Opened) -> None:
    faulty.failing = True
    async with opened(spooled=False) as documents:
        await eventually(lambda: faulty.pings > 0)
        with pytest.raises(StorageUnavailable):
            await documents.put(JOBS, "a", document())
        assert documents.state.waiting == 0
        documents.put_later(JOBS, "b", document())
        assert documents.state.waiting == 1
        faulty.failing = False
        await eventually(lambda: "b" in faulty.kept)
        assert "a" not in faulty.kept


async def test_full_spool_is_logged_and_documents_wait_in_memory(
    faulty: FaultyDocuments, opened: Opened, log_lines: list[str]
) -> None:
    faulty.failing = True
    async with opened(max_bytes=1_000) as documents:
        for number in range(50):
            documents.put_later(LLM_CALLS, str(number), document())
        await eventually(lambda: any("the spool cannot be written" in line for line in log_lines))
        with pytest.raises(StorageUnavailable):
            await documents.put(LLM_CALLS, "too much", document("x" * 1_000))
        assert documents.state.waiting == 50
        faulty.failing = False
        await eventually(lambda: len(faulty.kept) == 50)
    assert [line for line in log_lines if line.startswith("ERROR")] == [
        "ERROR the spool cannot be written; writes wait in memory"
    ]


async def test_spool_on_a_full_disk_is_logged_and_written_again_once_there_is_room(
    faulty: FaultyDocuments, opened: Opened, log_lines: list[str]
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    faulty.failing = True
    async with opened() as documents:
        await documents.put(LLM_CALLS, "fits", document())
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))  # EFBIG, as ENOSPC, from here on
        try:
            with pytest.raises(StorageUnavailable):
                await documents.put(LLM_CALLS, "too much", document("x" * 1_000))
            assert documents.state.reason == "the store is down"
            documents.put_later(LLM_CALLS, "waits", document("y" * 1_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await eventually(lambda: documents.state.spooled == 2)
        faulty.failing = False
        await eventually(lambda: set(faulty.kept) == {"fits", "waits"})
    assert "ERROR the spool cannot be written; writes wait in memory" in log_lines
    assert "INFO the spool is written again" in log_lines


async def test_spool_that_failed_is_found_to_work_again_though_nothing_goes_through_it(
    faulty: FaultyDocuments, opened: Opened
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    faulty.failing = True
    async with opened() as documents:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))
        try:
            with pytest.raises(StorageUnavailable):
                await documents.put(LLM_CALLS, "too much", document("x" * 1_000))
            faulty.failing = False
            await eventually(lambda: documents.state.reason == "the spool cannot be written: File too large")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await eventually(lambda: documents.state.reason is None)


async def test_unusable_spool_folder_is_logged_and_documents_wait_in_memory(
    faulty: FaultyDocuments, opened: Opened, tmp_path: Path, log_facts: list[str]
) -> None:
    (tmp_path / "spool").touch()
    async with opened() as documents:
        await documents.put(LLM_CALLS, "a", document())
        assert documents.state.reason == "the spool cannot be written: File exists"
    assert "a" in faulty.kept
    facts = {"reason": "EEXIST", "folder": f"{tmp_path}/spool"}
    assert log_facts == [f"ERROR the spool cannot be written; writes wait in memory {facts}\n"]


async def test_first_work_runs_after_documents_of_earlier_processes_and_before_new_ones(
    faulty: FaultyDocuments, opened: Opened, tmp_path: Path
) -> None:
    async with opened() as documents:
        faulty.failing = True
        await documents.put(LLM_CALLS, "left", document())
        killed(tmp_path)
    faulty.kept.clear()
    seen: list[list[str]] = []

    async def look(_: DocumentStore) -> None:
        seen.append(sorted(faulty.kept))
        if len(seen) < 3:
            raise StorageUnavailable("not yet")

    async with opened() as documents:
        documents.first(look)
        await documents.put(LLM_CALLS, "new", document())
        faulty.failing = False
        await eventually(lambda: "new" in faulty.kept)
    assert seen == [["left"]] * 3


async def test_closing_writes_waiting_documents_and_logs_lost_ones(
    faulty: FaultyDocuments, opened: Opened, log_lines: list[str]
) -> None:
    async with opened(spooled=False) as documents:
        documents.put_later(LLM_CALLS, "a", document())
    assert "a" in faulty.kept
    async with opened(spooled=False) as documents:
        faulty.failing = True
        documents.put_later(LLM_CALLS, "b", document())
    assert log_lines[-1] == "ERROR writes are lost with the shutdown"


async def test_documents_that_cannot_be_written_at_closing_wait_for_the_next_start(
    faulty: FaultyDocuments, opened: Opened, log_lines: list[str]
) -> None:
    async with opened() as documents:
        faulty.failing = True
        documents.put_later(LLM_CALLS, "b", document())
    assert log_lines[-1] == "WARNING writes wait in the spool for the next start"
    faulty.failing = False
    async with opened():
        await eventually(lambda: "b" in faulty.kept)


async def test_full_queue_drops_the_oldest_documents_and_counts_them(
    faulty: FaultyDocuments, opened: Opened, log_lines: list[str]
) -> None:
    async with opened(spooled=False, max_waiting=3) as documents:
        for number in range(5):
            documents.put_later(LLM_CALLS, str(number), document())
        assert documents.state.dropped == 2
    assert list(faulty.kept) == ["2", "3", "4"]
    assert len([line for line in log_lines if "the oldest are dropped" in line]) == 1


async def test_reader_sees_documents_put_before(faulty: FaultyDocuments, opened: Opened) -> None:
    async with opened(replace(PACE, group_seconds=30)) as documents:
        await documents.get(LLM_CALLS, "none")
        documents.put_later(LLM_CALLS, "a", document("seen"))
        assert (await documents.get(LLM_CALLS, "a"))["text"] == "seen"


async def test_no_task_is_left_behind(faulty: FaultyDocuments, opened: Opened) -> None:
    before = asyncio.all_tasks()
    faulty.hanging = asyncio.Event()
    async with opened() as documents:
        waiting: list[Awaitable[None]] = [documents.put(LLM_CALLS, str(number), document()) for number in range(20)]
        await asyncio.gather(*waiting)
    assert asyncio.all_tasks() == before


def test_documents_of_every_collection_can_be_spooled() -> None:
    from storage.resilience.document_writes import DOCUMENTS, PendingDocument

    for collection in COLLECTIONS:
        kept = PendingDocument(collection, "key", {"created_at": NOW, "nested": {"at": [NOW]}, "n": 2**62}, once=True)
        back = DOCUMENTS.decode(DOCUMENTS.encode(kept))
        assert (back.collection, back.key, back.once) == (collection, "key", True)
        assert back.document == {"created_at": NOW, "nested": {"at": [NOW]}, "n": 2**62, collection.key_field: "key"}
        assert (
            DOCUMENTS.decode(DOCUMENTS.encode(PendingDocument(collection, os.fsdecode(b"\xff"), None))).document is None
        )
