"""Jobs on Celery, with a real RabbitMQ and workers as processes: each job ends once, whatever dies meanwhile."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kombu import Connection
from pydantic import SecretStr
from websockets.asyncio.client import connect

from domain.errors import JobQueueFull
from domain.job_kinds import JobKind, JobQueue
from domain.jobs import JobStatus
from servers.process import free_port
from services.jobs.service import JobService
from tasks.celery_broker import START_SECONDS, Broker
from tasks.celery_queues import QUEUES, declared, make_app
from tests.conftest import admin_headers
from tests.fixtures.celery_workers import (
    WorkerProcess,
    celery_environment,
    reports,
    running_worker,
    sending_jobs,
    succeeded,
    until,
)
from tests.fixtures.clocks import SettableClock
from tests.fixtures.job_functions import alive
from tests.fixtures.patience import PATIENCE_SECONDS, PAUSE_SECONDS, eventually
from tests.fixtures.service import Service, running_service
from utils.concurrency import worker_threads

if TYPE_CHECKING:
    from tests.fixtures.rabbitmq import RabbitMq
    from tests.fixtures.redis_server import RedisServer

pytest_plugins = ["tests.fixtures.rabbitmq", "tests.fixtures.redis_server"]
pytestmark = [pytest.mark.realserver, pytest.mark.slow]

LIGHT_JOBS, POSTED_JOBS = 100, 5
TRAININGS = ("--queues", "ml_training")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("celery")


@pytest.fixture(scope="module")
def url(rabbitmq: RabbitMq) -> str:
    return rabbitmq.fresh_url()


@pytest.fixture(scope="module")
def two_workers(url: str, redis_server: RedisServer, folder: Path) -> Iterator[Callable[[], list[WorkerProcess]]]:
    """Give two workers that run side by side, new ones in place of those that a test has ended."""
    running = list[WorkerProcess]()
    with ExitStack() as stack:

        def filled() -> list[WorkerProcess]:
            running[:] = [worker for worker in running if worker.process.poll() is None]
            while len(running) < 2:
                name = f"worker-{len(list(folder.glob('worker-*.log')))}"
                worker = running_worker(url, redis_server.url, folder, name, *TRAININGS)
                running.append(stack.enter_context(worker))
            return list(running)

        yield filled


@pytest.fixture
def workers(two_workers: Callable[[], list[WorkerProcess]]) -> list[WorkerProcess]:
    return two_workers()


@pytest.fixture(scope="module")
def light(url: str, redis_server: RedisServer, folder: Path) -> Iterator[WorkerProcess]:
    """Run a worker of light jobs."""
    with running_worker(url, redis_server.url, folder, "light", "--queues", "bulk_analysis,scheduled") as worker:
        yield worker


def order(file: Path) -> dict[str, str]:
    """Return the parameters of a job that runs until the file is there."""
    return {"do": "wait for a file", "file": str(file)}


async def both_busy(jobs: JobService, file: Path) -> tuple[str, str]:
    """Return the ids of two jobs that run until the file is there, one in each worker."""
    first = await jobs.submit(JobKind.TRAIN, order(file))
    second = await jobs.submit(JobKind.TRAIN, order(file))
    names = {(await until(jobs, job.job_id, reports)).worker for job in (first, second)}
    assert len(names) == 2
    return first.job_id, second.job_id


async def logged(since: dict[WorkerProcess | Service, int], words: str) -> None:
    """Return when each of the processes has logged this after so many characters of its output."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not all(words in process.output[start:] for process, start in since.items()):
            await asyncio.sleep(PAUSE_SECONDS)


