"""The port to what gets jobs started, and the way inside one process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Protocol

from config.job_settings import JobSettings
from domain.errors import JobQueueFull, LibraryMissing
from domain.job_kinds import JobKind
from domain.jobs import Job
from services.health.degraded import Degraded
from services.jobs.worker import JobWorker
from utils.libraries import require


class Launcher(Protocol):
    """Gets jobs to a worker; a job that it did not get there is found by the recovery and launched again."""

    def room(self, kind: JobKind) -> AbstractAsyncContextManager[None]:
        """Keep a place for one more job of the kind during the block.

        Raises:
            JobQueueFull: no more may wait.
            LibraryMissing: the process that would run it lacks libraries of the kind.
        """

    def born(self, job: Job) -> Job:
        """Return a new job as its record begins."""

    async def launch(self, job: Job, parameters: Mapping[str, Any]) -> None:
        """Get a new job started, without waiting for it, once its record is kept."""

    async def relaunch(self, job: Job) -> None:
        """Get a stored job started that waits and that no worker holds.

        Raises:
            StorageUnavailable: the store does not answer.
        """

    def degraded(self) -> Iterable[Degraded]:
        """Return what keeps jobs from their workers, without waiting."""

    async def close(self) -> None:
        """Return when the launched jobs are on their way, or are left to the recovery."""


class LocalLauncher:
    """Gives every job to the worker of this process, which holds it from the beginning."""

    def __init__(self, worker: JobWorker, settings: JobSettings) -> None:
        """Keep the worker, and how much may wait for it."""
        self._worker = worker
        self._settings = settings
        self._accepting = 0

    @asynccontextmanager
    async def room(self, kind: JobKind) -> AsyncIterator[None]:
        """Count jobs that wait and run against the bound of their sort; refuse what could not run here."""
        require(f"a job of the kind {kind.value}", kind.traits.libraries)
        if self._free(kind) + self._settings.max_queued <= 0:
            raise JobQueueFull(f"{self._settings.max_queued} jobs are waiting already; try again when one has finished")
        self._accepting += 1
        try:
            yield
        finally:
            self._accepting -= 1

    def born(self, job: Job) -> Job:
        """Return the job as held by the worker of this process."""
        return self._worker.held(job)

    async def launch(self, job: Job, parameters: Mapping[str, Any]) -> None:
        """Start the job as soon as a place is free."""
        self._worker.start(job, parameters)

    async def relaunch(self, job: Job) -> None:
        """Take the job up if it could start at once; otherwise another process may have a place, or its libraries."""
        with suppress(LibraryMissing):
            require(job.kind.value, job.kind.traits.libraries)
            if self._free(job.kind) > 0:
                await self._worker.take_up(job)

    def degraded(self) -> Iterable[Degraded]:
        """Return nothing: the worker is this process."""
        return ()

    async def close(self) -> None:
        """Do nothing: the worker has the jobs."""

    def _free(self, kind: JobKind) -> int:
        return self._worker.free_places(kind) - self._accepting
