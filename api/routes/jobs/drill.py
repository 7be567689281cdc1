"""The coin-flip drill as a job."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends

from api.dependencies import Admin, DefaultLimit, JobKey, JsonBody
from api.parts import JobsPart, SettingsPart
from api.schemas.jobs.job_requests import DrillRequest, JobQueued
from api.schemas.problems import problem_responses
from domain.job_kinds import JobKind
from services.ledger.drill.job import job_parameters

router = APIRouter(tags=["jobs"], dependencies=[DefaultLimit, Admin])


@router.post(
    "/jobs/drill",
    operation_id="job_drill",
    summary="Run the coin-flip drill (admin)",
    status_code=HTTPStatus.ACCEPTED,
    responses=problem_responses(503),
)
async def drill(
    body: Annotated[DrillRequest, Depends(JsonBody(DrillRequest, required=False))],
    jobs: JobsPart,
    settings: SettingsPart,
    key: JobKey = None,
) -> JobQueued:
    """Queue a job that runs the ledger from end to end on simulated candles whose edge is known; nothing of it is kept
    but the job's result.
    """
    return JobQueued.of(await jobs.submit(JobKind.DRILL, job_parameters(body.drill(), settings), key))
