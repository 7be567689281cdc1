"""Jobs that no worker holds any more, or not yet: they are started again, or said to be interrupted."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from loguru import logger

from config.job_settings import JobSettings
from domain.errors import Unstorable
from domain.jobs import Job, JobStatus
from services.jobs.events import JobEvents
from services.jobs.launching import Launcher
from services.jobs.records import JobRecords
from utils.clock import Clock
from utils.concurrency import Pause, look_again

# After the death of two workers the job itself is likely to be the cause.
MAX_TAKEOVERS = 1


class JobRecovery:
    """Looks every few seconds for jobs that should run and that no living worker holds."""

    def __init__(
        self, records: JobRecords, launcher: Launcher, events: JobEvents, settings: JobSettings, clock: Clock
    ) -> None:
        self._records = records
        self._launcher = launcher
        self._events = events
        self._lease = timedelta(seconds=settings.lease_seconds)
        self._look_seconds = settings.look_seconds
        self._pause = Pause()
        self._left = False
        self._clock = clock

    async def run(self) -> None:
        """Look until canceled."""
        await look_again(self.look, partial(self._pause.wait, self._look_seconds), "looking for waiting jobs")

    def look_soon(self) -> None:
        """Look at once where the last look left jobs for which no place was free."""
        if self._left:
            self._pause.end()

    async def look(self) -> None:
        """Launch what waits, and settle what was left behind.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        left = False
        for job in await self._records.unfinished():
            if not self._records.holds(job.job_id) and job.is_free(self._clock.now(), self._lease):
                try:
                    await self._go_on_with(job)
                except Unstorable as refusal:  # the others do not wait for it
                    logger.bind(job_id=job.job_id, reason=refusal.message).error("the state of a job was refused")
                left = left or not self._records.holds(job.job_id)
        self._left = left

    async def _go_on_with(self, job: Job) -> None:
        if await self._records.asked_to_cancel(job.job_id):
            await self._end(job, JobStatus.CANCELLED)
            return
        if job.status is JobStatus.RUNNING:
            if not job.kind.traits.resumable:
                await self._end(job, JobStatus.INTERRUPTED, error="its worker ended during the job; retry it")
                return
            if job.takeovers >= MAX_TAKEOVERS:
                twice = "its worker ended during the job, and so did the next one; retry it"
                await self._end(job, JobStatus.INTERRUPTED, error=twice)
                return
            freed = job.passed_on(
                status=JobStatus.QUEUED,
                worker=None,
                takeovers=job.takeovers + 1,
                error=f"its worker {job.worker} ended during the job",
            )
            if not await self._records.write(freed, job):
                return
            logger.bind(job_id=job.job_id, kind=job.kind.value, worker=job.worker).warning(
                "a job whose worker ended is started again"
            )
            job = freed
        if job.is_due(self._clock.now()):
            await self._launcher.relaunch(job)

    async def _end(self, job: Job, status: JobStatus, **values: Any) -> None:
        ended = job.passed_on(status=status, finished_at=self._clock.now(), **values)
        if await self._records.write(ended, job):
            self._events.publish(ended)
