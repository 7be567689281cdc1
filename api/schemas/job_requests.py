"""Parameters of the jobs that need the parts of the service, and the answer when one is queued."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import Field

from api.schemas.requests import RequestModel
from api.schemas.responses import ResponseModel
from domain.job_kinds import JobKind
from domain.jobs import Job, JobStatus
from domain.naming.symbols import SymbolName

MAX_SYMBOLS = 1_000


class NoParameters(RequestModel):
    """This kind has no parameters."""


class BulkAnalysisRequest(RequestModel):
    """Which symbols to analyze."""

    symbols: Annotated[
        list[SymbolName] | None,
        Field(min_length=1, max_length=MAX_SYMBOLS, description="Without them those of analysis.symbols."),
    ] = None


class ParityRequest(RequestModel):
    """Which day to replay."""

    day: Annotated[
        date | None,
        Field(strict=False, description="UTC; without it yesterday, whose certificate is kept and shown."),
    ] = None


class CleanupModelsRequest(RequestModel):
    """How much to keep."""

    keep: Annotated[
        int | None, Field(ge=1, le=1_000, description="Versions of a market; without it models.keep_versions.")
    ] = None


class RetrainRequest(RequestModel):
    """Which models to train anew."""

    full: Annotated[bool, Field(description="All in production, whatever their age.")] = False


class JobQueued(ResponseModel):
    """The job that was queued; `GET /jobs/{job_id}` says how far it is, and has its result."""

    job_id: str
    status: JobStatus
    kind: JobKind

    @classmethod
    def of(cls, job: Job) -> Self:
        """Return the answer for a job."""
        return cls(job_id=job.job_id, status=job.status, kind=job.kind)
