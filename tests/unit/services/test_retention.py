"""What is older than it may be is removed, and counted."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import StorageUnavailable
from services.retention import Retention
from storage.document_ports import JOBS, LLM_CALLS
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.clocks import SettableClock


async def test_old_documents_are_removed_and_young_ones_stay(tmp_path: Path) -> None:
    clock = SettableClock()
    documents = SqliteDocumentStore(tmp_path / "store.db")
    await documents.open()
    for days in (401, 399, 8, 6):
        for collection in (LLM_CALLS, JOBS):
            await documents.put(collection, str(days), {"created_at": clock.now() - timedelta(days=days)})
    removed = await Retention(documents, clock, {LLM_CALLS: timedelta(days=400), JOBS: timedelta(days=7)}).remove()
    assert removed == {"llm_calls": 1, "jobs": 3}
    assert [document["call_id"] for document in await documents.newest(LLM_CALLS, 10)] == ["6", "8", "399"]
    assert [document["job_id"] for document in await documents.newest(JOBS, 10)] == ["6"]
    await documents.close()


async def test_store_that_is_down_is_told(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable):
        await Retention(SqliteDocumentStore(tmp_path / "store.db"), SettableClock(), {JOBS: timedelta(days=7)}).remove()
