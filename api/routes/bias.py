"""Bias as a job: what looks ahead, and how much history is needed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from api.dependencies import Admin, BiasPart, DefaultLimit, JsonBody
from api.schemas.bias import BiasQueued, LookaheadRequest, RecursiveRequest
from api.schemas.problems import problem_responses
from domain.job_kinds import JobKind

_DOCUMENTED: dict[str, Any] = {
    "status_code": HTTPStatus.ACCEPTED,
    "responses": problem_responses(400, 404, 503),
}

router = APIRouter(prefix="/ai/bias", tags=["jobs"], dependencies=[DefaultLimit, Admin])


@router.post("/lookahead", operation_id="bias_lookahead", summary="Find what looks ahead (admin)", **_DOCUMENTED)
async def lookahead(
    asked: Annotated[LookaheadRequest, Depends(JsonBody(LookaheadRequest))], bias: BiasPart
) -> BiasQueued:
    """Check the candles and queue a job that names every indicator, rule and forecast that knows the future."""
    return BiasQueued.of(await bias.submit(asked.asked(JobKind.BIAS_LOOKAHEAD, asked.moments)))


@router.post("/recursive", operation_id="bias_recursive", summary="Measure the needed history (admin)", **_DOCUMENTED)
async def recursive(
    asked: Annotated[RecursiveRequest, Depends(JsonBody(RecursiveRequest))], bias: BiasPart
) -> BiasQueued:
    """Check the candles and queue a job that measures how many candles each value needs."""
    return BiasQueued.of(await bias.submit(asked.asked(JobKind.BIAS_RECURSIVE)))
