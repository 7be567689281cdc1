"""Gets jobs to workers by messages; the record in the store stays the truth about each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

from loguru import logger

from config.job_settings import JobSettings
from domain.errors import ConfigurationError, StorageUnavailable, Unstorable
from domain.job_kinds import JobKind
from domain.jobs import Job, JobStatus
from domain.values import EPOCH
from services.health.degraded import Degraded
from services.jobs.events import JobEvents
from services.jobs.opening import MakeLauncher
from services.jobs.records import JobRecords
from storage.document_ports import JOBS, DocumentStore
from tasks.celery_broker import Broker, open_broker
from tasks.celery_queues import QUEUES, make_app
from tasks.waiting_jobs import WaitingJobs
from utils import metrics
from utils.clock import Clock
from utils.concurrency import background

# A message of this age that does not wait in its queue any more was lost, or waits behind a job of a busy worker.
LOST_AFTER = timedelta(seconds=10)
# The process that accepted a job sends it within this, unless that process has ended or the broker was down.
UNSENT_AFTER = timedelta(seconds=3)
COUNT_SECONDS = 15.0


class CeleryLauncher:
    """Sends the id of each job to the queue of its kind.

    A job is accepted when its record is kept; its message is sent after that. One that does not reach its worker does
    no harm: the record says when it was sent, and the recovery of any process sends it again. A second message does
    none either, since a job is taken up once.
    """

    def __init__(
        self, broker: Broker, documents: DocumentStore, clock: Clock, records: JobRecords, events: JobEvents
    ) -> None:
        self._broker = broker
        self._clock = clock
        self._records = records
        self._events = events
        self._waiting = WaitingJobs(documents)
        self._unsent: dict[str, Job] = {}
        self._sending: asyncio.Task[None] | None = None

    def room(self, kind: JobKind) -> AbstractAsyncContextManager[None]:
        """Keep a place in the queue of the kind during the block; raises JobQueueFull as `WaitingJobs.room`."""
        return self._waiting.room(kind.traits.queue)

    def born(self, job: Job) -> Job:
        """Return the job as one that no worker holds or was told of."""
        return job.model_copy(update={"sent_at": None})

    async def launch(self, job: Job, parameters: Mapping[str, Any]) -> None:  # noqa: ARG002 - the worker reads them
        """Send the job in the background; if the broker does not take it, the recovery sends it later."""
        self._events.publish(job)
        self._unsent[job.job_id] = job
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send_all(), name="jobs on their way to the broker")

    async def relaunch(self, job: Job) -> None:
        """Send the job unless a message about it is on its way; of several processes, one does."""
        if await self._must_be_sent(job):
            sent = job.model_copy(update={"sent_at": self._clock.now(), "fence": job.fence + 1})
            if await self._records.write(sent, job) and not await self._broker.send(sent):
                await self._note(sent.model_copy(update={"sent_at": None, "fence": sent.fence + 1}), sent)

    def degraded(self) -> Iterable[Degraded]:
        """Return what keeps jobs from their workers, without waiting."""
        return self._broker.degraded()

    async def close(self) -> None:
        """Return when every job has been sent, or is left to the recovery: a broker that hangs costs seconds, once."""
        if self._sending is not None:
            await asyncio.wait({self._sending})

    async def _send_all(self) -> None:
        """Send what waits, in its order, one after the other: the broker takes one message at a time."""
        while self._unsent:
            job = next(iter(self._unsent.values()))
            try:
                # With the same fencing number, since its worker may take it at this moment.
                if await self._broker.send(job):
                    await self._note(job.model_copy(update={"sent_at": self._clock.now()}), job)
            finally:
                self._unsent.pop(job.job_id)

    async def _note(self, job: Job, seen: Job) -> None:
        """Store whether a job was sent, unless the record has changed; what is not stored costs a second message."""
        try:
            await self._records.write(job, seen)
        except (StorageUnavailable, Unstorable) as failure:
            log = logger.bind(job_id=job.job_id, reason=failure.message)
            log.debug("whether a job was sent could not be stored")

    async def _must_be_sent(self, job: Job) -> bool:
        if not self._broker.works or job.job_id in self._unsent:
            return False
        # Absolute, since the clock may have been set back.
        age = abs(self._clock.now() - (job.sent_at or job.created_at))
        if job.sent_at is None:
            return age >= UNSENT_AFTER
        queue = job.kind.traits.queue
        if age >= timedelta(seconds=QUEUES[queue].message_seconds):
            return True
        return age >= LOST_AFTER and await self._broker.is_empty(queue)


@asynccontextmanager
async def open_celery(settings: JobSettings, documents: DocumentStore, clock: Clock) -> AsyncIterator[MakeLauncher]:
    """Give what makes the launcher, and keep the metrics of broker and jobs.

    Raises:
        ConfigurationError: no broker is configured.
    """
    if settings.rabbitmq_url is None:
        raise ConfigurationError("celery needs RABBITMQ_URL")
    async with (
        open_broker(make_app(settings.rabbitmq_url)) as broker,
        background(_count_jobs(documents), "count of jobs"),
    ):
        yield partial(CeleryLauncher, broker, documents, clock)


async def _count_jobs(documents: DocumentStore) -> None:
    """Count the jobs in the store until canceled."""
    while True:
        try:
            totals = await documents.totals(JOBS, EPOCH, by=("status",))
        except StorageUnavailable:  # the store says so in the log and in /health
            pass
        else:
            counts = {JobStatus(str(total.group[0])): total.count for total in totals}
            metrics.CELERY_TASKS.set(sum(count for status, count in counts.items() if status.final))
            metrics.CELERY_TASKS_FAILED.set(counts.get(JobStatus.FAILED, 0))
        await asyncio.sleep(COUNT_SECONDS)