async def test_queues_without_a_worker_are_named_when_one_that_starts_would_take_from_them(rabbitmq: RabbitMq) -> None:
    url, now = rabbitmq.fresh_url(), 0.0
    with worker_threads(1, "send") as sender, worker_threads(1, "look") as looker, Connection(url) as connection:
        broker = Broker(make_app(SecretStr(url)), sender, looker, monotonic=lambda: now)
        try:
            assert await broker.is_empty(JobQueue.SCHEDULED)  # the first look
            assert list(broker.degraded()) == []
            now += START_SECONDS
            assert await broker.is_empty(JobQueue.SCHEDULED)
            (found,) = broker.degraded()
            assert found.reason == f"no worker takes jobs of {', '.join(JobQueue)}"
            with connection.Consumer(declared(JobQueue.SCHEDULED)):
                now += START_SECONDS
                assert await broker.is_empty(JobQueue.SCHEDULED)
                (found,) = broker.degraded()
                assert JobQueue.SCHEDULED not in found.reason
            now += START_SECONDS
            assert await broker.is_empty(JobQueue.SCHEDULED)
            (found,) = broker.degraded()
            assert JobQueue.SCHEDULED not in found.reason  # it may start again
        finally:
            await broker.close()


async def test_two_workers_run_jobs_side_by_side_each_under_its_own_name(
    url: str, folder: Path, workers: list[WorkerProcess], tmp_path: Path
) -> None:
    async with sending_jobs(url, folder) as jobs:
        ids = await both_busy(jobs, tmp_path / "go")
        (tmp_path / "go").touch()
        for job_id in ids:
            job = await until(jobs, job_id, succeeded)
            assert job.attempts == 1
            assert sum(worker.has(job) for worker in workers) == 1


async def test_nothing_is_lost_with_a_broker_that_restarts(
    rabbitmq: RabbitMq, url: str, folder: Path, workers: list[WorkerProcess], tmp_path: Path
) -> None:
    async with sending_jobs(url, folder) as jobs:
        running = await both_busy(jobs, tmp_path / "go")
        waiting = (await jobs.submit(JobKind.TRAIN, {"do": "train"})).job_id
        rabbitmq.kill()
        late = await jobs.submit(JobKind.TRAIN, {"do": "train"})
        assert late.status is JobStatus.QUEUED
        await eventually(lambda: [part.part for part in jobs.degraded()] == ["broker"])
        assert (await jobs.get(late.job_id)).sent_at is None
        await asyncio.to_thread(rabbitmq.start)
        (tmp_path / "go").touch()
        for job_id in (*running, waiting, late.job_id):
            assert (await until(jobs, job_id, succeeded)).attempts == 1
    assert all(worker.process.poll() is None for worker in workers)


async def test_a_job_whose_worker_is_killed_runs_again_once_in_another(
    url: str, folder: Path, workers: list[WorkerProcess], tmp_path: Path
) -> None:
    async with sending_jobs(url, folder) as jobs:
        job_id = (await jobs.submit(JobKind.TRAIN, order(tmp_path / "go"))).job_id
        begun = await until(jobs, job_id, reports)
        assert begun.progress is not None
        (dead,) = (worker for worker in workers if worker.has(begun))
        dead.stop(signal.SIGKILL)
        again = await until(jobs, job_id, lambda job: job.attempts == 2 and reports(job))
        assert not alive(int(begun.progress.stage))
        assert again.worker != begun.worker
        (tmp_path / "go").touch()
        ended = await until(jobs, job_id, succeeded)
        assert (ended.attempts, ended.takeovers, ended.fence > begun.fence) == (2, 1, True)


