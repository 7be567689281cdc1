"""Bias as a job: what looks ahead, and how much history is needed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from api.dependencies import Admin, DefaultLimit, JobKey, JsonBody
from api.parts import BiasPart
from api.schemas.jobs.bias import BiasQueued, LookaheadRequest, RecursiveRequest
from api.schemas.problems import problem_responses
from domain.job_kinds import JobKind

_STATUSES: dict[str, Any] = {
    "status_code": HTTPStatus.ACCEPTED,
    "responses": problem_responses(400, 404, 503),
}
_LOOKAHEAD = _STATUSES | {"summary": "Find what looks ahead (admin)"}
_RECURSIVE = _STATUSES | {"summary": "Measure the needed history (admin)"}

router = APIRouter(tags=["jobs"], dependencies=[DefaultLimit, Admin])


@router.post("/ai/bias/lookahead", operation_id="bias_lookahead", **_LOOKAHEAD)
@router.post("/jobs/bias_lookahead", operation_id="job_bias_lookahead", **_LOOKAHEAD)
async def lookahead(
    body: Annotated[LookaheadRequest, Depends(JsonBody(LookaheadRequest))], bias: BiasPart, key: JobKey = None
) -> BiasQueued:
    """Check the candles and queue a job that names every indicator, rule and forecast that knows the future."""
    return BiasQueued.of(await bias.submit(body.job_request(JobKind.BIAS_LOOKAHEAD, body.moments), key))


@router.post("/ai/bias/recursive", operation_id="bias_recursive", **_RECURSIVE)
@router.post("/jobs/bias_recursive", operation_id="job_bias_recursive", **_RECURSIVE)
async def recursive(
    body: Annotated[RecursiveRequest, Depends(JsonBody(RecursiveRequest))], bias: BiasPart, key: JobKey = None
) -> BiasQueued:
    """Check the candles and queue a job that measures how many candles each value needs."""
    return BiasQueued.of(await bias.submit(body.job_request(JobKind.BIAS_RECURSIVE), key))
