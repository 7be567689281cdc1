"""What runs the work of a job, and the choice between them by kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from domain.errors import JobFailed
from domain.job_kinds import JobKind
from domain.jobs import JobProgress

Report = Callable[[JobProgress], None]
# Work that needs the parts of the service, done on its event loop: JSON-like parameters in, JSON-like result out.
ServiceWork = Callable[[Mapping[str, Any], Report], Awaitable[dict[str, Any]]]


class JobRunner(Protocol):
    """Does the work of jobs."""

    async def run(self, kind: JobKind, parameters: Mapping[str, Any], report: Report) -> dict[str, Any]:
        """Return what the job's function returns for these parameters; canceling the call ends the work.

        Args:
            kind: Selects the function.
            parameters: JSON-like.
            report: Called on the event loop with the progress of the job.

        Raises:
            JobFailed: the function failed, took too long, or its process died.
        """


class KindRunner:
    """Runs heavy kinds in processes of their own, and the others with the parts of the service."""

    def __init__(self, processes: JobRunner, works: Mapping[JobKind, ServiceWork]) -> None:
        """Keep the runner of processes, and the work of every kind that needs none."""
        self._processes = processes
        self._works = works

    async def run(self, kind: JobKind, parameters: Mapping[str, Any], report: Report) -> dict[str, Any]:
        """Return the result of the work.

        Raises:
            AppError: the work failed, and the message says why.
        """
        if kind.traits.own_process:
            return await self._processes.run(kind, parameters, report)
        work = self._works.get(kind)
        if work is None:
            raise JobFailed(f"this process has no part that does {kind.value}")
        return await work(parameters, report)
