"""What subscribers hear of jobs."""

from __future__ import annotations

from collections.abc import Callable

from domain.job_kinds import JobKind
from domain.jobs import Job, JobStatus
from services.broadcast.events import render_job_progress, render_training_completed
from services.broadcast.hub import SignalHub
from utils.clock import Clock

# Progress of one job is published and stored at most this often; a change of status at once.
EVENT_SECONDS = 1.0


class JobEvents:
    """Publishes every status of a job, and its progress about once a second."""

    def __init__(self, hub: SignalHub, clock: Clock, monotonic: Callable[[], float]) -> None:
        """Keep the parts; `monotonic` tells seconds that never jump back."""
        self._hub = hub
        self._clock = clock
        self._monotonic = monotonic
        self._published: dict[str, float] = {}

    def due(self, job_id: str) -> bool:
        """Return whether the last event of the job is long enough ago for another one about its progress."""
        last = self._published.get(job_id)
        return last is None or self._monotonic() - last >= EVENT_SECONDS

    def publish(self, job: Job) -> None:
        """Publish the job as it is."""
        if job.status is JobStatus.RUNNING:
            self._published[job.job_id] = self._monotonic()
        else:
            self._published.pop(job.job_id, None)
        self._hub.publish(None, lambda: render_job_progress(job, self._clock.now()))
        if job.kind is JobKind.TRAIN and job.status is JobStatus.SUCCEEDED:
            self._hub.publish(None, lambda: render_training_completed(job, self._clock.now()))
