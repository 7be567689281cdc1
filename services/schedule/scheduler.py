"""Queues the jobs of the schedule, each time once, however many replicas look at it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from croniter import croniter
from loguru import logger

from config.schedule_settings import ScheduledJob, ScheduleSettings
from domain.errors import AppError, NotFound, StorageUnavailable
from domain.jobs import Job
from services.jobs.service import JobService
from storage.document_ports import SCHEDULE, DocumentStore
from utils.clock import Clock


@dataclass(frozen=True)
class ScheduleRow:
    """A row of the schedule.

    Attributes:
        last_at: The newest time for which a job was queued, or from which on the row is known.
        next_at: When it is due next; None while the schedule is switched off.
        last_job: The newest job of the row that is known; None before the first.
    """

    name: str
    job: ScheduledJob
    last_at: datetime | None
    next_at: datetime | None
    last_job: Job | None


class Scheduler:
    """Looks every few seconds which rows are due.

    A time of a row names its job: the record of the job is inserted under that name first, so that one replica
    queues it. A row begins when it is first seen. Of the times that passed while nothing ran, the newest is made up
    for, once. When the clock steps back, no time comes twice.
    """

    def __init__(
        self,
        jobs: JobService,
        documents: DocumentStore,
        settings: ScheduleSettings,
        clock: Clock,
    ) -> None:
        self._jobs = jobs
        self._documents = documents
        self._settings = settings
        self._clock = clock
        # The newest time of each row that is dealt with: the store is asked only when the next has come.
        self._dealt_with: dict[str, datetime] = {}

    async def run(self) -> None:
        """Queue what is due until canceled."""
        while self._settings.enabled:
            for name, row in self._settings.jobs.items():
                await self._try(name, row)
            await asyncio.sleep(self._settings.look_seconds)

    async def queue_due(self, name: str, row: ScheduledJob) -> Job | None:
        """Queue the job of a row if it is due, and return it.

        Raises:
            JobQueueFull: no more jobs may wait; the row stays due.
            StorageUnavailable: the store does not answer; the row stays due.
        """
        slot = last_slot(row.cron, self._clock.now())
        if name in self._dealt_with and slot <= self._dealt_with[name]:
            return None
        job = await self._queue_once(name, row, slot)
        self._dealt_with[name] = slot
        return job

    async def _queue_once(self, name: str, row: ScheduledJob, slot: datetime) -> Job | None:
        """Queue the job of a time that no replica has dealt with."""
        known = await self._documents.get(SCHEDULE, name)
        # After a change of its times a row begins again, like one that was never seen.
        if known is None or known["cron"] != row.cron:
            await self._documents.put(SCHEDULE, name, self._seen(row, slot))
            return None
        if slot <= known["last_at"]:
            return None
        job = await self._jobs.submit(row.kind, row.parameters, key=_key(name, slot))
        await self._documents.put(SCHEDULE, name, self._seen(row, slot))
        logger.bind(row=name, kind=row.kind.value, job_id=job.job_id, due=slot.isoformat()).info("scheduled job queued")
        return job

    async def rows(self) -> list[ScheduleRow]:
        """Return every row, in the order of the settings.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        return [await self._row(name, job) for name, job in self._settings.jobs.items()]

    async def _row(self, name: str, job: ScheduledJob) -> ScheduleRow:
        known = await self._documents.get(SCHEDULE, name)
        last_at = known["last_at"] if known else None
        next_at = next_slot(job.cron, self._clock.now()) if self._settings.enabled else None
        last_job = None
        if last_at is not None:
            try:
                last_job = await self._jobs.get(self._jobs.id_of(job.kind, _key(name, last_at)))
            except NotFound:  # none was queued yet, or it is no longer kept
                last_job = None
        return ScheduleRow(name, job, last_at, next_at, last_job)

    async def _try(self, name: str, row: ScheduledJob) -> None:
        try:
            await self.queue_due(name, row)
        except StorageUnavailable:  # the store says so in the log and in /health
            return
        except AppError as failure:
            logger.bind(row=name, reason=failure.message).warning("a scheduled job could not be queued")
        except Exception:  # noqa: BLE001 - a defect of one row must not end the schedule
            logger.bind(row=name).exception("a scheduled job could not be queued")

    def _seen(self, row: ScheduledJob, slot: datetime) -> dict[str, object]:
        return {"created_at": self._clock.now(), "cron": row.cron, "last_at": slot}


def _key(name: str, slot: datetime) -> str:
    return f"{name} at {slot.isoformat()}"


def last_slot(cron: str, now: datetime) -> datetime:
    """Return the newest time of a cron expression that is not after now, in UTC."""
    found: datetime = croniter(cron, now.astimezone(UTC) + timedelta(microseconds=1)).get_prev(datetime)
    return found


def next_slot(cron: str, now: datetime) -> datetime:
    """Return the next time of a cron expression after now, in UTC."""
    found: datetime = croniter(cron, now.astimezone(UTC)).get_next(datetime)
    return found
