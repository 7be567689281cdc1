"""Jobs, for operators: progress, result and cancellation."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.dependencies import Admin, DefaultLimit, JobsPart
from api.schemas.jobs import Jobs
from api.schemas.problems import problem_responses
from domain.jobs import Job

MAX_LISTED = 200

router = APIRouter(prefix="/jobs", tags=["jobs"], dependencies=[DefaultLimit, Admin])


@router.get("", operation_id="jobs", summary="Newest jobs (admin)")
async def newest(jobs: JobsPart, limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 20) -> Jobs:
    """Return the newest jobs, those that wait and run included."""
    found = await jobs.newest(limit)
    return Jobs(jobs=found.jobs, complete=found.complete)


@router.get("/{job_id}", operation_id="job", summary="One job (admin)", responses=problem_responses(404, 503))
async def one(jobs: JobsPart, job_id: str) -> Job:
    """Return a job with its progress, its result, or why it failed; times are ISO 8601, UTC."""
    return await jobs.get(job_id)


@router.delete(
    "/{job_id}", operation_id="cancel_job", summary="End a job (admin)", responses=problem_responses(404, 409, 503)
)
async def cancel(jobs: JobsPart, job_id: str) -> Job:
    """End a job that waits or runs, and return it once its process is gone; 409 when it has ended already."""
    return await jobs.cancel(job_id)
