"""What does the work of jobs: it holds each by a lease, runs it, and writes down how it ended."""

from __future__ import annotations

import asyncio
import os
import socket
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from loguru import logger

from config.job_settings import JobSettings
from domain.errors import AppError, StorageUnavailable
from domain.job_kinds import JobKind
from domain.jobs import Job, JobProgress, JobStatus
from services.jobs.events import JobEvents
from services.jobs.records import JobRecords
from services.jobs.runner import JobRunner
from utils import metrics
from utils.clock import Clock
from utils.tracing import span

INTERRUPTED = "interrupted by a restart of the service"
# How soon a job ends that another process was asked to cancel.
LOOK_SECONDS = 2.0


def worker_name() -> str:
    """Return a name that no other process has."""
    return f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"


class JobWorker:
    """Runs the jobs that it holds, in the order in which it got them; everything here runs on the event loop."""

    def __init__(
        self,
        records: JobRecords,
        runner: JobRunner,
        events: JobEvents,
        settings: JobSettings,
        clock: Clock,
        monotonic: Callable[[], float],
    ) -> None:
        """Keep the parts; nothing runs yet."""
        self.name = worker_name()
        self._records = records
        self._runner = runner
        self._events = events
        self._settings = settings
        self._lease = timedelta(seconds=settings.lease_seconds)
        self._clock = clock
        self._monotonic = monotonic
        self._places = {
            True: asyncio.Semaphore(settings.max_running),
            False: asyncio.Semaphore(settings.max_running_in_service),
        }
        self._tasks: dict[str, asyncio.Task[dict[str, Any]]] = {}
        # Jobs whose newest progress came too soon after their last event.
        self._untold: set[str] = set()
        self._renewed = monotonic()
        self._closing = False
        self._freed: Callable[[], None] = lambda: None
        records.when_lost(self._abandon)

    def when_free(self, tell: Callable[[], None]) -> None:
        """Call this whenever a job of this worker has ended."""
        self._freed = tell

    def held(self, job: Job) -> Job:
        """Return the job as one that this worker holds."""
        hold = {"worker": self.name, "lease_until": self._clock.now() + self._lease, "sent_at": None}
        return job.model_copy(update=hold)

    def start(self, job: Job, parameters: Mapping[str, Any]) -> None:
        """Run a job that this worker holds as soon as a place is free."""
        self._records.hold(job)
        task = asyncio.create_task(self._carry_out(job, parameters), name=f"job {job.job_id}")
        self._tasks[job.job_id] = task
        task.add_done_callback(partial(self._ended, job.job_id))
        self._events.publish(job)

    def free_places(self, kind: JobKind) -> int:
        """Return how many jobs of the kind would start at once; with jobs that wait, it is negative."""
        own_process = kind.traits.own_process
        places = self._settings.max_running if own_process else self._settings.max_running_in_service
        kinds = [self._records.peek(job_id).kind for job_id in self._tasks]
        return places - sum(held.traits.own_process is own_process for held in kinds)

    def may_take(self, job: Job) -> bool:
        """Return whether no worker holds the job and no failure has to pass before it starts."""
        now = self._clock.now()
        return job.is_free(now, self._lease) and job.is_due(now)

    async def take_up(self, waiting: Job) -> bool:
        """Take and run a stored job that waits; return whether it was still there to be taken.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        parameters = await self._records.parameters(waiting.job_id)
        taken = self.held(waiting).model_copy(update={"fence": waiting.fence + 1})
        if parameters is None:
            end = self._final(JobStatus.INTERRUPTED, error=f"{INTERRUPTED}; its parameters are not kept")
            await self._records.write(waiting.model_copy(update=end), waiting)
            return False
        if not await self._records.write(taken, waiting):
            return False
        self.start(taken, parameters)
        return True

    async def cancel(self, job_id: str) -> bool:
        """End a job of this worker; return whether it had one, once its process is gone."""
        task = self._tasks.get(job_id)
        if task is None:
            return False
        task.cancel()
        await asyncio.wait({task})
        return True

    async def ended(self, job_id: str) -> None:
        """Return when this worker does not run the job any more."""
        task = self._tasks.get(job_id)
        if task is not None:
            await asyncio.wait({task})

    async def run(self) -> None:
        """Renew leases, tell what was not told yet, and end what others were asked to cancel, until canceled."""
        while True:
            await asyncio.sleep(min(LOOK_SECONDS, self._settings.lease_seconds / 3))
            if self._monotonic() - self._renewed >= self._settings.lease_seconds / 3:
                self.renew()
            for job_id in list(self._untold):
                self._tell(job_id)
            try:
                await self._end_cancelled()
            except StorageUnavailable:  # the store says so in the log and in /health
                continue

    def renew(self) -> None:
        """Hold the unfinished jobs for another term."""
        self._renewed = self._monotonic()
        for job_id in self._tasks:
            self._records.change(job_id, lease_until=self._clock.now() + self._lease)

    async def close(self) -> None:
        """End every job: those that may start again by themselves wait for that, others are interrupted."""
        self._closing = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _end_cancelled(self) -> None:
        for job_id in list(self._tasks):
            if await self._records.asked_to_cancel(job_id):
                await self.cancel(job_id)

    async def _carry_out(self, job: Job, parameters: Mapping[str, Any]) -> dict[str, Any]:
        async with self._places[job.kind.traits.own_process]:
            now = self._clock.now()
            begun = {"status": JobStatus.RUNNING, "started_at": now, "attempts": job.attempts + 1, "error": None}
            self._events.publish(self._records.change(job.job_id, next_attempt_at=None, progress=None, **begun))
            with span("job", kind=job.kind.value, job_id=job.job_id):
                return await self._runner.run(job.kind, parameters, partial(self._progressed, job.job_id))

    def _progressed(self, job_id: str, progress: JobProgress) -> None:
        if job_id not in self._tasks:  # another worker has it
            return
        self._records.note(job_id, progress=progress)
        self._untold.add(job_id)
        self._tell(job_id)

    def _tell(self, job_id: str) -> None:
        """Publish and store the newest progress of a job, if its last event is long enough ago."""
        if self._events.due(job_id):
            self._untold.discard(job_id)
            self._events.publish(self._records.change(job_id))

    def _abandon(self, job_id: str) -> None:
        """End the work of a job that another worker has taken, without a word about it."""
        self._untold.discard(job_id)
        task = self._tasks.pop(job_id, None)
        if task is not None:
            task.cancel()
            self._freed()

    def _ended(self, job_id: str, task: asyncio.Task[dict[str, Any]]) -> None:
        self._untold.discard(job_id)
        if self._tasks.pop(job_id, None) is None:
            return
        self._freed()
        job = self._records.peek(job_id)
        end = self._release(job) if task.cancelled() and self._closing else self._end_of(job, task)
        job = self._records.change(job_id, **end)
        self._events.publish(job)
        metrics.JOBS.labels(job.kind, job.status).inc()
        log = logger.bind(job_id=job_id, kind=job.kind.value, status=job.status.value)
        log = log.bind(error=job.error) if job.error else log
        log.info("job waits again" if job.status is JobStatus.QUEUED else "job ended")

    def _end_of(self, job: Job, task: asyncio.Task[dict[str, Any]]) -> dict[str, Any]:
        if task.cancelled():
            return self._final(JobStatus.CANCELLED)
        error = task.exception()
        if error is None:
            progress = job.progress and job.progress.model_copy(update={"share": 1.0})
            return self._final(JobStatus.SUCCEEDED, result=task.result(), progress=progress)
        if not isinstance(error, AppError):
            logger.bind(job_id=job.job_id).opt(exception=error).error("job failed unexpectedly")
            return self._final(JobStatus.FAILED, error=f"the job failed unexpectedly ({type(error).__name__})")
        if error.transient and job.attempts <= self._settings.max_retries:
            pause = timedelta(seconds=self._settings.retry_seconds * 2 ** (job.attempts - 1))
            return self._waiting(_text(error)) | {"next_attempt_at": self._clock.now() + pause}
        return self._final(JobStatus.FAILED, error=_text(error))

    def _release(self, job: Job) -> dict[str, Any]:
        """Return how a job is left when the process ends."""
        if job.status is JobStatus.QUEUED or job.kind.traits.resumable:
            return self._waiting(INTERRUPTED)
        return self._final(JobStatus.INTERRUPTED, error=INTERRUPTED)

    def _waiting(self, error: str) -> dict[str, Any]:
        return {"status": JobStatus.QUEUED, "worker": None, "lease_until": None, "error": error}

    def _final(self, status: JobStatus, **values: Any) -> dict[str, Any]:
        return {"status": status, "finished_at": self._clock.now(), "lease_until": None, **values}


def _text(error: AppError) -> str:
    """Return what an error says, as JSON can have it: names of files may be no UTF-8."""
    return error.message.encode(errors="replace").decode()
