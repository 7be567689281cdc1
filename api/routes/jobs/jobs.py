"""Jobs, for operators: progress, result and cancellation."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from api.dependencies import Admin, DefaultLimit
from api.parts import JobsPart
from api.schemas.jobs.jobs import Jobs
from api.schemas.problems import problem_responses
from domain.job_kinds import JobKind
from domain.jobs import Job, JobStatus

MAX_LISTED = 200

router = APIRouter(prefix="/jobs", tags=["jobs"], dependencies=[DefaultLimit, Admin])


@router.get("", operation_id="jobs", summary="Newest jobs (admin)")
async def newest(
    jobs: JobsPart,
    limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 20,
    status: JobStatus | None = None,
    kind: JobKind | None = None,
) -> Jobs:
    """Return the newest jobs, those that wait and run included, of one status or kind if named."""
    found = await jobs.newest(limit, status=status, kind=kind)
    return Jobs(jobs=found.jobs, complete=found.complete)


@router.get("/{job_id}", operation_id="job", summary="One job (admin)", responses=problem_responses(404, 503))
async def one(jobs: JobsPart, job_id: str) -> Job:
    """Return a job with its progress, its result, or why it failed; times are ISO 8601, UTC."""
    return await jobs.get(job_id)


@router.delete(
    "/{job_id}", operation_id="cancel_job", summary="End a job (admin)", responses=problem_responses(404, 409, 503)
)
async def cancel(jobs: JobsPart, job_id: str) -> Job:
    """End a job that waits or runs, and return it once its process is gone; 409 when it has ended already.

    A job that runs on another machine is returned after ten seconds at the latest, even if it has not ended yet.
    """
    return await jobs.cancel(job_id)


@router.post(
    "/{job_id}/retry",
    operation_id="retry_job",
    summary="Run a job again (admin)",
    status_code=HTTPStatus.ACCEPTED,
    responses=problem_responses(404, 409, 503),
)
async def retry(jobs: JobsPart, job_id: str) -> Job:
    """Queue a job again that failed, was cancelled or interrupted, under the same id; 409 for any other."""
    return await jobs.retry(job_id)
