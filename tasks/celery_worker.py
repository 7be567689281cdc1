"""A Celery worker: it takes ids of jobs from the queues, and runs the jobs as the service does by itself."""

from __future__ import annotations

import asyncio
import logging
import os
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from threading import Thread, Timer
from typing import Any

from celery import Celery, signals
from celery.apps.worker import Worker
from celery.exceptions import CPendingDeprecationWarning
from loguru import logger

from config.job_settings import JobSettings
from domain.errors import ConfigurationError, JobQueueFull, NotFound, StorageUnavailable
from domain.job_kinds import JobKind, JobQueue
from services.jobs.service import JobService
from services.jobs.worker import worker_name
from tasks.celery_queues import RUN_JOB, make_app

OpenJobs = Callable[[], AbstractAsyncContextManager[JobService]]

# The store is asked again after this.
RETRY_SECONDS = 1.0
# Jobs release their processes within this when the worker is stopped.
RELEASE_SECONDS = 30.0
# The broker is told within this that it ends.
GOODBYE_SECONDS = 5.0


class JobLoop:
    """An event loop in a thread of its own, with the parts that run jobs; Celery's threads wait for it."""

    def __init__(self, open_jobs: OpenJobs) -> None:
        """Keep what opens the parts; nothing runs yet."""
        self._open_jobs = open_jobs
        self._loop = asyncio.new_event_loop()
        self._jobs: asyncio.Future[JobService] = self._loop.create_future()
        self._stopping = asyncio.Event()
        self._taking = asyncio.Lock()
        self._carried: set[str] = set()
        self._thread = Thread(target=self._run, name="jobs", daemon=True)

    def start(self) -> None:
        """Return when jobs can be run.

        Raises:
            AppError: a part cannot be opened.
        """
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._opened(), self._loop).result()

    def run_job(self, job_id: str) -> None:
        """Take a job up, if it still waits, and return when this worker does not run it any more."""
        asyncio.run_coroutine_threadsafe(self._carry_out(job_id), self._loop).result()

    def stop(self) -> None:
        """Release every job, so that another worker goes on with it, and close the parts."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(RELEASE_SECONDS)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._hold_open())

    async def _hold_open(self) -> None:
        try:
            async with self._open_jobs() as jobs:
                self._jobs.set_result(jobs)
                await self._stopping.wait()
                async with self._taking:  # a job that is being taken now is released with the others
                    pass
        except BaseException as error:
            if not self._jobs.done():
                self._jobs.set_exception(error)
                return
            raise

    async def _opened(self) -> None:
        await asyncio.shield(self._jobs)

    async def _carry_out(self, job_id: str) -> None:
        if job_id in self._carried:  # a second message about it
            return
        self._carried.add(job_id)
        try:
            jobs = await self._jobs
            if await self._take_up(jobs, job_id):
                await jobs.ended(job_id)
        finally:
            self._carried.discard(job_id)

    async def _take_up(self, jobs: JobService, job_id: str) -> bool:
        while not self._stopping.is_set():
            try:
                async with self._taking:
                    return not self._stopping.is_set() and await jobs.take_up(job_id)
            except (StorageUnavailable, JobQueueFull):  # meanwhile another worker may take it
                await asyncio.sleep(RETRY_SECONDS)
            except NotFound:  # a message is sent when the store has the record
                logger.bind(job_id=job_id).warning("a message names a job that the store does not have")
                return False
        return False


class ReleasingWorker(Worker):  # type: ignore[misc] # Celery has no types
    """Celery's worker, which releases its jobs before it waits for the threads that carry them."""

    release: Callable[[], None]

    def stop(self, in_sighandler: bool = False, exitcode: int | None = None) -> None:
        """Take nothing more, give back what has not begun, release the jobs, and end."""
        self.signal_consumer_close()
        # What the broker sends until it knows is not acknowledged either.
        if self.consumer.task_consumer is not None:
            self.consumer.task_consumer.on_message = _leave
        # What waits behind a running job has not been acknowledged: the broker gives it to another worker.
        self.pool.executor.shutdown(wait=False, cancel_futures=True)
        self.release()
        # A broker that is frozen would be waited for without end; nothing of a job is left here.
        end = Timer(GOODBYE_SECONDS, os._exit, [exitcode or 0])
        end.daemon = True
        end.start()
        super().stop(in_sighandler, exitcode)


def default_concurrency(settings: JobSettings, queues: Sequence[JobQueue]) -> int:
    """Return how many jobs of these queues a worker runs at a time unless it is told: heavy and light side by side."""
    heavy = {kind.traits.own_process for kind in JobKind if kind.traits.queue in queues}
    return max(1, settings.max_running * (True in heavy) + settings.max_running_in_service * (False in heavy))


def run_worker(settings: JobSettings, open_jobs: OpenJobs, queues: Sequence[JobQueue], concurrency: int) -> int:
    """Run a worker until it is told to stop, and return its exit status.

    Args:
        settings: Name the broker.
        open_jobs: Opens the job service that runs the jobs, on an event loop of its own.
        queues: Those it takes jobs from.
        concurrency: How many it runs at a time.

    Raises:
        ConfigurationError: no broker is configured, or a part cannot be made.
    """
    if settings.rabbitmq_url is None:
        raise ConfigurationError("a worker needs JOBS_BACKEND=celery and RABBITMQ_URL")
    loop = JobLoop(open_jobs)
    app = make_app(settings.rabbitmq_url)
    app.task(loop.run_job, name=RUN_JOB)
    _keep_logging_as_it_is()
    loop.start()
    try:
        return _serve(app, loop, queues, concurrency)
    finally:
        loop.stop()


def _serve(app: Celery, loop: JobLoop, queues: Sequence[JobQueue], concurrency: int) -> int:
    worker: Any = ReleasingWorker(
        app=app,
        hostname=f"{worker_name()}@jobs",
        pool_cls="threads",
        concurrency=concurrency,
        queues=[queue.value for queue in queues],
        without_gossip=True,
        without_mingle=True,
        quiet=True,
    )
    worker.release = loop.stop
    # With each lost connection, Celery announces what its next release does with late acknowledgments.
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
    names = ", ".join(queue.value for queue in queues)
    logger.bind(queues=names, concurrency=concurrency, worker=worker.hostname).info("worker starts")
    worker.start()
    return int(worker.exitcode or 0)


def _keep_logging_as_it_is() -> None:
    """Let Celery configure no logging: a receiver of this signal is one that has done so."""
    signals.setup_logging.connect(_configured, weak=False)
    logging.getLogger("celery").setLevel(logging.INFO)


def _configured(**_: object) -> None:
    """Do nothing."""


def _leave(message: object) -> None:
    """Do nothing: with the connection it goes back to the broker, which gives it to another worker."""
