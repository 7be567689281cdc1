"""Documents on their way to the store: behind everybody's back, in order, and none is lost while it is down."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from domain.errors import StorageUnavailable
from services import pending_documents
from services.pending_documents import PendingDocuments
from storage.document_ports import LLM_CALLS, LLM_REPLIES, Collection, Document
from tests.fixtures.markets import NOW, SettableClock
from tests.fixtures.stores import eventually

pytest_plugins = ["tests.fixtures.logs"]


class Shelf:
    """Keeps documents in a dict; `failing` and `refused` say how it misbehaves."""

    kind = "shelf"

    def __init__(self) -> None:
        self.kept: dict[str, Document] = {}
        self.failing = False
        self.refused: str | None = None
        self.attempts = 0

    async def put(self, _: Collection, key: str, document: Document) -> None:
        self.attempts += 1
        if "created_at" not in document:
            raise ValueError("a document needs created_at")
        if self.failing or key == self.refused:
            raise StorageUnavailable("the shelf is down")
        self.kept[key] = document

    async def insert(self, collection: Collection, key: str, document: Document) -> bool:
        if key in self.kept:
            return False
        await self.put(collection, key, document)
        return True


async def at_once(_seconds: float) -> None:
    await asyncio.sleep(0)


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def make(shelf: Shelf) -> Callable[..., PendingDocuments]:
    def build(**changes: Any) -> PendingDocuments:
        values: dict[str, Any] = {"keep": {}, "sleep": at_once} | changes
        return PendingDocuments(shelf, SettableClock(), **values)  # type: ignore[arg-type]

    return build


def document(text: str = "") -> Document:
    return {"created_at": NOW, "text": text}


async def test_documents_are_stored_in_their_order(shelf: Shelf, make: Callable[..., PendingDocuments]) -> None:
    pending = make()
    await pending.open(5)
    for number in range(10):
        pending.put(LLM_CALLS, str(number), document())
    await eventually(lambda: len(shelf.kept) == 10)
    assert list(shelf.kept) == [str(number) for number in range(10)]
    await pending.close()


async def test_what_a_store_cannot_take_waits_until_it_can_and_is_logged_once(
    shelf: Shelf, make: Callable[..., PendingDocuments], log_lines: list[str]
) -> None:
    pending = make()
    shelf.failing = True
    await pending.open(5)
    for number in range(10):
        pending.put(LLM_CALLS, str(number), document())
    await eventually(lambda: shelf.attempts > 30)
    assert shelf.kept == {}
    shelf.failing = False
    await eventually(lambda: len(shelf.kept) == 10)
    await eventually(lambda: "INFO documents are stored again" in log_lines)
    assert log_lines == [
        "WARNING documents cannot be stored now; they wait",
        "INFO documents are stored again",
    ]
    await pending.close()


async def test_one_that_is_refused_does_not_hold_up_the_others(
    shelf: Shelf, make: Callable[..., PendingDocuments]
) -> None:
    pending = make()
    shelf.refused = "1"
    await pending.open(5)
    for number in range(4):
        pending.put(LLM_CALLS, str(number), document())
    await eventually(lambda: set(shelf.kept) == {"0", "2", "3"})
    shelf.refused = None
    await eventually(lambda: "1" in shelf.kept)
    await pending.close()


async def test_one_that_no_store_takes_is_dropped_and_logged(
    shelf: Shelf, make: Callable[..., PendingDocuments], log_lines: list[str]
) -> None:
    pending = make()
    await pending.open(5)
    pending.put(LLM_CALLS, "wrong", {})
    pending.put(LLM_CALLS, "right", document())
    await eventually(lambda: "right" in shelf.kept)
    await pending.close()
    assert any(line.startswith("ERROR a document cannot be stored and is dropped") for line in log_lines)


async def test_once_leaves_what_is_there(shelf: Shelf, make: Callable[..., PendingDocuments]) -> None:
    pending = make()
    shelf.kept["a"] = document("first")
    await pending.open(5)
    pending.put(LLM_CALLS, "a", document("second"), once=True)
    pending.put(LLM_REPLIES, "b", document("third"))
    await eventually(lambda: "b" in shelf.kept)
    assert shelf.kept["a"]["text"] == "first"
    await pending.close()


async def test_nothing_is_written_before_what_comes_before(shelf: Shelf, make: Callable[..., PendingDocuments]) -> None:
    tries: list[int] = []

    async def third_time_lucky() -> None:
        tries.append(len(shelf.kept))
        if len(tries) < 3:
            raise StorageUnavailable("not yet")

    pending = make(before=third_time_lucky)
    pending.put(LLM_CALLS, "a", document())
    await pending.open(5)
    await eventually(lambda: "a" in shelf.kept)
    assert tries == [0, 0, 0]
    await pending.close()


async def test_closing_writes_what_waits_and_says_what_is_lost(
    shelf: Shelf, make: Callable[..., PendingDocuments], log_lines: list[str]
) -> None:
    pending = make()
    await pending.open(5)
    pending.put(LLM_CALLS, "a", document())
    await pending.close()
    assert "a" in shelf.kept
    pending = make()
    await pending.open(5)
    shelf.failing = True
    pending.put(LLM_CALLS, "b", document())
    await pending.close()
    assert log_lines[-1] == "ERROR documents are lost with the shutdown"


async def test_a_queue_without_end_drops_the_oldest(
    shelf: Shelf, make: Callable[..., PendingDocuments], monkeypatch: pytest.MonkeyPatch, log_lines: list[str]
) -> None:
    monkeypatch.setattr(pending_documents, "MAX_WAITING", 3)
    pending = make()
    for number in range(5):
        pending.put(LLM_CALLS, str(number), document())
    await pending.open(5)
    await pending.close()
    assert list(shelf.kept) == ["2", "3", "4"]
    assert len([line for line in log_lines if "the oldest are dropped" in line]) == 1
