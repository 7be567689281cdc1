"""Jobs: order, states, events, stored records, restarts, and a store that is down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import Conflict, JobFailed, JobQueueFull, NotFound, StorageUnavailable
from domain.job_kinds import JobKind
from domain.jobs import JobProgress, JobStatus
from storage.document_ports import JOB_ORDERS, JOBS, Document
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.jobs import NOON, PARAMETERS, Jobs, ManualRunner, job_service, started
from tests.fixtures.patience import eventually

pytest_plugins = ["tests.fixtures.logs"]

RESULT = {"version": "lstm_model_20250601_120000", "promoted": False, "verdict": "hold", "metrics": {"auc": 0.5}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def runner() -> ManualRunner:
    return ManualRunner()


@pytest.fixture
async def jobs(path: Path, runner: ManualRunner) -> AsyncIterator[Jobs]:
    async with job_service(path, runner) as jobs:
        yield jobs


async def keep(path: Path, documents: dict[str, Document]) -> None:
    """Put jobs into the store as an earlier process would have left them."""
    store = SqliteDocumentStore(path)
    await store.open()
    for key, document in documents.items():
        await store.put(JOBS, key, document)
    await store.close()


async def test_job_is_queued_runs_and_succeeds(jobs: Jobs, runner: ManualRunner) -> None:
    job = await jobs.service.submit(JobKind.TRAIN, PARAMETERS)
    assert (job.status, job.created_at, job.started_at) == (JobStatus.QUEUED, NOON, None)
    work = await started(runner, 1)
    assert work.parameters == PARAMETERS
    assert (await jobs.service.get(job.job_id)).status is JobStatus.RUNNING
    jobs.clock.advance(300)
    work.outcome.set_result(RESULT)
    done = await jobs.reaches(job, JobStatus.SUCCEEDED)
    assert (done.result, done.error) == (RESULT, None)
    assert (done.started_at, done.finished_at) == (NOON, NOON + timedelta(minutes=5))


async def test_only_plain_parameters_are_kept_and_shown(jobs: Jobs) -> None:
    job = await jobs.service.submit(JobKind.TRAIN, PARAMETERS)
    assert job.parameters == {"symbol": "BTCUSDT", "timeframe": "1h", "epochs": 3}


async def test_the_candles_of_a_job_are_kept_until_it_has_succeeded(jobs: Jobs, runner: ManualRunner) -> None:
    done, failed = [await jobs.service.submit(JobKind.TRAIN, PARAMETERS) for _ in range(2)]
    (await started(runner, 1)).outcome.set_result(RESULT)
    (await started(runner, 2)).outcome.set_exception(JobFailed("too few candles"))
    for job, status in ((done, JobStatus.SUCCEEDED), (failed, JobStatus.FAILED)):
        await jobs.reaches(job, status)
    with pytest.raises(Conflict, match="cannot be retried: succeeded"):
        await jobs.service.retry(done.job_id)
    assert await jobs.documents.get(JOB_ORDERS, done.job_id) is None
    assert await jobs.documents.get(JOB_ORDERS, failed.job_id) is not None
    await jobs.service.retry(failed.job_id)
    assert (await started(runner, 3)).parameters == PARAMETERS


async def test_every_status_and_the_training_are_published(jobs: Jobs, runner: ManualRunner) -> None:
    jobs.events.add_symbols(["ETHUSDT"])
    job = await jobs.service.submit(JobKind.TRAIN, PARAMETERS)
    (await started(runner, 1)).outcome.set_result(RESULT)
    events = [await jobs.next_event() for _ in range(4)]
    assert [(event["type"], event["data"].get("status")) for event in events] == [
        ("JobProgress", "queued"),
        ("JobProgress", "running"),
        ("JobProgress", "succeeded"),
        ("TrainingCompleted", None),
    ]
    assert events[1]["data"] == {
        "job_id": job.job_id,
        "kind": "train",
        "status": "running",
        "parameters": {"symbol": "BTCUSDT", "timeframe": "1h", "epochs": 3},
        "created_at": "2025-06-01T12:00:00Z",
        "started_at": "2025-06-01T12:00:00Z",
        "finished_at": None,
        "progress": None,
        "error": None,
        "key": None,
        "attempts": 1,
        "takeovers": 0,
        "next_attempt_at": None,
        "worker": (await jobs.service.get(job.job_id)).worker,
    }
    assert events[3] == {
        "type": "TrainingCompleted",
        "data": {"job_id": job.job_id, "symbol": "BTCUSDT", "timeframe": "1h", **RESULT},
        "timestamp": "2025-06-01T12:00:00Z",
    }


async def test_progress_is_known_at_once_and_published_once_a_second(jobs: Jobs, runner: ManualRunner) -> None:
    job = await jobs.service.submit(JobKind.TRAIN, PARAMETERS)
    work = await started(runner, 1)
    for step in range(31):
        work.report(JobProgress(stage="epoch", share=step / 100))
        progress = (await jobs.service.get(job.job_id)).progress
        assert progress == JobProgress(stage="epoch", share=step / 100)
        jobs.clock.advance(0.1)
    work.outcome.set_result(RESULT)
    await jobs.reaches(job, JobStatus.SUCCEEDED)
    told = [(await jobs.next_event())["data"] for _ in range(6)]
    assert [event["progress"] and event["progress"]["share"] for event in told] == [None, None, 0.1, 0.2, 0.3, 1.0]
    assert told[-1]["status"] == "succeeded"


async def test_the_last_progress_before_a_long_silence_is_published_too(jobs: Jobs, runner: ManualRunner) -> None:
    job = await jobs.service.submit(JobKind.TRAIN, PARAMETERS)
    work = await started(runner, 1)
    for stage, share in (("reading candles", 0.1), ("fitting", 0.2)):
        work.report(JobProgress(stage=stage, share=share))  # at the moment of the first event
    jobs.clock.advance(2)
    while not ((event := await jobs.next_event())["data"]["progress"]):
        pass
    assert (event["data"]["job_id"], event["data"]["progress"]["stage"]) == (job.job_id, "fitting")


async def test_jobs_run_one_at_a_time_in_their_order(jobs: Jobs, runner: ManualRunner) -> None:
    submitted = [await jobs.service.submit(JobKind.TRAIN, {"number": number}) for number in range(3)]
    for number, job in enumerate(submitted):
        work = await started(runner, number + 1)
        assert work.parameters == {"number": number}
        assert len(runner.works) == number + 1
        work.outcome.set_result({})
        await jobs.reaches(job, JobStatus.SUCCEEDED)


async def test_a_full_queue_refuses_jobs_until_one_has_ended(path: Path, runner: ManualRunner) -> None:
    async with job_service(path, runner, max_running=2, max_queued=2) as jobs:
        submitted = [await jobs.service.submit(JobKind.TRAIN, {}) for _ in range(4)]
        with pytest.raises(JobQueueFull, match="2 jobs are waiting already"):
            await jobs.service.submit(JobKind.TRAIN, {})
        await started(runner, 2)
        await jobs.service.cancel(submitted[3].job_id)
        await jobs.service.submit(JobKind.TRAIN, {})
        assert len(runner.works) == 2


async def test_cancel_ends_waiting_and_running_jobs(jobs: Jobs, runner: ManualRunner) -> None:
    running, waiting = [await jobs.service.submit(JobKind.TRAIN, {}) for _ in range(2)]
    work = await started(runner, 1)
    for job in (waiting, running):
        assert (await jobs.service.cancel(job.job_id)).status is JobStatus.CANCELLED
    assert work.outcome.cancelled()
    next_one = await jobs.service.submit(JobKind.TRAIN, {})
    (await started(runner, 2)).outcome.set_result({})
    await jobs.reaches(next_one, JobStatus.SUCCEEDED)


async def test_job_that_is_canceled_before_it_could_start_is_canceled(jobs: Jobs, runner: ManualRunner) -> None:
    job = await jobs.service.submit(JobKind.TRAIN, {})
    canceled = await jobs.service.cancel(job.job_id)
    assert (canceled.status, canceled.started_at, canceled.finished_at) == (JobStatus.CANCELLED, None, NOON)
    assert runner.works == []


async def test_ended_or_unknown_jobs_cannot_be_canceled(jobs: Jobs, runner: ManualRunner) -> None:
    job = await jobs.service.submit(JobKind.TRAIN, {})
    (await started(runner, 1)).outcome.set_result({})
    await jobs.reaches(job, JobStatus.SUCCEEDED)
    with pytest.raises(Conflict, match="has ended already: succeeded"):
        await jobs.service.cancel(job.job_id)
    with pytest.raises(NotFound, match="there is no job nothing"):
        await jobs.service.cancel("nothing")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (JobFailed("needs 160 candles, received 90"), "needs 160 candles, received 90"),
        (RuntimeError("private"), "the job failed unexpectedly (RuntimeError)"),
    ],
)
async def test_failure_has_a_reason_and_the_next_job_runs(
    jobs: Jobs, runner: ManualRunner, error: Exception, message: str
) -> None:
    first, second = [await jobs.service.submit(JobKind.TRAIN, {}) for _ in range(2)]
    (await started(runner, 1)).outcome.set_exception(error)
    assert (await jobs.reaches(first, JobStatus.FAILED)).error == message
    (await started(runner, 2)).outcome.set_result({})
    await jobs.reaches(second, JobStatus.SUCCEEDED)


async def test_jobs_are_listed_newest_first(jobs: Jobs) -> None:
    ids = []
    for minute in range(4):
        jobs.clock.moment = NOON + timedelta(minutes=minute)
        ids.append((await jobs.service.submit(JobKind.TRAIN, {})).job_id)
    listed = await jobs.service.newest(3)
    assert ([job.job_id for job in listed.jobs], listed.complete) == (ids[:0:-1], True)


async def test_jobs_that_have_ended_outlive_the_service(path: Path, runner: ManualRunner) -> None:
    async with job_service(path, runner) as jobs:
        job = await jobs.service.submit(JobKind.TRAIN, PARAMETERS)
        work = await started(runner, 1)
        work.report(JobProgress(stage="epoch", share=0.5, loss=0.25))
        work.outcome.set_result(RESULT)
        done = await jobs.reaches(job, JobStatus.SUCCEEDED)
    async with job_service(path, runner) as jobs:
        assert await jobs.service.get(job.job_id) == done
        assert (await jobs.service.newest(10)).jobs == [done]


async def test_store_that_is_down_stops_no_job_and_gets_everything_later(
    tmp_path: Path, runner: ManualRunner, log_lines: list[str]
) -> None:
    folder = tmp_path / "folder"
    folder.touch()  # stands where the store's folder is to be
    async with job_service(folder / "store.db", runner, spool_folder=tmp_path / "spool") as jobs:
        job = await jobs.service.submit(JobKind.TRAIN, PARAMETERS)
        (await started(runner, 1)).outcome.set_result(RESULT)
        done = await jobs.reaches(job, JobStatus.SUCCEEDED)
        assert await jobs.service.newest(10) == ([done], False)
        with pytest.raises(StorageUnavailable):
            await jobs.service.get("of an earlier process")
        folder.unlink()
        await eventually(lambda: "INFO document store is back" in log_lines)
        assert await jobs.service.newest(10) == ([done], True)
    assert len([line for line in log_lines if line.startswith("WARNING document store is down")]) == 1
    assert list((tmp_path / "spool").iterdir()) == []


async def test_job_that_would_not_survive_a_crash_is_not_accepted(tmp_path: Path, runner: ManualRunner) -> None:
    (tmp_path / "folder").touch()
    async with job_service(tmp_path / "folder" / "store.db", runner) as jobs:
        with pytest.raises(StorageUnavailable):
            await jobs.service.submit(JobKind.TRAIN, {})
        assert (await jobs.service.newest(10)).jobs == []
    assert runner.works == []


async def test_job_of_another_version_is_left_out_with_one_warning(
    path: Path, runner: ManualRunner, log_lines: list[str]
) -> None:
    await keep(path, {"alien": {"created_at": NOON, "status": "running", "kind": "train"}})
    async with job_service(path, runner) as jobs:
        for _ in range(2):
            assert await jobs.service.newest(10) == ([], True)
            with pytest.raises(NotFound):
                await jobs.service.get("alien")
    assert [line for line in log_lines if "does not fit" in line] == [
        "WARNING a stored job does not fit this version of the service and is not shown"
    ]
