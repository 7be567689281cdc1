"""Long work, for operators: how far it is, what came of it, and its end."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from api.dependencies import get_container
from api.guard.access import require_admin
from api.guard.rate_limit import limit_default
from api.openapi import ADMIN_SCHEME
from api.schemas.jobs import Jobs
from api.schemas.problems import problem_responses
from domain.jobs import Job
from services.jobs.service import JobService

MAX_LISTED = 200
_ADMIN: dict[str, Any] = {"security": [{ADMIN_SCHEME: []}]}

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.get(
    "",
    operation_id="jobs",
    summary="Newest jobs (admin)",
    responses=problem_responses(401, 403, 422, 429),
    openapi_extra=_ADMIN,
)
@limit_default
async def newest(request: Request, limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 20) -> Jobs:
    """Return the newest jobs, those that wait and run included."""
    found = await _service(request).newest(limit)
    return Jobs(jobs=found.jobs, complete=found.complete)


@router.get(
    "/{job_id}",
    operation_id="job",
    summary="One job (admin)",
    responses=problem_responses(401, 403, 404, 422, 429, 503),
    openapi_extra=_ADMIN,
)
@limit_default
async def one(request: Request, job_id: str) -> Job:
    """Return a job with its progress, its result, or why it failed; times are ISO 8601, UTC."""
    return await _service(request).get(job_id)


@router.delete(
    "/{job_id}",
    operation_id="cancel_job",
    summary="End a job (admin)",
    responses=problem_responses(401, 403, 404, 409, 422, 429, 503),
    openapi_extra=_ADMIN,
)
@limit_default
async def cancel(request: Request, job_id: str) -> Job:
    """End a job that waits or runs, and return it once its process is gone; 409 when it has ended already."""
    return await _service(request).cancel(job_id)


def _service(request: Request) -> JobService:
    container = get_container(request)
    require_admin(request, container.settings.access)
    return container.jobs