async def test_workers_that_are_stopped_hand_their_job_to_the_next(
    url: str, folder: Path, two_workers: Callable[[], list[WorkerProcess]], tmp_path: Path
) -> None:
    stopped = two_workers()
    await logged(dict.fromkeys(stopped, 0), " ready.")
    async with sending_jobs(url, folder) as jobs:
        job_id = (await jobs.submit(JobKind.TRAIN, order(tmp_path / "go"))).job_id
        await until(jobs, job_id, reports)
        before = [len(worker.output) for worker in stopped]
        # Both: the broker sends the job that one gives back to the other, which begins it once more if it does not
        # know yet that it ends.
        assert await asyncio.gather(*(asyncio.to_thread(worker.stop) for worker in stopped)) == [0, 0]
        for worker, start in zip(stopped, before, strict=True):
            assert "Traceback" not in worker.output[start:]
        workers = two_workers()
        again = await until(jobs, job_id, lambda job: reports(job) and any(worker.has(job) for worker in workers))
        assert again.attempts in {2, 3}
        (tmp_path / "go").touch()
        assert (await until(jobs, job_id, succeeded)).takeovers == 0


async def test_many_jobs_end_once_each(url: str, folder: Path, light: WorkerProcess) -> None:
    async with sending_jobs(url, folder) as jobs:
        submitted = [await jobs.submit(JobKind.BULK_ANALYSIS, {"symbols": ["BTCUSDT"]}) for _ in range(LIGHT_JOBS)]
        ended = [await until(jobs, job.job_id, succeeded) for job in submitted]
    assert {(job.attempts, job.takeovers) for job in ended} == {(1, 0)}
    assert all(light.has(job) for job in ended)


async def test_a_queue_that_is_full_refuses_the_next_job_of_any_process_until_a_place_is_free(
    rabbitmq: RabbitMq, tmp_path: Path
) -> None:
    url, full = rabbitmq.fresh_url(), "50 jobs of backtesting are waiting already"
    async with sending_jobs(url, tmp_path) as jobs:
        most = QUEUES[JobQueue.BACKTESTING].max_jobs
        waiting = [await jobs.submit(JobKind.BACKTEST, {}) for _ in range(most)]
        async with sending_jobs(url, tmp_path) as others:
            for full_for in (jobs, others):
                with pytest.raises(JobQueueFull, match=full):
                    await full_for.submit(JobKind.BIAS_LOOKAHEAD, {})
            await others.submit(JobKind.TRAIN, {})  # another queue
        await jobs.cancel(waiting[0].job_id)
        await jobs.submit(JobKind.BIAS_LOOKAHEAD, {})
        with pytest.raises(JobQueueFull, match=full):
            await jobs.submit(JobKind.BIAS_LOOKAHEAD, {})


async def test_a_message_that_the_broker_lost_is_sent_again(rabbitmq: RabbitMq, tmp_path: Path) -> None:
    url, clock = rabbitmq.fresh_url(), SettableClock(datetime(2025, 6, 1, 12, tzinfo=UTC))
    async with sending_jobs(url, tmp_path, clock) as jobs:
        job = await jobs.submit(JobKind.TRAIN, {})
        with Connection(url) as connection:
            queue = connection.SimpleQueue(declared(JobQueue.ML_TRAINING))
            (await asyncio.to_thread(queue.get, timeout=PATIENCE_SECONDS)).ack()
            await until(jobs, job.job_id, lambda sent: sent.sent_at is not None)  # by the clock before it is moved
            clock.advance(60)
            await until(jobs, job.job_id, lambda again: again.fence > job.fence)
            message = await asyncio.to_thread(queue.get, timeout=PATIENCE_SECONDS)
    arguments, options, _ = message.payload
    assert (arguments, options) == ([job.job_id], {})


