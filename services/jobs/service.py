"""Jobs: queue them, run them, publish their progress, cancel them on request."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from loguru import logger

from config.settings import JobSettings
from domain.errors import Conflict, JobFailed, JobQueueFull
from domain.jobs import Job, JobKind, JobProgress, JobStatus, Scalar
from services.broadcast.hub import SignalHub
from services.broadcast.job_events import render_job_progress, render_training_completed
from services.jobs.records import INTERRUPTED, JobList, JobRecords
from services.jobs.runner import JobRunner
from utils import metrics
from utils.clock import Clock

# Progress of one job is published and stored at most this often; a change of status at once.
EVENT_SECONDS = 1.0


class JobService:
    """Runs jobs in the order of their submission, at most `max_running` at a time.

    Everything here runs on the event loop; the runner does the work.
    """

    def __init__(
        self,
        runner: JobRunner,
        records: JobRecords,
        hub: SignalHub,
        settings: JobSettings,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runner = runner
        self._records = records
        self._hub = hub
        self._max_unfinished = settings.max_running + settings.max_queued
        self._max_queued = settings.max_queued
        self._places = asyncio.Semaphore(settings.max_running)
        self._clock = clock
        self._monotonic = monotonic
        self._tasks: dict[str, asyncio.Task[dict[str, Any]]] = {}
        self._published: dict[str, float] = {}
        self._accepting = 0
        self._closing = False

    async def submit(self, kind: JobKind, parameters: Mapping[str, Any]) -> Job:
        """Queue a job and return it once a crash would not lose it; it starts as soon as a place is free.

        Args:
            kind: Kind of work.
            parameters: JSON-like; its scalar values are shown with the job.

        Raises:
            JobQueueFull: `max_queued` jobs wait already.
            StorageUnavailable: neither the store nor the spool takes its record.
        """
        if len(self._tasks) + self._accepting >= self._max_unfinished:
            raise JobQueueFull(f"{self._max_queued} jobs are waiting already; try again when one has finished")
        job = Job(
            job_id=uuid.uuid4().hex,
            kind=kind,
            status=JobStatus.QUEUED,
            parameters={name: value for name, value in parameters.items() if isinstance(value, Scalar)},
            created_at=self._clock.now(),
        )
        self._accepting += 1
        try:
            await self._records.keep(job)
        finally:
            self._accepting -= 1
        task = asyncio.create_task(self._carry_out(job, parameters), name=f"job {job.job_id}")
        self._tasks[job.job_id] = task
        task.add_done_callback(partial(self._ended, job.job_id))
        self._publish(job)
        return job

    async def get(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            NotFound: no job has this id.
            StorageUnavailable: the job is not of this process, and the store is down.
        """
        return await self._records.get(job_id)

    async def newest(self, limit: int) -> JobList:
        """Return at most `limit` newest jobs."""
        return await self._records.newest(limit)

    async def cancel(self, job_id: str) -> Job:
        """Cancel a job that waits or runs, and return it when its process has ended.

        Raises:
            NotFound: no job has this id.
            Conflict: it has ended already.
            StorageUnavailable: the job is not of this process, and the store is down.
        """
        task = self._tasks.get(job_id)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        job = await self.get(job_id)
        if task is None:
            raise Conflict(f"job {job_id} has ended already: {job.status.value}")
        return job

    async def close(self) -> None:
        """End every job; unfinished ones are marked as interrupted."""
        self._closing = True
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _carry_out(self, job: Job, parameters: Mapping[str, Any]) -> dict[str, Any]:
        async with self._places:
            self._publish(self._records.change(job.job_id, status=JobStatus.RUNNING, started_at=self._clock.now()))
            return await self._runner.run(job.kind, parameters, partial(self._progressed, job.job_id))

    def _progressed(self, job_id: str, progress: JobProgress) -> None:
        job = self._records.note(job_id, progress=progress)
        if self._monotonic() - self._published[job_id] >= EVENT_SECONDS:
            self._records.save(job)
            self._publish(job)

    def _ended(self, job_id: str, task: asyncio.Task[dict[str, Any]]) -> None:
        del self._tasks[job_id]
        end: dict[str, Any]
        if task.cancelled() and self._closing:
            end = {"status": JobStatus.INTERRUPTED, "error": INTERRUPTED}
        elif task.cancelled():
            end = {"status": JobStatus.CANCELLED}
        elif (error := task.exception()) is None:
            end = {"status": JobStatus.SUCCEEDED, "result": task.result()}
        elif isinstance(error, JobFailed):
            end = {"status": JobStatus.FAILED, "error": error.message}
        else:
            logger.bind(job_id=job_id).opt(exception=error).error("job failed unexpectedly")
            end = {"status": JobStatus.FAILED, "error": f"the job failed unexpectedly ({type(error).__name__})"}
        job = self._records.change(job_id, finished_at=self._clock.now(), **end)
        self._publish(job)
        del self._published[job_id]
        metrics.JOBS.labels(job.kind, job.status).inc()
        logger.bind(job_id=job_id, kind=job.kind.value, status=job.status.value, error=job.error).info("job ended")
        if job.kind is JobKind.TRAIN and job.status is JobStatus.SUCCEEDED:
            self._hub.publish(None, lambda: render_training_completed(job, self._clock.now()))

    def _publish(self, job: Job) -> None:
        self._published[job.job_id] = self._monotonic()
        self._hub.publish(None, lambda: render_job_progress(job, self._clock.now()))
