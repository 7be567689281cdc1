"""The schedule as operators see it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field

from api.schemas.responses import ResponseModel
from domain.job_kinds import JobKind
from domain.jobs import JobStatus
from services.schedule.scheduler import ScheduleRow


class ScheduledRow(ResponseModel):
    """A row of the schedule; times are UTC."""

    name: str
    kind: JobKind
    cron: Annotated[str, Field(description="minute hour day month weekday, in UTC.")]
    parameters: dict[str, Any]
    next_at: Annotated[datetime | None, Field(description="null while the schedule is switched off.")]
    last_at: Annotated[
        datetime | None,
        Field(description="The newest time for which a job was queued, or from which on the row is known."),
    ]
    last_job_id: str | None
    last_status: JobStatus | None

    @classmethod
    def of(cls, row: ScheduleRow) -> Self:
        """Return the answer for a row."""
        return cls(
            name=row.name,
            kind=row.job.kind,
            cron=row.job.cron,
            parameters=row.job.parameters,
            next_at=row.next_at,
            last_at=row.last_at,
            last_job_id=row.last_job and row.last_job.job_id,
            last_status=row.last_job and row.last_job.status,
        )


class Schedule(ResponseModel):
    """What is due when."""

    enabled: bool
    jobs: list[ScheduledRow]
