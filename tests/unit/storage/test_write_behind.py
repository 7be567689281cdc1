"""Documents on their way to the store: grouped, in order, and none is lost, whatever fails and whoever is killed."""

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
from tests.fixtures.markets import NOW
from tests.fixtures.stores import PACE, eventually

pytest_plugins = ["tests.fixtures.logs"]

DOWN = "WARNING document store is down; what needs it waits or says so"
BACK = "INFO document store is back"


class Shelf:
    """Keeps documents in a dict; `failing`, `refused`, `hanging` and `readonly` say how it misbehaves."""

    kind = "shelf"

    def __init__(self) -> None:
        self.kept: dict[str, Document] = {}
        self.order: list[str] = []
        self.groups: list[int] = []
        self.failing = self.readonly = False
        self.refused: set[str] = set()
        self.hanging: asyncio.Event | None = None
        self.pings = 0

    async def open(self) -> None:
        await self.ping()

    async def close(self) -> None:
        pass

    async def ping(self) -> None:
        self.pings += 1
        if self.failing:
            raise StorageUnavailable("the shelf is down")

    async def put_many(self, _: Collection, writes: Sequence[DocumentWrite]) -> None:
        if self.hanging is not None:
            await self.hanging.wait()
        if self.failing or self.readonly:
            raise StorageUnavailable("the shelf is full")
        if any(write.key in self.refused for write in writes):
            raise Unstorable("the shelf refuses it")
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
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def opened(shelf: Shelf, tmp_path: Path) -> Opened:
    @asynccontextmanager
    async def build(
        pace: Pace = PACE, *, spooled: bool = True, max_bytes: int = 1_000_000
    ) -> AsyncIterator[ResilientDocuments]:
        spool = Spool(tmp_path / "spool", "documents", max_bytes) if spooled else None
        documents = ResilientDocuments(shelf, pace=pace, spool=spool)  # type: ignore[arg-type]
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
    """Leave the spool's files as a process leaves them that is killed now: a copy without an owner."""
    for path in spooled(folder):
        path.with_name(f"documents-0-{path.name}").write_bytes(path.read_bytes())
        path.unlink()


async def test_documents_are_stored_in_groups_and_in_their_order(shelf: Shelf, opened: Opened) -> None:
    async with opened() as documents:
        await eventually(lambda: documents.state.available)
        for number in range(450):
            documents.put_later(LLM_CALLS, str(number), document())
        await documents.flush()
        assert shelf.order == [str(number) for number in range(450)]
        assert shelf.groups == [200, 200, 50]


async def test_newer_document_of_a_key_is_the_one_that_stays(shelf: Shelf, opened: Opened) -> None:
    async with opened() as documents:
        for text in ("first", "second"):
            documents.put_later(LLM_CALLS, "a", document(text))
        documents.put_later(LLM_CALLS, "a", document("third"), once=True)
        await eventually(lambda: "a" in shelf.kept)
        assert shelf.kept["a"]["text"] == "second"


async def test_what_a_store_cannot_take_waits_until_it_can_and_is_logged_once(
    shelf: Shelf, opened: Opened, tmp_path: Path, log_lines: list[str]
) -> None:
    async with opened() as documents:
        shelf.failing = True
        for number in range(10):
            documents.put_later(LLM_CALLS, str(number), document())
        await eventually(lambda: shelf.pings > 10)
        assert documents.state.waiting == documents.state.spooled == 10
        assert documents.state.reason == "the shelf is down"
        assert [path.stat().st_mode & 0o777 for path in spooled(tmp_path)] == [0o600]
        shelf.failing = False
        await eventually(lambda: len(shelf.kept) == 10)
        await eventually(lambda: documents.state.waiting == 0)
        assert spooled(tmp_path) == []
    assert log_lines == [DOWN, BACK]


async def test_store_that_is_read_but_not_written_is_not_back(
    shelf: Shelf, opened: Opened, log_lines: list[str]
) -> None:
    async with opened() as documents:
        await eventually(lambda: documents.state.available)
        shelf.readonly = True
        documents.put_later(LLM_CALLS, "a", document())
        await eventually(lambda: not documents.state.available)
        pings = shelf.pings
        await eventually(lambda: shelf.pings > pings + 5)
        assert log_lines == [DOWN]
        shelf.readonly = False
        await eventually(lambda: "a" in shelf.kept)
        assert log_lines == [DOWN, BACK]


async def test_one_of_a_group_that_is_refused_is_given_up_and_no_other(
    shelf: Shelf, opened: Opened, log_lines: list[str]
) -> None:
    shelf.refused = {"7", "150"}
    async with opened() as documents:
        for number in range(200):
            documents.put_later(LLM_CALLS, str(number), document())
        documents.put_later(LLM_CALLS, "without a time", {})
        await documents.flush()
        await eventually(lambda: documents.state.dropped == 3)
        assert documents.state.available
    assert sorted(shelf.kept, key=int) == [str(number) for number in range(200) if number not in {7, 150}]
    assert log_lines == ["ERROR store refuses a write; it is given up"] * 3


