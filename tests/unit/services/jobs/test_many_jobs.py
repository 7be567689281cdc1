"""A thousand jobs: each ends once, also where the process that holds them ends in the middle."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from domain.job_kinds import JobKind
from domain.jobs import Job, JobProgress, JobStatus, TellProgress
from tests.fixtures.clocks import SettableClock
from tests.fixtures.jobs import NOON, job_service
from tests.fixtures.patience import eventually

JOBS = 1_000
STOPPED_AFTER = 800
PLACES = 4


class Counting:
    """Does each work at once and counts it; from a number on, works stay under way."""

    def __init__(self, most: int = JOBS) -> None:
        self.done = Counter[int]()
        self.under_way = 0
        self._most = most

    async def run(
        self,
        kind: JobKind,  # noqa: ARG002
        parameters: Mapping[str, Any],
        report: TellProgress,
    ) -> dict[str, Any]:
        report(JobProgress(stage="analyzing", share=0.5))
        await asyncio.sleep(0)
        if self.done.total() >= self._most:
            self.under_way += 1
            await asyncio.Event().wait()
        self.done[parameters["number"]] += 1
        return {"number": parameters["number"]}


async def test_a_thousand_jobs_end_once_each_over_a_restart_in_the_middle(tmp_path: Path) -> None:
    path, clock = tmp_path / "store.db", SettableClock(NOON)
    first, second = Counting(STOPPED_AFTER), Counting()
    async with job_service(path, first, clock, max_queued=JOBS, max_running_in_service=PLACES) as jobs:
        orders = [jobs.service.submit(JobKind.BULK_ANALYSIS, {"number": number}) for number in range(JOBS)]
        ids = [job.job_id for job in await asyncio.gather(*orders)]
        await eventually(lambda: first.under_way == PLACES)
    async with job_service(path, second, clock) as jobs:
        await eventually(lambda: second.done.total() == JOBS - STOPPED_AFTER)

        async def ended(job_id: str) -> Job:
            while not (job := await jobs.service.get(job_id)).finished:
                await asyncio.sleep(0.01)
            return job

        found = [await ended(job_id) for job_id in ids]
    assert len(set(ids)) == JOBS
    assert first.done + second.done == Counter(range(JOBS))
    assert [job.status for job in found] == [JobStatus.SUCCEEDED] * JOBS
    assert [job.result for job in found] == [{"number": number} for number in range(JOBS)]
    # Those that were under way at the end of the first process began twice, and ended once.
    assert Counter(job.attempts for job in found) == {1: JOBS - PLACES, 2: PLACES}
