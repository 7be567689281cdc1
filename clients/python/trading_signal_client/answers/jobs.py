"""Answers about jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from trading_signal_client.answers.answer import Answer

JobStatus = Literal["queued", "running", "succeeded", "failed", "cancelled", "interrupted"]


class Progress(Answer):
    stage: str
    share: float
    seconds_left: float | None


class Job(Answer):
    """A job; `result` is there once it has succeeded, `error` once it has failed."""

    job_id: str
    kind: str
    status: JobStatus
    created_at: datetime
    finished_at: datetime | None
    next_attempt_at: datetime | None
    attempts: int
    worker: str | None
    progress: Progress | None
    result: dict[str, Any] | None
    error: str | None


class JobQueued(Answer):
    """A job that was queued, or the one that had the name already."""

    job_id: str
    kind: str
    status: JobStatus


class ScheduledRow(Answer):
    """A row of the schedule; times are UTC."""

    name: str
    kind: str
    cron: str
    parameters: dict[str, Any]
    next_at: datetime | None
    last_at: datetime | None
    last_job_id: str | None
    last_status: JobStatus | None


class Schedule(Answer):
    enabled: bool
    jobs: list[ScheduledRow]


class Jobs(Answer):
    """Jobs, newest first; `complete` is false while the store is down."""

    jobs: list[Job]
    complete: bool
