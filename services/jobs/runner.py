"""The port to the runner of jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from domain.jobs import JobKind, JobProgress


class JobRunner(Protocol):
    """Runs jobs off the event loop."""

    async def run(
        self, kind: JobKind, parameters: Mapping[str, Any], report: Callable[[JobProgress], None]
    ) -> dict[str, Any]:
        """Return what the job's function returns for these parameters; canceling the call ends the work.

        Args:
            kind: Selects the function.
            parameters: JSON-like.
            report: Called on the event loop with the progress of the job.

        Raises:
            JobFailed: the function failed, took too long, or its process died.
        """
