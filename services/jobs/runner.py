"""What runs the work of a job, and the choice between them by kind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from domain.errors import JobFailed
from domain.job_kinds import JobKind
from domain.jobs import TellProgress

# Work that needs the parts of the service, done on its event loop: JSON-like parameters in, JSON-like result out.
ServiceWork = Callable[[Mapping[str, Any], TellProgress], Awaitable[dict[str, Any]]]


class JobRunner(Protocol):
    """Does the work of jobs."""

    async def run(self, kind: JobKind, parameters: Mapping[str, Any], report: TellProgress) -> dict[str, Any]:
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

    def __init__(self, processes: JobRunner, timeout_seconds: float) -> None:
        """Keep the runner of processes; work that needs none may take `timeout_seconds`."""
        self._processes = processes
        self._timeout_seconds = timeout_seconds
        self._works: Mapping[JobKind, ServiceWork] = {}
        self._built = asyncio.Event()

    def offer(self, works: Mapping[JobKind, ServiceWork]) -> None:
        """Give the work of the kinds that need the parts of the service, once these are built: until then it waits."""
        self._works = works
        self._built.set()

    async def run(self, kind: JobKind, parameters: Mapping[str, Any], report: TellProgress) -> dict[str, Any]:
        """Return the result of the work.

        Raises:
            AppError: the work failed, and the message says why.
        """
        if kind.traits.own_process:
            return await self._processes.run(kind, parameters, report)
        await self._built.wait()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._works[kind](parameters, report)
        except TimeoutError:
            raise JobFailed(f"the job was ended: it took longer than {self._timeout_seconds / 60:g} minutes") from None
