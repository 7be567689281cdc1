"""Training as a job."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from api.dependencies import Admin, DefaultLimit, JobKey, JsonBody
from api.parts import TrainingPart
from api.schemas.models.training import TrainingQueued, TrainRequest
from api.schemas.problems import problem_responses
from services.training.service import TrainingJobRequest

_DOCUMENTED: dict[str, Any] = {
    "summary": "Train a model (admin)",
    "status_code": HTTPStatus.ACCEPTED,
    "responses": problem_responses(400, 404, 503),
    "dependencies": [DefaultLimit, Admin],
}

router = APIRouter(tags=["models"])
dashboard = APIRouter(tags=["models"])


@router.post("/ai/train", operation_id="ai_train", **_DOCUMENTED)
@router.post("/jobs/train", operation_id="job_train", **_DOCUMENTED)
@dashboard.post("/train", operation_id="train", **_DOCUMENTED)
@dashboard.post("/model/train", operation_id="model_train", include_in_schema=False, **_DOCUMENTED)
async def train(
    body: Annotated[TrainRequest, Depends(JsonBody(TrainRequest))], training: TrainingPart, key: JobKey = None
) -> TrainingQueued:
    """Check the candles and queue a training; the gate decides whether the new version serves."""
    wanted = TrainingJobRequest(
        body.symbol,
        body.timeframe,
        body.model_type,
        body.epochs,
        body.candles or None,
        target=body.target or "close",
        horizon=body.horizon_candles,
    )
    return TrainingQueued.of(await training.submit(wanted, key))