async def test_who_waits_is_told_that_its_document_is_refused(shelf: Shelf, opened: Opened) -> None:
    shelf.refused = {"bad"}
    async with opened() as documents:
        with pytest.raises(Unstorable, match="the shelf refuses it"):
            await documents.put(LLM_CALLS, "bad", document())
        await documents.put(LLM_CALLS, "good", document())
        assert "good" in shelf.kept


async def test_what_is_acknowledged_while_the_store_hangs_survives_a_kill(
    shelf: Shelf, opened: Opened, tmp_path: Path
) -> None:
    async with opened() as documents:
        await eventually(lambda: documents.state.available)
        shelf.hanging = asyncio.Event()
        async with asyncio.timeout(5):
            await asyncio.gather(*(documents.put(JOBS, str(number), document(str(number))) for number in range(20)))
        assert shelf.kept == {}
        killed(tmp_path)
        shelf.hanging.set()
    shelf.kept.clear()
    shelf.hanging = None
    async with opened():
        await eventually(lambda: len(shelf.kept) == 20)
    assert shelf.order[-20:] == [str(number) for number in range(20)]
    assert {key: kept["text"] for key, kept in shelf.kept.items()} == {str(n): str(n) for n in range(20)}
    assert spooled(tmp_path) == []


async def test_what_was_put_longer_than_half_a_second_ago_is_not_in_memory_alone(
    shelf: Shelf, opened: Opened, tmp_path: Path
) -> None:
    async with opened() as documents:
        await eventually(lambda: documents.state.available)
        shelf.hanging = asyncio.Event()
        documents.put_later(LLM_CALLS, "a", document())
        await eventually(lambda: documents.state.spooled == 1)
        killed(tmp_path)
        shelf.hanging.set()
    shelf.kept.clear()
    async with opened():
        await eventually(lambda: "a" in shelf.kept)


async def test_older_state_never_replaces_a_newer_one(shelf: Shelf, opened: Opened) -> None:
    async with opened() as documents:
        shelf.failing = True
        for number in range(30):
            await documents.put(JOBS, "job", document(str(number)))
            if number == 20:
                shelf.failing = False
        await documents.flush()
        await eventually(lambda: documents.state.waiting == 0)
        assert shelf.kept["job"]["text"] == "29"


async def test_removal_comes_after_what_it_removes(shelf: Shelf, opened: Opened) -> None:
    async with opened() as documents:
        shelf.failing = True
        await documents.put(JOBS, "a", document())
        documents.discard_later(JOBS, "a")
        await eventually(lambda: documents.state.spooled == 2)
        shelf.failing = False
        await eventually(lambda: documents.state.waiting == 0)
        assert shelf.kept == {}


async def test_without_store_and_spool_nothing_is_acknowledged(shelf: Shelf, opened: Opened) -> None:
    shelf.failing = True
    async with opened(spooled=False) as documents:
        await eventually(lambda: shelf.pings > 0)
        with pytest.raises(StorageUnavailable):
            await documents.put(JOBS, "a", document())
        assert documents.state.waiting == 0
        documents.put_later(JOBS, "b", document())
        assert documents.state.waiting == 1
        shelf.failing = False
        await eventually(lambda: "b" in shelf.kept)
        assert "a" not in shelf.kept


async def test_spool_that_is_full_is_named_and_what_comes_waits_in_memory(
    shelf: Shelf, opened: Opened, log_lines: list[str]
) -> None:
    shelf.failing = True
    async with opened(max_bytes=1_000) as documents:
        for number in range(50):
            documents.put_later(LLM_CALLS, str(number), document())
        await eventually(lambda: any("the spool cannot be written" in line for line in log_lines))
        with pytest.raises(StorageUnavailable):
            await documents.put(LLM_CALLS, "too much", document("x" * 1_000))
        assert documents.state.waiting == 50
        shelf.failing = False
        await eventually(lambda: len(shelf.kept) == 50)
    assert [line for line in log_lines if line.startswith("ERROR")] == [
        "ERROR the spool cannot be written; writes wait in memory"
    ]


async def test_disk_that_takes_no_more_is_named_and_healed(shelf: Shelf, opened: Opened, log_lines: list[str]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    shelf.failing = True
    async with opened() as documents:
        await documents.put(LLM_CALLS, "fits", document())
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))  # EFBIG, as ENOSPC, from here on
        try:
            with pytest.raises(StorageUnavailable):
                await documents.put(LLM_CALLS, "too much", document("x" * 1_000))
            assert documents.state.reason == "the shelf is down"
            documents.put_later(LLM_CALLS, "waits", document("y" * 1_000))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await eventually(lambda: documents.state.spooled == 2)
        shelf.failing = False
        await eventually(lambda: set(shelf.kept) == {"fits", "waits"})
    assert "ERROR the spool cannot be written; writes wait in memory" in log_lines
    assert "INFO the spool is written again" in log_lines


