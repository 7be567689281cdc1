"""Records of jobs: those that this process holds in memory, all of them in the document store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from loguru import logger

from domain.errors import NotFound, StorageUnavailable, Unstorable
from domain.jobs import Job, JobStatus
from services.jobs.decoding import JobDecoder
from storage.document_ports import JOB_CANCELLATIONS, JOB_ORDERS, JOBS, Document, LastingDocuments, Where
from utils.clock import Clock

MAX_UNFINISHED = 1_000
# Finished jobs that are remembered without the store.
MAX_REMEMBERED = 100
# Pause before a state is stored again that the store did not take.
RETRY_SECONDS = 1.0


class JobList(NamedTuple):
    """Jobs, newest first; incomplete while the store is down, when only those of this process are known."""

    jobs: list[Job]
    complete: bool


class JobRecords:
    """Remembers the jobs that this process holds, and stores every state of them in the background.

    A store that is down delays no job: the newest state of each waits for it. A state is stored only while the record
    has the fencing number of its writer, so that a worker that lost a job to another changes nothing any more.
    """

    def __init__(self, documents: LastingDocuments, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        self._held: dict[str, Job] = {}
        self._unsaved: dict[str, Job] = {}
        self._wake = asyncio.Event()
        # One at a time: else one that was held up could write an older state over a newer one.
        self._saving = asyncio.Lock()
        self._lost: Callable[[str], None] = lambda _: None
        self._decoder = JobDecoder()

    def when_lost(self, tell: Callable[[str], None]) -> None:
        """Call this with the id of a held job once another has taken it."""
        self._lost = tell

    async def keep(self, job: Job, parameters: Mapping[str, Any]) -> None:
        """Return when the record and the parameters of a new job would survive a crash.

        Raises:
            StorageUnavailable, Unstorable: they would not.
        """
        parameters_document = self._parameters_document(job, parameters)
        try:
            await self._documents.keep_new(job.job_id, {JOB_ORDERS: parameters_document, JOBS: job.model_dump()})
        except Unstorable:  # of the parameters, such as more candles than a document holds
            self._documents.discard_later(JOBS, job.job_id)
            raise

    async def keep_once(self, job: Job, parameters: Mapping[str, Any]) -> bool:
        """Store a new job and its parameters unless its id is known; return whether it was stored.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        await self._documents.insert(JOB_ORDERS, job.job_id, self._parameters_document(job, parameters))
        return await self._documents.insert(JOBS, job.job_id, job.model_dump())

    async def parameters(self, job_id: str) -> dict[str, Any] | None:
        """Return the parameters with which the job's function is called; None if they are no longer kept.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        document = await self._documents.get(JOB_ORDERS, job_id)
        return None if document is None else dict(document["parameters"])

    def hold(self, job: Job) -> None:
        """Remember a job that this process holds."""
        self._held[job.job_id] = job

    def holds(self, job_id: str) -> bool:
        """Return whether this process knows more of the job than the store."""
        job = self._held.get(job_id)
        return job is not None and (not job.finished or job_id in self._unsaved)

    def peek(self, job_id: str) -> Job:
        """Return a job that this process holds."""
        return self._held[job_id]

    def change(self, job_id: str, **values: Any) -> Job:
        """Remember other values of a held job, store them soon, and return the job."""
        job = self._unsaved[job_id] = self.note(job_id, **values)
        self._wake.set()
        return job

    def note(self, job_id: str, **values: Any) -> Job:
        """Remember other values of a held job, which are stored with its next change, and return it."""
        job = self._held[job_id] = self._held[job_id].model_copy(update=values)
        return job

    async def write(self, job: Job, seen: Job) -> bool:
        """Store a state in place of the one that was seen; return whether the record was still as seen.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        # Records of earlier releases have no fencing number.
        fence: Where = {"fence": seen.fence} if seen.fence else {}
        return await self._replace(job, {"status": seen.status.value, **fence})

    async def ask_to_cancel(self, job_id: str) -> None:
        """Ask whoever holds the job to end it.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        await self._documents.insert(JOB_CANCELLATIONS, job_id, {"created_at": self._clock.now()})

    async def asked_to_cancel(self, job_id: str) -> bool:
        """Return whether someone asked to end the job.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        return await self._documents.get(JOB_CANCELLATIONS, job_id) is not None

    async def forget_cancellation(self, job_id: str) -> None:
        """Let a job run again that was cancelled.

        Raises:
            StorageUnavailable: neither the store nor the spool takes it.
        """
        await self._documents.discard(JOB_CANCELLATIONS, [job_id])

    async def get(self, job_id: str) -> Job:
        """Return a job.

        Raises:
            NotFound: there is none of this id.
            StorageUnavailable: this process does not hold the job, and the store is down.
        """
        if self.holds(job_id):
            return self._held[job_id]
        try:
            document = await self._documents.get(JOBS, job_id)
        except StorageUnavailable:
            if job_id in self._held:
                return self._held[job_id]
            raise
        found = self._decoder.jobs([document] if document else [])
        if not found:
            raise NotFound(f"there is no job {job_id}")
        return found[0]

    async def newest(self, limit: int, where: Where | None = None) -> JobList:
        """Return at most `limit` newest jobs with these values of `status` and `kind`."""
        where = where or {}
        try:
            stored, complete = self._decoder.jobs(await self._documents.newest(JOBS, limit, where)), True
            own = {job_id: job for job_id, job in self._held.items() if self.holds(job_id)}
        except StorageUnavailable:
            stored, complete, own = [], False, self._held
        jobs = {job.job_id: job for job in stored} | own
        fitting = [job for job in jobs.values() if all(getattr(job, name) == value for name, value in where.items())]
        return JobList(sorted(fitting, key=lambda job: job.created_at, reverse=True)[:limit], complete)

    async def unfinished(self) -> list[Job]:
        """Return the stored jobs that wait or run and that this version of the service can run, the oldest first.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        found = []
        for status in (JobStatus.RUNNING, JobStatus.QUEUED):
            found += await self._documents.newest(JOBS, MAX_UNFINISHED, {"status": status.value})
        found.reverse()  # of one moment, the store has the later record before the earlier
        jobs = [job for job in self._decoder.jobs(found) if not job.finished]
        return sorted(jobs, key=lambda job: job.created_at)

    async def run(self) -> None:
        """Store changed states until canceled; while the store is down, they wait."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self.save()
            except StorageUnavailable:  # the store says so in the log and in /health
                self._wake.set()
                await asyncio.sleep(RETRY_SECONDS)

    async def save(self) -> None:
        """Store every changed state.

        Raises:
            StorageUnavailable: the store does not answer; what is not stored waits.
        """
        async with self._saving:
            succeeded = []
            for job in list(self._unsaved.values()):
                # A record that waits in the spool itself cannot be replaced yet.
                if not await self._documents.flush():
                    raise StorageUnavailable("earlier documents are on their way to the store")
                try:
                    kept = await self._replace(job, {"fence": job.fence})
                except Unstorable as refusal:  # the states of other jobs do not wait for it
                    kept = True
                    logger.bind(job_id=job.job_id, reason=refusal.message).error("the state of a job was refused")
                if self._unsaved.get(job.job_id) is job:
                    del self._unsaved[job.job_id]
                if kept and self._held.get(job.job_id, job).status is JobStatus.SUCCEEDED:
                    succeeded.append(job.job_id)
                if not kept:
                    self._unsaved.pop(job.job_id, None)
                    self._held.pop(job.job_id, None)
                    logger.bind(job_id=job.job_id, fence=job.fence).warning("a job was taken by another worker")
                    self._lost(job.job_id)
            for job_id in succeeded:  # they never run again, and the candles of a training are megabytes
                self._documents.discard_later(JOB_ORDERS, job_id)
            self._forget()

    async def _replace(self, job: Job, where: Where) -> bool:
        try:
            return await self._documents.replace(JOBS, job.job_id, job.model_dump(), where)
        except Unstorable as refusal:
            plain = job.without_refused(refusal.message)
            if self._held.get(job.job_id) is job:
                self._held[job.job_id] = plain
            return await self._documents.replace(JOBS, job.job_id, plain.model_dump(), where)

    def _forget(self) -> None:
        """Forget what is stored and not held any more, and the oldest finished jobs."""
        stored = [job for job in self._held.values() if job.job_id not in self._unsaved]
        ended = [job.job_id for job in stored if job.finished]
        free = [job.job_id for job in stored if not job.finished and job.worker is None]
        for job_id in (*free, *ended[:-MAX_REMEMBERED]):
            del self._held[job_id]

    def _parameters_document(self, job: Job, parameters: Mapping[str, Any]) -> Document:
        return {"created_at": job.created_at, "parameters": dict(parameters)}
