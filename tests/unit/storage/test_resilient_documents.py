"""A document store that fails or hangs: readers know within 2 s, the log says it once, and it heals by itself."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.errors import StorageUnavailable
from storage.document_ports import FEEDBACK, JOBS, Document, DocumentWrite
from storage.resilience.documents import ResilientDocuments
from storage.resilience.spool import Spool
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.patience import eventually
from tests.fixtures.stores import PACE, held_up_documents

pytest_plugins = ["tests.fixtures.logs"]

DOCUMENT: Document = {"created_at": datetime(2025, 6, 1, tzinfo=UTC)}
DOWN = "WARNING document store is down; what needs it waits or says so"
BACK = "INFO document store is back"


def blocked(path: Path) -> ResilientDocuments:
    """Return a store that fails as long as the file `path` stands where its folder should be."""
    path.touch()
    return ResilientDocuments(SqliteDocumentStore(path / "store.db"), pace=PACE)


async def test_a_locked_file_is_named_to_those_who_wait(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as other:
        other.execute("CREATE TABLE held (id)")
        other.execute("BEGIN IMMEDIATE")
        documents = ResilientDocuments(SqliteDocumentStore(tmp_path / "store.db", busy_seconds=0.01), pace=PACE)
        await documents.open()
        reason = "not available now.*: another program keeps the database file locked"
        with pytest.raises(StorageUnavailable, match=reason):
            await documents.get(JOBS, "j1")
        with pytest.raises(StorageUnavailable, match=reason):
            await documents.put(JOBS, "j1", DOCUMENT)
        await documents.close()


async def test_a_data_folder_that_is_removed_under_the_service_is_made_again_with_its_spool(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    spool = Spool(folder / "spool", "documents", 1_000_000)
    documents = ResilientDocuments(SqliteDocumentStore(folder / "store.db", busy_seconds=0.01), pace=PACE, spool=spool)
    await documents.open()
    await documents.put(JOBS, "j1", DOCUMENT)
    shutil.rmtree(folder)
    await documents.put(JOBS, "j2", DOCUMENT)
    await eventually(lambda: documents.state.available and documents.state.waiting == 0)
    assert (documents.state.reason, documents.state.dropped) == (None, 0)
    assert await documents.get(JOBS, "j2") == DOCUMENT | {"job_id": "j2"}
    with closing(sqlite3.connect(folder / "store.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        await documents.put(JOBS, "j3", DOCUMENT)
        assert documents.state.spooled == 1
    await documents.close()


async def test_store_that_fails_heals_by_itself(tmp_path: Path, log_lines: list[str]) -> None:
    documents = blocked(tmp_path / "folder")
    await documents.open()
    for _ in range(3):
        with pytest.raises(StorageUnavailable, match="now: the folder of the database file cannot be made"):
            await documents.get(JOBS, "j1")
        with pytest.raises(StorageUnavailable, match="the sqlite store is not available now"):
            await documents.insert(JOBS, "j1", DOCUMENT)
    (tmp_path / "folder").unlink()
    await eventually(lambda: documents.state.available)
    await documents.put(JOBS, "j1", DOCUMENT)
    assert await documents.get(JOBS, "j1") == DOCUMENT | {"job_id": "j1"}
    await documents.close()
    assert log_lines == [DOWN, BACK]


async def test_failure_that_lasts_is_logged_once(tmp_path: Path, log_lines: list[str]) -> None:
    documents = blocked(tmp_path / "folder")
    await documents.open()
    for _ in range(5):
        with pytest.raises(StorageUnavailable):
            await documents.newest(JOBS, 1)
        await asyncio.sleep(2 * PACE.retry_seconds)  # tried again in between
    await documents.close()
    assert log_lines == [DOWN]


async def test_put_documents_are_read_at_once(tmp_path: Path) -> None:
    documents = ResilientDocuments(SqliteDocumentStore(tmp_path / "store.db"), pace=PACE)
    await documents.open()
    documents.put_later(FEEDBACK, "s1", DOCUMENT | {"symbol": "BTCUSDT"})
    assert len(await documents.newest(FEEDBACK, 10)) == 1
    documents.put_later(FEEDBACK, "s2", DOCUMENT | {"symbol": "BTCUSDT"})
    assert not await documents.insert(FEEDBACK, "s2", DOCUMENT)
    await documents.put_many(FEEDBACK, [DocumentWrite("s3", DOCUMENT, once=True), DocumentWrite("s1", DOCUMENT, True)])
    assert [total.count for total in await documents.totals(FEEDBACK, DOCUMENT["created_at"])] == [3]
    documents.discard_later(FEEDBACK, "s1")
    assert await documents.get(FEEDBACK, "s1") is None
    await documents.discard(FEEDBACK, ["s2", "s3"])
    assert await documents.newest(FEEDBACK, 10) == []
    await documents.close()


async def test_a_new_document_that_a_spool_brings_again_replaces_nothing_made_of_it_since(tmp_path: Path) -> None:
    folder, spool = tmp_path / "folder", tmp_path / "spool"
    folder.touch()
    documents = ResilientDocuments(
        SqliteDocumentStore(folder / "store.db"), pace=PACE, spool=Spool(spool, "documents", 10_000)
    )
    await documents.open()
    with pytest.raises(StorageUnavailable):
        await documents.ping()
    await documents.keep_new("j1", {JOBS: DOCUMENT | {"status": "queued"}})
    (file,) = spool.iterdir()
    left = file.read_bytes()
    folder.unlink()
    await eventually(lambda: documents.state.available and not file.exists())
    assert await documents.replace(JOBS, "j1", DOCUMENT | {"status": "succeeded"}, {"status": "queued"})
    await documents.close()
    file.write_bytes(left)  # as a kill leaves it while a long file is being written to the store
    await documents.open()
    assert await documents.flush()
    assert await documents.get(JOBS, "j1") == DOCUMENT | {"status": "succeeded", "job_id": "j1"}
    await documents.close()


async def test_call_of_a_store_that_hangs_ends_at_the_time_limit(tmp_path: Path, log_lines: list[str]) -> None:
    hangs = True

    class Hanging(SqliteDocumentStore):
        async def ping(self) -> None:
            if hangs:
                await asyncio.Event().wait()

    documents = ResilientDocuments(Hanging(tmp_path / "store.db"), pace=replace(PACE, query_seconds=0.1))
    await documents.open()
    await documents.get(JOBS, "j1")
    with pytest.raises(StorageUnavailable):
        await documents.ping()
    assert log_lines == [DOWN]
    hangs = False
    await eventually(lambda: documents.state.available)
    assert await documents.get(JOBS, "j1") is None
    await documents.close()
    assert log_lines == [DOWN, BACK]


async def test_document_that_a_store_with_stuck_writes_has_not_taken_yet_is_not_missing(tmp_path: Path) -> None:
    async with held_up_documents(tmp_path) as (documents, database):
        database.goes_on.clear()
        await documents.put(JOBS, "j1", DOCUMENT)
        with pytest.raises(StorageUnavailable, match="has not taken yet"):
            await documents.get(JOBS, "j1")
        with pytest.raises(StorageUnavailable, match="has not taken yet"):
            await documents.replace(JOBS, "j1", DOCUMENT, {})
        database.goes_on.set()
        await eventually(lambda: documents.state.waiting == 0)
        assert await documents.get(JOBS, "j1") == DOCUMENT | {"job_id": "j1"}
        assert await documents.get(JOBS, "j2") is None
