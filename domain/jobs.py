"""Jobs, the work that takes minutes: their parameters, progress and results."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field

from domain.job_kinds import JobKind
from domain.values import Frozen, Share


def _finite(value: Any) -> Any:
    """Turn the loss of a training that has diverged into None: JSON has no NaN."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


Loss = Annotated[float | None, BeforeValidator(_finite)]
Epochs = Annotated[int, Field(ge=0)] | None
Scalar = str | int | float | bool | None


class JobStatus(StrEnum):
    """Where a job is; all but the first two are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def final(self) -> bool:
        """Whether nothing will change any more."""
        return self not in {JobStatus.QUEUED, JobStatus.RUNNING}


class JobProgress(Frozen):
    """How far a running job is.

    Attributes:
        stage: What it does now, for a person.
        share: Of the whole job, 0..1.
        epoch: Epochs done of the model that is being trained.
        loss: None also when it is no finite number.
        seconds_left: Estimate for the rest.
    """

    stage: str
    share: Share
    epoch: Epochs = None
    epochs: Epochs = None
    loss: Loss = None
    validation_loss: Loss = None
    seconds_left: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None


# Takes the progress of a job.
TellProgress = Callable[[JobProgress], None]
# Takes the present step of a work in words, and the share that is done, 0..1.
TellShare = Callable[[str, float], None]


def tell_share(report: TellProgress) -> TellShare:
    """Return what tells `report` of steps and shares."""
    return lambda words, share: report(JobProgress(stage=words, share=share))


class Job(Frozen):
    """A job as it is kept and shown.

    Attributes:
        parameters: The plain values of what was asked for, and lists of words as one text; no candles or settings.
        progress: The newest that is known; None before the first.
        result: What the job's function returned, once it has succeeded.
        error: Why it failed, for a person.
        key: Names the work for the client that asked: a second request with the same key is the same job.
        attempts: How often it was started.
        takeovers: How often it was started again because its worker had gone.
        next_attempt_at: Not before it will be started again after a failure that may pass.
        worker: Who holds it: who runs it, or runs it next.
        lease_until: Until when the worker holds it, unless it renews the lease.
        sent_at: When the broker was told of it for a worker that has not taken it yet; None where none was told.
        fence: Grows with each change of hands; what a former worker still writes has a smaller one and is refused.
    """

    job_id: str
    kind: JobKind
    status: JobStatus
    parameters: dict[str, Scalar]
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    progress: JobProgress | None = None
    result: dict[str, Any] | None = None
    error: str | None = None
    key: str | None = None
    attempts: Annotated[int, Field(ge=0)] = 0
    takeovers: Annotated[int, Field(ge=0)] = 0
    next_attempt_at: datetime | None = None
    worker: str | None = None
    lease_until: datetime | None = None
    sent_at: datetime | None = None
    fence: Annotated[int, Field(ge=0)] = 0

    @property
    def finished(self) -> bool:
        """Whether nothing will change any more."""
        return self.status.final

    def passed_on(self, **values: Any) -> Self:
        """Return the job with other values and a greater fencing number: what its worker still writes is refused."""
        return self.model_copy(update={"lease_until": None, "fence": self.fence + 1, **values})

    def without_refused(self, reason: str) -> Self:
        """Return the job without the values that a store may refuse, which says so: one with a result has failed."""
        if self.result is not None:
            failed = {"status": JobStatus.FAILED, "error": f"its result was refused: {reason}"}
            return self.model_copy(update={"result": None, "progress": None, **failed})
        error = self.error and f"the reason was refused: {reason}"
        return self.model_copy(update={"progress": None, "error": error})

    def is_free(self, now: datetime, lease: timedelta) -> bool:
        """Return whether no worker holds it: its lease has ended, or was written by a clock that ran ahead."""
        return self.lease_until is None or not now < self.lease_until <= now + 2 * lease

    def is_due(self, now: datetime) -> bool:
        """Return whether it may start now: a failure may have to pass first."""
        return self.next_attempt_at is None or self.next_attempt_at <= now
