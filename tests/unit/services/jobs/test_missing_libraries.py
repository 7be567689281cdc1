"""Jobs where an installation lacks their libraries: refused when asked for, left alone when they wait."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain import job_kinds
from domain.errors import LibraryMissing
from domain.job_kinds import JobKind
from domain.jobs import JobStatus
from storage.document_ports import JOB_ORDERS, JOBS
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.jobs import NOON, PARAMETERS, ManualRunner, job_service, started


@pytest.fixture(autouse=True)
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = replace(job_kinds.TRAITS[JobKind.TRAIN], libraries=("json", "no_such_library"))
    monkeypatch.setitem(job_kinds.TRAITS, JobKind.TRAIN, lacking)


async def test_a_job_is_refused_before_it_is_kept(tmp_path: Path) -> None:
    async with job_service(tmp_path / "store.db", ManualRunner()) as jobs:
        with pytest.raises(LibraryMissing, match="train needs no_such_library, which"):
            await jobs.service.submit(JobKind.TRAIN, PARAMETERS)
        assert (await jobs.service.newest(10)).jobs == []
        assert (await jobs.service.submit(JobKind.BACKTEST, {})).status is JobStatus.QUEUED


async def test_a_job_that_waits_is_left_to_a_process_that_can_run_it(tmp_path: Path) -> None:
    path, runner = tmp_path / "store.db", ManualRunner()
    store = SqliteDocumentStore(path)
    await store.open()
    for number, kind in enumerate((JobKind.TRAIN, JobKind.BACKTEST)):
        record: dict[str, Any] = {
            "job_id": kind.value,
            "kind": kind.value,
            "status": "queued",
            "parameters": {},
            "fence": 1,
        }
        created_at = NOON + timedelta(seconds=number)
        await store.put(JOBS, kind.value, record | {"created_at": created_at})
        await store.put(JOB_ORDERS, kind.value, {"created_at": created_at, "parameters": {"of": kind.value}})
    await store.close()
    async with job_service(path, runner) as jobs:
        work = await started(runner, 1)
        assert work.parameters == {"of": "backtest"}
        work.outcome.set_result({})
        await jobs.reaches(await jobs.service.get("backtest"), JobStatus.SUCCEEDED)
        waiting = await jobs.service.get("train")
        assert (waiting.status, waiting.worker) == (JobStatus.QUEUED, None)
        assert len(runner.works) == 1
