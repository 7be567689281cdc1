"""Records of jobs: those of this process in memory, all of them in the document store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from loguru import logger
from pydantic import ValidationError

from domain.errors import NotFound, StorageUnavailable
from domain.jobs import Job, JobStatus
from storage.document_ports import JOBS, Document, DocumentStore, LastingDocuments
from utils.clock import Clock

MAX_INTERRUPTED = 1_000
# Finished jobs that are remembered without the store.
MAX_REMEMBERED = 100
INTERRUPTED = "interrupted by a restart of the service"


class JobList(NamedTuple):
    """Jobs, newest first; incomplete while the store is down, when only those of this process are known."""

    jobs: list[Job]
    complete: bool


class JobRecords:
    """Remembers the jobs of this process and stores every job in the background.

    A store that is down delays no caller and loses no record.
    """

    def __init__(self, documents: LastingDocuments, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._unreadable = False

    def open(self) -> None:
        """Mark unfinished jobs of an earlier process as interrupted before a new record is stored."""
        self._documents.first(self._look_back)

    async def keep(self, job: Job) -> None:
        """Remember a new job, and return when its record would survive a crash.

        Raises:
            StorageUnavailable: it would not; the job is forgotten.
        """
        self._jobs[job.job_id] = job
        try:
            await self._documents.put(JOBS, job.job_id, job.model_dump())
        except BaseException:
            del self._jobs[job.job_id]
            raise

    def save(self, job: Job) -> None:
        """Remember a job's new state at once and store it soon."""
        self._jobs[job.job_id] = job
        self._documents.put_later(JOBS, job.job_id, job.model_dump())
        ended = [known.job_id for known in self._jobs.values() if known.finished]
        for job_id in ended[:-MAX_REMEMBERED]:
            del self._jobs[job_id]

    def change(self, job_id: str, **values: Any) -> Job:
        """Save an unfinished job of this process with other values, and return it."""
        job = self.note(job_id, **values)
        self.save(job)
        return job

    def note(self, job_id: str, **values: Any) -> Job:
        """Remember other values of an unfinished job, which are stored with its next change, and return it."""
        job = self._jobs[job_id] = self._jobs[job_id].model_copy(update=values)
        return job

    async def get(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            NotFound: there is none of this id.
            StorageUnavailable: the job is not of this process, and the store is down.
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

    async def _look_back(self, store: DocumentStore) -> None:
        """Mark jobs that waited or ran when an earlier process ended."""
        for status in (JobStatus.QUEUED, JobStatus.RUNNING):
            for job in self._readable(await store.newest(JOBS, MAX_INTERRUPTED, {"status": status.value})):
                if job.job_id not in self._jobs:
                    ended = {"status": JobStatus.INTERRUPTED, "error": INTERRUPTED, "finished_at": self._clock.now()}
                    self.save(job.model_copy(update=ended))

    def _readable(self, documents: Iterable[Document]) -> list[Job]:
        """Return the jobs; records that do not fit this version are left out and logged once."""
        jobs = []
        for document in documents:
            try:
                jobs.append(Job.model_validate(document))
            except ValidationError:
                if not self._unreadable:
                    logger.warning("a stored job does not fit this version of the service and is not shown")
                self._unreadable = True
        return jobs
