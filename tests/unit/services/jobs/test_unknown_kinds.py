"""Jobs of a kind that another version of the service has: shown, never run, and left as they are in the store."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import Conflict
from domain.job_kinds import JobKind
from domain.jobs import JobStatus
from storage.document_ports import JOBS, Document
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.jobs import NOON, PARAMETERS, Jobs, ManualRunner, job_service, started

REASON = "this version of the service has no jobs of the kind 'dance', so it does not run"


def record(job_id: str, status: str, **values: object) -> Document:
    """Return the record of a job of a kind that this version does not have."""
    return {"job_id": job_id, "kind": "dance", "status": status, "parameters": {}, "created_at": NOON, **values}


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    store = SqliteDocumentStore(tmp_path / "store.db")
    await store.open()
    for status, values in {"queued": {}, "running": {}, "succeeded": {"result": {"steps": 3}}}.items():
        await store.put(JOBS, status, record(status, status, **values))
    await store.close()
    return tmp_path / "store.db"


async def next_job_runs(jobs: Jobs, runner: ManualRunner) -> None:
    """Return when the service has looked for waiting jobs and runs a new one."""
    job = await jobs.service.submit(JobKind.TRAIN, PARAMETERS)
    (await started(runner, 1)).outcome.set_result({})
    await jobs.reaches(job, JobStatus.SUCCEEDED)


@pytest.mark.parametrize("status", ["queued", "running"])
async def test_a_job_that_waits_or_runs_has_failed_and_says_why(path: Path, status: str) -> None:
    async with job_service(path, ManualRunner()) as jobs:
        job = await jobs.service.get(status)
    assert (job.kind, job.status, job.error) == (JobKind.UNKNOWN, JobStatus.FAILED, REASON)


async def test_what_has_ended_keeps_its_end_and_its_result(path: Path) -> None:
    async with job_service(path, ManualRunner()) as jobs:
        job = await jobs.service.get("succeeded")
        listed = {job.job_id: job.status for job in (await jobs.service.newest(10)).jobs}
    assert (job.kind, job.status, job.result, job.error) == (JobKind.UNKNOWN, JobStatus.SUCCEEDED, {"steps": 3}, None)
    assert listed == {"queued": JobStatus.FAILED, "running": JobStatus.FAILED, "succeeded": JobStatus.SUCCEEDED}


async def test_it_neither_runs_nor_starts_again_nor_changes_in_the_store(path: Path) -> None:
    runner = ManualRunner()
    async with job_service(path, runner) as jobs:
        await next_job_runs(jobs, runner)
        with pytest.raises(Conflict, match="this version of the service has no jobs of its kind"):
            await jobs.service.retry("queued")
        with pytest.raises(Conflict, match="has ended already"):
            await jobs.service.cancel("queued")
        assert len(runner.works) == 1
        kept = [await jobs.documents.get(JOBS, job_id) for job_id in ("queued", "running")]
    assert [document and (document["kind"], document["status"]) for document in kept] == [
        ("dance", "queued"),
        ("dance", "running"),
    ]
