"""A document store that fails or hangs: callers know within 2 s, the log says it once, and it heals by itself."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.errors import StorageUnavailable
from storage.document_ports import JOBS, Document
from storage.resilient_documents import ResilientDocuments
from storage.sqlite_documents import SqliteDocumentStore

pytest_plugins = ["tests.fixtures.logs"]

DOCUMENT: Document = {"created_at": datetime(2025, 6, 1, tzinfo=UTC)}
DOWN = "WARNING document store is down; what needs it waits or says so"
BACK = "INFO document store is back"


class Time:
    """Monotonic seconds that the test sets."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now() -> Time:
    return Time()


def blocked(path: Path, now: Time) -> ResilientDocuments:
    """Return a store that fails as long as the file `path` stands where its folder should be."""
    path.touch()
    return ResilientDocuments(SqliteDocumentStore(path / "store.db"), retry_seconds=2, monotonic=now)


async def test_store_that_fails_is_left_alone_for_a_while_and_then_heals(
    tmp_path: Path, now: Time, log_lines: list[str]
) -> None:
    documents = blocked(tmp_path / "folder", now)
    for _ in range(3):
        with pytest.raises(StorageUnavailable, match="the sqlite store is not available now"):
            await documents.put(JOBS, "j1", DOCUMENT)
    (tmp_path / "folder").unlink()
    with pytest.raises(StorageUnavailable):
        await documents.ping()
    now.seconds = 2
    await documents.put(JOBS, "j1", DOCUMENT)
    assert await documents.get(JOBS, "j1") == DOCUMENT | {"job_id": "j1"}
    await documents.close()
    assert log_lines == [DOWN, BACK]


async def test_each_new_failure_is_logged_once(tmp_path: Path, now: Time, log_lines: list[str]) -> None:
    documents = blocked(tmp_path / "folder", now)
    for _ in range(5):
        with pytest.raises(StorageUnavailable):
            await documents.newest(JOBS, 1)
        now.seconds += 3
    await documents.close()
    assert log_lines == [DOWN]


async def test_refused_document_does_not_take_the_store_down(tmp_path: Path, now: Time, log_lines: list[str]) -> None:
    documents = ResilientDocuments(SqliteDocumentStore(tmp_path / "store.db"), retry_seconds=2, monotonic=now)
    with pytest.raises(StorageUnavailable, match="put"):
        await documents.put(JOBS, "lone surrogate \ud800", DOCUMENT)
    assert await documents.insert(JOBS, "j1", DOCUMENT)
    await documents.close()
    assert log_lines == []


async def test_store_that_hangs_costs_no_more_than_its_time(
    tmp_path: Path, now: Time, monkeypatch: pytest.MonkeyPatch, log_lines: list[str]
) -> None:
    class Hanging(SqliteDocumentStore):
        async def ping(self) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr("storage.resilient_documents.CALL_SECONDS", 0.1)
    documents = ResilientDocuments(Hanging(tmp_path / "store.db"), retry_seconds=2, monotonic=now)
    with pytest.raises(StorageUnavailable):
        await documents.ping()
    with pytest.raises(StorageUnavailable):
        await documents.get(JOBS, "j1")
    now.seconds = 2
    assert await documents.get(JOBS, "j1") is None
    await documents.close()
    assert log_lines == [DOWN, BACK]
