"""Scores of a version, and evidence of plans, as jobs."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends

from api.dependencies import Admin, DefaultLimit, JobKey, JsonBody
from api.parts import EvaluationsPart, EvidenceJobsPart
from api.schemas.jobs.evaluations import EvaluateRequest, EvidenceRequest
from api.schemas.jobs.job_requests import JobQueued
from api.schemas.problems import problem_responses

router = APIRouter(prefix="/jobs", tags=["jobs"], dependencies=[DefaultLimit, Admin])


@router.post(
    "/evaluate",
    operation_id="job_evaluate",
    summary="Score a model on new candles (admin)",
    status_code=HTTPStatus.ACCEPTED,
    responses=problem_responses(400, 404, 503),
)
async def evaluate(
    body: Annotated[EvaluateRequest, Depends(JsonBody(EvaluateRequest))],
    evaluations: EvaluationsPart,
    key: JobKey = None,
) -> JobQueued:
    """Check version and candles and queue a job that scores the version on candles that it was not trained on."""
    return JobQueued.of(await evaluations.submit(body.job_request(), key))


@router.post(
    "/evidence",
    operation_id="job_evidence",
    summary="Measure the results of plans (admin)",
    status_code=HTTPStatus.ACCEPTED,
    responses=problem_responses(400, 404, 503),
)
async def evidence(
    body: Annotated[EvidenceRequest, Depends(JsonBody(EvidenceRequest))], evidence: EvidenceJobsPart, key: JobKey = None
) -> JobQueued:
    """Check the candles and queue a job that builds evidence, or checks the configured evidence."""
    return JobQueued.of(await evidence.submit(body.job_request(), key))
