"""Jobs for those who ask for them: submit, read, cancel, retry."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from domain.errors import Conflict, JobQueueFull
from domain.job_kinds import RUNNABLE_KINDS, JobKind
from domain.jobs import Job, JobStatus, Scalar
from services.health.degraded import Degraded
from services.jobs.events import JobEvents
from services.jobs.launching import Launcher
from services.jobs.records import JobList, JobRecords
from services.jobs.worker import JobWorker
from utils.clock import Clock

# How long a request waits for another process to end a job.
CANCEL_SECONDS = 10.0
CANCEL_LOOK_SECONDS = 0.2


class JobService:
    """Takes jobs, whoever runs them."""

    def __init__(
        self, records: JobRecords, launcher: Launcher, worker: JobWorker, events: JobEvents, clock: Clock
    ) -> None:
        """Keep the parts; `worker` is that of this process."""
        self._records = records
        self._launcher = launcher
        self._worker = worker
        self._events = events
        self._clock = clock

    async def submit(self, kind: JobKind, parameters: Mapping[str, Any], key: str | None = None) -> Job:
        """Queue a job and return it once a crash would not lose it; it starts as soon as a place is free.

        Args:
            kind: Kind of work.
            parameters: JSON-like; its scalar values and lists of words are shown with the job.
            key: Names the work: if a job of this kind and key is known, it is returned as it is instead.

        Raises:
            JobQueueFull: as many jobs as allowed wait already.
            StorageUnavailable: neither the store nor the spool takes its record, or, with a key, the store is down.
        """
        async with self._launcher.room(kind):
            job = self._launcher.born(
                Job(
                    job_id=uuid.uuid4().hex if key is None else self.id_of(kind, key),
                    kind=kind,
                    status=JobStatus.QUEUED,
                    parameters=_shown(parameters),
                    created_at=self._clock.now(),
                    key=key,
                    fence=1,
                )
            )
            if key is None:
                await self._records.keep(job, parameters)
            elif not await self._records.keep_once(job, parameters):
                return await self.get(job.job_id)
            await self._launcher.launch(job, parameters)
        return job

    @staticmethod
    def id_of(kind: JobKind, key: str) -> str:
        """Return the id of the job of this kind and key."""
        return hashlib.sha256(f"{kind.value}\n{key}".encode()).hexdigest()[:32]

    async def get(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            NotFound: no job has this id.
            StorageUnavailable: the job is not of this process, and the store is down.
        """
        return await self._records.get(job_id)

    async def newest(self, limit: int, *, status: JobStatus | None = None, kind: JobKind | None = None) -> JobList:
        """Return at most `limit` newest jobs, of one status or kind if named."""
        wanted = {"status": status and status.value, "kind": kind and kind.value}
        return await self._records.newest(limit, {name: value for name, value in wanted.items() if value is not None})

    async def cancel(self, job_id: str) -> Job:
        """Cancel a job that waits or runs, and return it when its process has ended.

        A job that another process runs is returned after ten seconds at the latest, even if it has not ended yet.

        Raises:
            NotFound: no job has this id.
            Conflict: it has ended already.
            StorageUnavailable: the job is not of this process, and the store is down.
        """
        if await self._worker.cancel(job_id):
            return await self.get(job_id)
        job = await self.get(job_id)
        if job.finished:
            raise Conflict(f"job {job_id} has ended already: {job.status.value}")
        await self._records.ask_to_cancel(job_id)
        ended = job.passed_on(status=JobStatus.CANCELLED, finished_at=self._clock.now())
        if job.status is JobStatus.QUEUED and job.worker is None and await self._records.write(ended, job):
            self._events.publish(ended)
            return ended
        return await self._cancelled_elsewhere(job_id)

    async def retry(self, job_id: str) -> Job:
        """Queue a job again that failed, was cancelled or interrupted.

        Raises:
            NotFound: no job has this id.
            Conflict: it has succeeded, waits or runs, its parameters are no longer kept, or no such jobs run here.
            JobQueueFull: as many jobs as allowed wait already.
            StorageUnavailable: the store is down.
        """
        await self._records.save()
        job = await self.get(job_id)
        if job.kind not in RUNNABLE_KINDS:
            raise Conflict(f"job {job_id} cannot be retried: this version of the service has no jobs of its kind")
        if not _may_be_retried(job):
            raise Conflict(f"job {job_id} cannot be retried: {job.status.value}")
        parameters = await self._records.parameters(job_id)
        if parameters is None:
            raise Conflict(f"job {job_id} cannot be retried: its parameters are no longer kept")
        async with self._launcher.room(job.kind):
            await self._records.forget_cancellation(job_id)
            fresh = {"status": JobStatus.QUEUED, "attempts": 0, "takeovers": 0, "finished_at": None, "error": None}
            again = self._launcher.born(job.passed_on(worker=None, **fresh))
            if not await self._records.write(again, job):
                raise Conflict(f"job {job_id} was changed meanwhile; look at it again")
            await self._launcher.launch(again, parameters)
        return await self.get(job_id)

    async def take_up(self, job_id: str) -> bool:
        """Run a stored job here if it waits and may start now; return whether it was there to be taken.

        Raises:
            NotFound: no job has this id.
            JobQueueFull: it waits, and no place for its kind is free here.
            StorageUnavailable: the store does not answer.
        """
        job = await self.get(job_id)
        if job.status is not JobStatus.QUEUED or not self._worker.may_take(job):
            return False
        if self._worker.free_places(job.kind) <= 0:
            raise JobQueueFull(f"every place of this worker for jobs of the kind {job.kind.value} is taken")
        return await self._worker.take_up(job)

    async def ended(self, job_id: str) -> None:
        """Return when this process does not run the job any more."""
        await self._worker.ended(job_id)

    def degraded(self) -> Iterable[Degraded]:
        """Return what keeps jobs from their workers, without waiting."""
        return self._launcher.degraded()

    async def _cancelled_elsewhere(self, job_id: str) -> Job:
        for _ in range(int(CANCEL_SECONDS / CANCEL_LOOK_SECONDS)):
            job = await self.get(job_id)
            if job.finished:
                break
            await asyncio.sleep(CANCEL_LOOK_SECONDS)
        return job


def _may_be_retried(job: Job) -> bool:
    return job.status in {JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.INTERRUPTED}


def _shown(parameters: Mapping[str, Any]) -> dict[str, Scalar]:
    """Return the plain values, and lists of words, such as symbols, as one text."""
    words = {
        name: ", ".join(value)
        for name, value in parameters.items()
        if isinstance(value, list) and value and all(isinstance(word, str) for word in value)
    }
    return {name: value for name, value in ({**parameters, **words}).items() if isinstance(value, Scalar)}
