"""The newest state of a job is the one that stays in the store, also where two savings of states overlap."""

from __future__ import annotations

import asyncio
from pathlib import Path

from domain.job_kinds import JobKind
from domain.jobs import Job, JobStatus
from services.jobs.records import JobRecords
from storage.document_ports import JOBS, Collection, Document, Where
from storage.resilience.documents import ResilientDocuments
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.clocks import SettableClock
from tests.fixtures.jobs import NOON
from tests.fixtures.stores import PACE


class HeldUpOnce(ResilientDocuments):
    """A store whose first replacement waits until it may go on."""

    def __init__(self, path: Path) -> None:
        super().__init__(SqliteDocumentStore(path), pace=PACE)
        self.held_up, self.goes_on = asyncio.Event(), asyncio.Event()

    async def replace(self, collection: Collection, key: str, document: Document, where: Where) -> bool:
        if not self.held_up.is_set():
            self.held_up.set()
            await self.goes_on.wait()
        return await super().replace(collection, key, document, where)


async def test_a_saving_that_was_held_up_writes_no_older_state_over_a_newer_one(tmp_path: Path) -> None:
    documents = HeldUpOnce(tmp_path / "store.db")
    await documents.open()
    records = JobRecords(documents, SettableClock(NOON))
    for job_id in ("first", "second"):
        job = Job(
            job_id=job_id,
            kind=JobKind.COST_REPORT,
            status=JobStatus.QUEUED,
            parameters={},
            created_at=NOON,
            worker="this one",
            fence=1,
        )
        await records.keep(job, {})
        records.hold(job)
        records.change(job_id, status=JobStatus.RUNNING)
    held_up = asyncio.create_task(records.save())
    await documents.held_up.wait()
    records.change("second", status=JobStatus.SUCCEEDED)
    overtaking = asyncio.create_task(records.save())
    await asyncio.wait({overtaking}, timeout=0.5)
    documents.goes_on.set()
    await asyncio.gather(held_up, overtaking)
    stored = await documents.get(JOBS, "second")
    assert stored is not None
    assert stored["status"] == JobStatus.SUCCEEDED
    await documents.close()
