"""Training as a job."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request

from api.bodies.json_body import read_model
from api.dependencies import get_container
from api.guard.access import require_admin
from api.guard.rate_limit import limit_default
from api.openapi import admin_route
from api.schemas.problems import problem_responses
from api.schemas.training import TrainingQueued, TrainRequest
from services.training.service import TrainingAsked

_DOCUMENTED: dict[str, Any] = {
    "summary": "Train a model (admin)",
    "status_code": HTTPStatus.ACCEPTED,
    "responses": problem_responses(400, 401, 403, 413, 415, 422, 429, 503),
    "openapi_extra": admin_route("TrainRequest"),
}

router = APIRouter(tags=["models"])
dashboard = APIRouter(tags=["models"])


@router.post("/ai/train", operation_id="ai_train", **_DOCUMENTED)
@dashboard.post("/train", operation_id="train", **_DOCUMENTED)
@dashboard.post("/model/train", operation_id="model_train", include_in_schema=False, **_DOCUMENTED)
@limit_default
async def train(request: Request) -> TrainingQueued:
    """Check the candles and queue a training; the gate decides whether the new version serves."""
    settings = get_container(request).settings
    require_admin(request, settings.access)
    body = await read_model(request, TrainRequest, settings.access.max_body_bytes)
    return await queue(
        request, TrainingAsked(body.symbol, body.timeframe, body.model_type, body.epochs, body.candles or None)
    )


async def queue(request: Request, asked: TrainingAsked) -> TrainingQueued:
    """Queue a training and tell of the job; raises as `TrainingService.submit`."""
    accepted = await get_container(request).training.submit(asked)
    return TrainingQueued(
        message=f"training of {accepted.type} for {accepted.symbol} {accepted.timeframe} is queued as a job",
        job_id=accepted.job.job_id,
        status="queued",
        symbol=accepted.symbol,
        timeframe=accepted.timeframe,
        model_type=accepted.type,
        training_samples=accepted.candles,
        source_data=accepted.source,
    )
