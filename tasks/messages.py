"""Messages between a job's process and the service: one JSON text per line."""

from __future__ import annotations

from typing import Any

from domain.job_kinds import JobKind
from domain.jobs import JobProgress
from domain.values import Frozen


class JobRequest(Frozen):
    """The one line that the process reads; its input then stays open as long as the service lives."""

    kind: JobKind
    parameters: dict[str, Any]


class Message(Frozen):
    """A line that the process writes: exactly one of the three is set, and the last two end the job.

    Attributes:
        transient: What failed may succeed a minute later.
    """

    progress: JobProgress | None = None
    result: dict[str, Any] | None = None
    error: str | None = None
    transient: bool = False