async def test_spool_that_failed_is_found_to_work_again_though_nothing_goes_through_it(
    shelf: Shelf, opened: Opened
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    shelf.failing = True
    async with opened() as documents:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))
        try:
            with pytest.raises(StorageUnavailable):
                await documents.put(LLM_CALLS, "too much", document("x" * 1_000))
            shelf.failing = False
            await eventually(lambda: documents.state.reason == "the spool cannot be written: File too large")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await eventually(lambda: documents.state.reason is None)


async def test_folder_that_cannot_be_used_is_named_and_documents_wait_in_memory(
    shelf: Shelf, opened: Opened, tmp_path: Path, log_lines: list[str]
) -> None:
    (tmp_path / "spool").touch()
    async with opened() as documents:
        await documents.put(LLM_CALLS, "a", document())
        assert documents.state.reason == "the spool cannot be written: File exists"
    assert "a" in shelf.kept
    assert log_lines == ["ERROR the spool cannot be written; writes wait in memory"]


async def test_work_that_comes_first_sees_what_was_left_and_nothing_new(
    shelf: Shelf, opened: Opened, tmp_path: Path
) -> None:
    async with opened() as documents:
        shelf.failing = True
        await documents.put(LLM_CALLS, "left", document())
        killed(tmp_path)
    shelf.kept.clear()
    seen: list[list[str]] = []

    async def look(_: DocumentStore) -> None:
        seen.append(sorted(shelf.kept))
        if len(seen) < 3:
            raise StorageUnavailable("not yet")

    async with opened() as documents:
        documents.first(look)
        await documents.put(LLM_CALLS, "new", document())
        shelf.failing = False
        await eventually(lambda: "new" in shelf.kept)
    assert seen == [["left"]] * 3


async def test_closing_writes_what_waits_and_says_what_is_lost(
    shelf: Shelf, opened: Opened, log_lines: list[str]
) -> None:
    async with opened(spooled=False) as documents:
        documents.put_later(LLM_CALLS, "a", document())
    assert "a" in shelf.kept
    async with opened(spooled=False) as documents:
        shelf.failing = True
        documents.put_later(LLM_CALLS, "b", document())
    assert log_lines[-1] == "ERROR writes are lost with the shutdown"


async def test_what_the_store_does_not_take_at_closing_waits_for_the_next_start(
    shelf: Shelf, opened: Opened, log_lines: list[str]
) -> None:
    async with opened() as documents:
        shelf.failing = True
        documents.put_later(LLM_CALLS, "b", document())
    assert log_lines[-1] == "WARNING writes wait in the spool for the next start"
    shelf.failing = False
    async with opened():
        await eventually(lambda: "b" in shelf.kept)


async def test_a_queue_without_end_drops_the_oldest_and_counts_them(
    shelf: Shelf, opened: Opened, monkeypatch: pytest.MonkeyPatch, log_lines: list[str]
) -> None:
    monkeypatch.setattr("storage.resilience.documents.MAX_WAITING", 3)
    async with opened(spooled=False) as documents:
        for number in range(5):
            documents.put_later(LLM_CALLS, str(number), document())
        assert documents.state.dropped == 2
    assert list(shelf.kept) == ["2", "3", "4"]
    assert len([line for line in log_lines if "the oldest are dropped" in line]) == 1


async def test_reader_sees_what_was_put_before(shelf: Shelf, opened: Opened) -> None:
    async with opened(replace(PACE, group_seconds=30)) as documents:
        await documents.get(LLM_CALLS, "none")
        documents.put_later(LLM_CALLS, "a", document("seen"))
        assert (await documents.get(LLM_CALLS, "a"))["text"] == "seen"


async def test_no_task_is_left_behind(shelf: Shelf, opened: Opened) -> None:
    before = asyncio.all_tasks()
    shelf.hanging = asyncio.Event()
    async with opened() as documents:
        waiting: list[Awaitable[None]] = [documents.put(LLM_CALLS, str(number), document()) for number in range(20)]
        await asyncio.gather(*waiting)
    assert asyncio.all_tasks() == before


def test_every_collection_has_a_form_in_the_spool() -> None:
    from storage.resilience.document_writes import FORM, PendingDocument

    for collection in COLLECTIONS:
        kept = PendingDocument(collection, "key", {"created_at": NOW, "nested": {"at": [NOW]}, "n": 2**62}, once=True)
        back = FORM.decode(FORM.encode(kept))
        assert (back.collection, back.key, back.once) == (collection, "key", True)
        assert back.document == {"created_at": NOW, "nested": {"at": [NOW]}, "n": 2**62, collection.key_field: "key"}
        assert FORM.decode(FORM.encode(PendingDocument(collection, os.fsdecode(b"\xff"), None))).document is None
