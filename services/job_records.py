"""What is known of jobs: those of this process in memory, and all of them in the document store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple

from loguru import logger
from pydantic import ValidationError

from domain.errors import NotFound, StorageUnavailable
from domain.jobs import Job, JobStatus
from storage.document_ports import JOBS, Document, DocumentStore
from utils.clock import Clock

# Between two rounds of saving: progress comes several times a second and need not all be kept.
SAVE_SECONDS = 1.0
MAX_INTERRUPTED = 1_000
INTERRUPTED = "interrupted by a restart of the service"


class JobList(NamedTuple):
    """Jobs, newest first; not complete while the store is down, when only what is not stored yet is known."""

    jobs: list[Job]
    complete: bool


class JobRecords:
    """Remembers each job until its final state is stored, and saves behind the callers' backs.

    A store that is down delays nobody and loses nothing while the process lives: what is not saved is tried again.
    """

    def __init__(
        self,
        documents: DocumentStore,
        clock: Clock,
        *,
        keep_days: int,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Keep where jobs are stored and for how long; `sleep` waits so many seconds."""
        self._documents = documents
        self._clock = clock
        self._keep = timedelta(days=keep_days)
        self._sleep = sleep
        self._jobs: dict[str, Job] = {}
        self._unsaved: dict[str, None] = {}  # in the order of their changes
        self._changed = asyncio.Event()
        self._looked_back = False
        self._failing = False
        self._unreadable = False
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Start to save, and first to mark what an earlier process has left unfinished."""
        self._changed.set()
        self._task = asyncio.create_task(self._run(), name="job records")

    async def close(self) -> None:
        """Save once more; states that are lost are logged."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            await self._save_all()
        if self._unsaved:
            logger.bind(jobs=len(self._unsaved)).error("states of jobs are lost with the shutdown")

    def save(self, job: Job) -> None:
        """Take a job or its new state; it is known at once and stored soon."""
        self._jobs[job.job_id] = job
        self._unsaved[job.job_id] = None
        self._changed.set()

    def change(self, job_id: str, **values: Any) -> Job:
        """Save an unfinished job of this process with other values, and return it."""
        job = self._jobs[job_id].model_copy(update=values)
        self.save(job)
        return job

    async def get(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            NotFound: there is none of this id.
            StorageUnavailable: it is none of this process, and the store is down.
        """
        if job_id in self._jobs:
            return self._jobs[job_id]
        document = await self._documents.get(JOBS, job_id)
        found = self._readable([document] if document else [])
        if not found:
            raise NotFound(f"there is no job {job_id}")
        return found[0]

    async def newest(self, limit: int) -> JobList:
        """Return at most `limit` newest jobs."""
        try:
            stored, complete = self._readable(await self._documents.newest(JOBS, limit)), True
        except StorageUnavailable:
            stored, complete = [], False
        jobs = {job.job_id: job for job in stored} | self._jobs
        return JobList(sorted(jobs.values(), key=lambda job: job.created_at, reverse=True)[:limit], complete)

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._save_all()
            except Exception:  # noqa: BLE001 - a fault of ours, and without this loop nothing would be saved any more
                logger.exception("saving jobs failed unexpectedly")
            if self._unsaved or not self._looked_back:
                self._changed.set()
            await self._sleep(SAVE_SECONDS)

    async def _save_all(self) -> None:
        """Save what has changed, each job by itself; what fails stays unsaved."""
        failure: StorageUnavailable | None = None
        ended = not self._looked_back
        try:
            await self._look_back()
        except StorageUnavailable as error:
            failure = error
        for job_id in list(self._unsaved):
            job = self._jobs[job_id]
            del self._unsaved[job_id]  # before: what changes during the call is to be saved again
            try:
                await self._documents.put(JOBS, job_id, job.model_dump())
            except StorageUnavailable as error:
                self._unsaved.setdefault(job_id)
                failure = error
                continue
            except asyncio.CancelledError:
                self._unsaved.setdefault(job_id)
                raise
            if job.finished:
                del self._jobs[job_id]
                ended = True
        if ended and failure is None:
            await self._forget_old()
        self._tell(failure)

    async def _look_back(self) -> None:
        """Mark, once, the jobs that were waiting or running when an earlier process ended."""
        if self._looked_back:
            return
        for status in (JobStatus.QUEUED, JobStatus.RUNNING):
            for job in self._readable(await self._documents.newest(JOBS, MAX_INTERRUPTED, {"status": status.value})):
                if job.job_id not in self._jobs:
                    ended = {"status": JobStatus.FAILED, "error": INTERRUPTED, "finished_at": self._clock.now()}
                    self.save(job.model_copy(update=ended))
        self._looked_back = True

    async def _forget_old(self) -> None:
        with suppress(StorageUnavailable):  # the next job that ends brings another chance
            await self._documents.remove(JOBS, self._clock.now() - self._keep)

    def _readable(self, documents: Iterable[Document]) -> list[Job]:
        """Return the jobs; what another version of the service kept otherwise is left out, and logged once."""
        jobs = []
        for document in documents:
            try:
                jobs.append(Job.model_validate(document))
            except ValidationError:
                if not self._unreadable:
                    logger.warning("a stored job does not fit this version of the service and is not shown")
                self._unreadable = True
        return jobs

    def _tell(self, failure: StorageUnavailable | None) -> None:
        """Log when saving starts to fail and when it works again."""
        if failure is not None and not self._failing:
            log = logger.bind(reason=failure.message, jobs=len(self._unsaved))
            log.warning("jobs cannot be saved now; they go on, and it is tried again")
        if failure is None and self._failing:
            logger.info("jobs are saved again")
        self._failing = failure is not None