async def test_progress_in_a_worker_reaches_a_socket_of_the_service_also_after_a_restart_of_redis(
    redis_server: RedisServer, url: str, folder: Path, workers: list[WorkerProcess], tmp_path: Path
) -> None:
    variables = celery_environment(url, redis_server.url, folder) | {"STORAGE__SPOOL_PATH": f"{tmp_path}/spool"}
    with running_service(port=free_port(), **variables) as service:
        async with connect(service.socket_url) as socket, sending_jobs(url, folder) as jobs:
            assert "redis" not in service.get("/health").json()["degraded"]
            job_id = (await jobs.submit(JobKind.TRAIN, order(tmp_path / "go"))).job_id

            async def hears(wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
                """Return the next event of the job of which this holds."""
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while True:
                        event = json.loads(await socket.recv())
                        if (
                            event["type"] == "JobProgress"
                            and event["data"]["job_id"] == job_id
                            and wanted(event["data"])
                        ):
                            return dict(event["data"])

            begun = await hears(lambda data: data["status"] == "running")
            (worker,) = (candidate for candidate in workers if f"-{candidate.process.pid}-" in begun["worker"])
            progress = (await hears(lambda data: data["progress"] is not None))["progress"]
            assert alive(int(progress["stage"]))
            before = {process: len(process.output) for process in (worker, service)}
            redis_server.kill()
            await logged(before, "Redis is lost")
            await asyncio.to_thread(redis_server.start)
            await logged(before, "Redis is back")
            (tmp_path / "go").touch()
            ended = await hears(lambda data: data["status"] == "succeeded")
            assert (ended["attempts"], ended["error"]) == (1, None)


@pytest.mark.parametrize("store", ["works", "is locked"])
def test_jobs_of_a_service_that_is_killed_right_after_its_answers_run(
    store: str, redis_server: RedisServer, url: str, folder: Path, light: WorkerProcess, tmp_path: Path
) -> None:
    variables = celery_environment(url, redis_server.url, folder) | {"STORAGE__SPOOL_PATH": f"{tmp_path}/spool"}
    with (
        closing(sqlite3.connect(folder / "store.db", isolation_level=None)) as other,
        running_service(port=free_port(), **variables) as service,
    ):
        if store == "is locked":
            other.execute("BEGIN IMMEDIATE")
        asked = {"json": {"symbols": ["BTCUSDT"]}, "headers": admin_headers()}
        answers = [service.post("/jobs/bulk_analysis", **asked) for _ in range(POSTED_JOBS)]
        service.stop(signal.SIGKILL)
    assert {answer.status_code for answer in answers} == {202}
    # The next start reads the spool, which also has jobs for which the store was too slow on a stalled machine.
    with running_service(port=free_port(), **variables) as service:
        jobs = [ended(service, answer.json()["job_id"]) for answer in answers]
    assert {(job["status"], job["attempts"]) for job in jobs} == {("succeeded", 1)}
    assert all(f"-{light.process.pid}-" in job["worker"] for job in jobs)


def ended(service: Service, job_id: str) -> dict[str, Any]:
    """Return a job once it has ended; 503: the service cannot say yet, since its record waits in the spool."""
    while True:
        answer = service.get(f"/jobs/{job_id}", headers=admin_headers())
        assert answer.status_code in {200, 503}, answer.text
        if answer.status_code == 200 and answer.json()["status"] not in {"queued", "running"}:
            return dict(answer.json())
        time.sleep(PAUSE_SECONDS)


def test_a_job_that_is_posted_to_the_service_runs_in_a_worker(
    redis_server: RedisServer, url: str, folder: Path, light: WorkerProcess
) -> None:
    with running_service(port=free_port(), **celery_environment(url, redis_server.url, folder)) as service:
        posted = service.post("/jobs/bulk_analysis", json={"symbols": ["BTCUSDT", "ETHUSDT"]}, headers=admin_headers())
        assert posted.status_code == 202
        job = ended(service, posted.json()["job_id"])
        assert job["status"] == "succeeded", job
        assert f"-{light.process.pid}-" in job["worker"]
        assert set(job["result"]["analyzed"]) == {"BTCUSDT", "ETHUSDT"}
        while not re.search(r"^celery_worker_pool_size [46]", metrics := service.get("/metrics").text, re.MULTILINE):
            time.sleep(PAUSE_SECONDS)
        assert 'celery_queue_length{queue="bulk_analysis"}' in metrics
        assert "celery_tasks_failed 0.0" in metrics
        assert "Traceback" not in service.output + light.output
