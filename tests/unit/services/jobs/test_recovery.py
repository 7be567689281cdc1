"""Jobs after a restart, a worker that is gone, a failure that may pass, and a second request for the same work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from domain import job_kinds
from domain.errors import Conflict, JobFailed
from domain.job_kinds import JobKind
from domain.jobs import Job, JobStatus
from storage.document_ports import JOB_ORDERS, JOBS, Document
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.clocks import SettableClock
from tests.fixtures.jobs import NOON, PARAMETERS, Jobs, ManualRunner, job_service, started
from tests.fixtures.patience import eventually

INTERRUPTED = "interrupted by a restart of the service"
LEASE_SECONDS = 30


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock(NOON)


@pytest.fixture
def runner() -> ManualRunner:
    return ManualRunner()


@pytest.fixture
async def jobs(path: Path, runner: ManualRunner, clock: SettableClock) -> AsyncIterator[Jobs]:
    async with job_service(path, runner, clock) as jobs:
        yield jobs


@pytest.fixture
def unsafe_training(monkeypatch: pytest.MonkeyPatch) -> None:
    traits = replace(job_kinds.TRAITS[JobKind.TRAIN], resumable=False)
    monkeypatch.setitem(job_kinds.TRAITS, JobKind.TRAIN, traits)


async def keep(path: Path, *records: Document) -> None:
    """Put jobs and their orders into the store as an earlier process would have left them."""
    store = SqliteDocumentStore(path)
    await store.open()
    for number, record in enumerate(records):
        created_at = NOON + timedelta(seconds=number)
        document = {"kind": "train", "parameters": {}, "created_at": created_at, "fence": 1, **record}
        await store.put(JOBS, record["job_id"], document)
        await store.put(JOB_ORDERS, record["job_id"], {"created_at": created_at, "parameters": PARAMETERS})
    await store.close()


def running(job_id: str, **values: object) -> Document:
    """Return the record of a job whose worker does not renew its lease any more."""
    until = NOON + timedelta(seconds=LEASE_SECONDS)
    return {"job_id": job_id, "status": "running", "worker": "gone", "lease_until": until, "attempts": 1, **values}


async def test_jobs_that_a_stop_interrupts_start_again_with_the_next_process(
    path: Path, runner: ManualRunner, clock: SettableClock
) -> None:
    async with job_service(path, runner, clock) as jobs:
        submitted = [await jobs.service.submit(JobKind.TRAIN, {"number": number}) for number in range(2)]
        await started(runner, 1)
    async with job_service(path, runner, clock) as jobs:
        for number, job in enumerate(submitted):
            work = await started(runner, number + 2)
            assert work.parameters == {"number": number}
            work.outcome.set_result({"number": number})
            done = await jobs.reaches(job, JobStatus.SUCCEEDED)
            assert (done.result, done.attempts, done.error) == ({"number": number}, 2 - number, None)


async def test_stop_interrupts_a_running_job_that_may_not_run_twice(
    path: Path, runner: ManualRunner, clock: SettableClock, unsafe_training: None
) -> None:
    async with job_service(path, runner, clock) as jobs:
        first, second = [await jobs.service.submit(JobKind.TRAIN, {}) for _ in range(2)]
        await started(runner, 1)
    async with job_service(path, runner, clock) as jobs:
        found = await jobs.service.get(first.job_id)
        assert (found.status, found.error) == (JobStatus.INTERRUPTED, INTERRUPTED)
        (await started(runner, 2)).outcome.set_result({})
        await jobs.reaches(second, JobStatus.SUCCEEDED)
        again = await jobs.service.retry(first.job_id)
        (await started(runner, 3)).outcome.set_result({})
        assert (await jobs.reaches(again, JobStatus.SUCCEEDED)).job_id == first.job_id


async def test_job_of_a_worker_that_is_gone_is_taken_up_once_its_lease_has_ended(
    path: Path, runner: ManualRunner, clock: SettableClock
) -> None:
    await keep(path, running("left"))
    async with job_service(path, runner, clock) as jobs:
        for _ in range(3):  # looks
            await asyncio.sleep(0.03)
        assert runner.works == []
        clock.advance(LEASE_SECONDS)
        work = await started(runner, 1)
        assert work.parameters == PARAMETERS
        taken = await jobs.service.get("left")
        assert (taken.status, taken.takeovers, taken.attempts, taken.fence) == (JobStatus.RUNNING, 1, 2, 3)
        work.outcome.set_result({})
        await jobs.reaches(taken, JobStatus.SUCCEEDED)


async def test_job_whose_worker_died_twice_is_interrupted(path: Path, runner: ManualRunner) -> None:
    await keep(path, running("left", takeovers=1))
    async with job_service(path, runner, SettableClock(NOON + timedelta(hours=1))) as jobs:
        await eventually_status(jobs, "left", JobStatus.INTERRUPTED)
        error = (await jobs.service.get("left")).error
        assert error == "its worker ended during the job, and so did the next one; retry it"
    assert runner.works == []


async def test_job_that_may_not_run_twice_is_interrupted_when_its_worker_is_gone(
    path: Path, runner: ManualRunner, unsafe_training: None
) -> None:
    await keep(path, running("left"))
    async with job_service(path, runner, SettableClock(NOON + timedelta(hours=1))) as jobs:
        await eventually_status(jobs, "left", JobStatus.INTERRUPTED)
        assert (await jobs.service.get("left")).error == "its worker ended during the job; retry it"
    assert runner.works == []


async def test_record_of_an_earlier_release_without_an_order_is_interrupted(path: Path, runner: ManualRunner) -> None:
    store = SqliteDocumentStore(path)
    await store.open()
    for status in JobStatus:
        left = {"kind": "train", "parameters": {}, "created_at": NOON, "status": status.value}
        await store.put(JOBS, status.value, left)
    await store.close()
    async with job_service(path, runner, SettableClock(NOON + timedelta(hours=1))) as jobs:
        for name in ("queued", "running"):
            await eventually_status(jobs, name, JobStatus.INTERRUPTED)
            assert (await jobs.service.get(name)).error == f"{INTERRUPTED}; its parameters are not kept"
        for name in ("succeeded", "failed", "cancelled"):
            assert (await jobs.service.get(name)).status == name
    assert runner.works == []


async def test_two_processes_on_one_store_run_a_job_once(path: Path, clock: SettableClock) -> None:
    runners = ManualRunner(), ManualRunner()
    await keep(path, *(running(f"job {number}") for number in range(6)))
    clock.advance(LEASE_SECONDS)
    async with AsyncExitStack() as stack:
        for runner in runners:
            await stack.enter_async_context(job_service(path, runner, clock, max_running=3))
        await eventually(lambda: sum(len(runner.works) for runner in runners) == 6)
        for _ in range(3):  # looks
            await asyncio.sleep(0.03)
        assert sum(len(runner.works) for runner in runners) == 6


async def test_worker_that_lost_its_job_to_another_ends_and_writes_nothing(
    path: Path, runner: ManualRunner, clock: SettableClock
) -> None:
    other = ManualRunner()
    async with job_service(path, runner, clock) as late, job_service(path, other, clock) as next_one:
        job = await late.service.submit(JobKind.TRAIN, PARAMETERS)
        work = await started(runner, 1)
        await eventually_status(next_one, job.job_id, JobStatus.RUNNING)
        clock.advance(LEASE_SECONDS)  # the first process did not renew its lease
        (await started(other, 1)).outcome.set_result({"by": "the next"})
        done = await next_one.reaches(job, JobStatus.SUCCEEDED)
        work.outcome.set_result({"by": "the late"})
        async with asyncio.timeout(60):
            while (await late.service.get(job.job_id)).result != {"by": "the next"}:
                await asyncio.sleep(0.005)  # until the store has refused the late one
        stored = await next_one.documents.get(JOBS, job.job_id)
        assert stored is not None
        assert (stored["result"], stored["fence"]) == ({"by": "the next"}, done.fence)


async def test_job_of_another_process_can_be_cancelled(path: Path, runner: ManualRunner, clock: SettableClock) -> None:
    async with job_service(path, runner, clock, lease_seconds=0.3) as owner:
        running_job, waiting = [await owner.service.submit(JobKind.TRAIN, {}) for _ in range(2)]
        await started(runner, 1)
        async with job_service(path, ManualRunner(), clock) as other:
            await eventually_status(other, running_job.job_id, JobStatus.RUNNING)
            for job in (waiting, running_job):
                assert (await other.service.cancel(job.job_id)).status is JobStatus.CANCELLED
    assert runner.works[0].outcome.cancelled()
    assert len(runner.works) == 1


async def test_failure_that_may_pass_is_tried_again_after_growing_pauses(
    jobs: Jobs, runner: ManualRunner, clock: SettableClock
) -> None:
    job = await jobs.service.submit(JobKind.TRAIN, PARAMETERS)
    for attempt, pause_seconds in enumerate((60, 120, 240), start=1):
        (await started(runner, attempt)).outcome.set_exception(JobFailed("the source is down", transient=True))
        waiting = await jobs.reaches(job, JobStatus.QUEUED)
        assert waiting.next_attempt_at == clock.moment + timedelta(seconds=pause_seconds)
        assert (waiting.attempts, waiting.error) == (attempt, "the source is down")
        clock.advance(pause_seconds - 1)
        await asyncio.sleep(0.05)
        assert len(runner.works) == attempt
        clock.advance(1)
    (await started(runner, 4)).outcome.set_exception(JobFailed("the source is down", transient=True))
    failed = await jobs.reaches(job, JobStatus.FAILED)
    assert (failed.attempts, failed.error, failed.next_attempt_at) == (4, "the source is down", None)


async def test_failed_job_is_retried_on_request_and_a_succeeded_one_is_not(jobs: Jobs, runner: ManualRunner) -> None:
    job = await jobs.service.submit(JobKind.TRAIN, PARAMETERS)
    (await started(runner, 1)).outcome.set_exception(JobFailed("needs 160 candles, received 90"))
    await jobs.reaches(job, JobStatus.FAILED)
    again = await jobs.service.retry(job.job_id)
    assert (again.job_id, again.error, again.finished_at) == (job.job_id, None, None)
    work = await started(runner, 2)
    assert work.parameters == PARAMETERS
    with pytest.raises(Conflict, match="cannot be retried: running"):
        await jobs.service.retry(job.job_id)
    work.outcome.set_result({})
    await jobs.reaches(job, JobStatus.SUCCEEDED)
    with pytest.raises(Conflict, match="cannot be retried: succeeded"):
        await jobs.service.retry(job.job_id)


async def test_cancelled_job_runs_again_on_request(jobs: Jobs, runner: ManualRunner) -> None:
    job = await jobs.service.submit(JobKind.TRAIN, PARAMETERS)
    await started(runner, 1)
    await jobs.service.cancel(job.job_id)
    await jobs.service.retry(job.job_id)
    (await started(runner, 2)).outcome.set_result({})
    await jobs.reaches(job, JobStatus.SUCCEEDED)


async def test_second_request_with_the_same_key_is_the_same_job(jobs: Jobs, runner: ManualRunner) -> None:
    first, second = await asyncio.gather(*(jobs.service.submit(JobKind.TRAIN, {}, key="nightly") for _ in range(2)))
    assert first.job_id == second.job_id
    (await started(runner, 1)).outcome.set_result({})
    done = await jobs.reaches(first, JobStatus.SUCCEEDED)
    assert await jobs.service.submit(JobKind.TRAIN, {}, key="nightly") == done
    other_kind = await jobs.service.submit(JobKind.BACKTEST, {}, key="nightly")
    assert other_kind.job_id != first.job_id
    await started(runner, 2)


async def eventually_status(jobs: Jobs, job_id: str, status: JobStatus) -> None:
    placeholder = Job(job_id=job_id, kind=JobKind.TRAIN, status=status, parameters={}, created_at=NOON)
    await jobs.reaches(placeholder, status)
