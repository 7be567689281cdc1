"""How good the signals are: what became of them, measured, and what the newest are like."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from api.bodies.json_body import read_model
from api.dependencies import get_container
from api.guard.access import identify
from api.guard.rate_limit import limit_analyze, limit_default
from api.openapi import json_body
from api.schemas.feedback import FeedbackKept, FeedbackRequest, SignalQualityResponse
from api.schemas.performance import PerformanceResponse
from api.schemas.problems import problem_responses
from services.ledger.signal_quality import summarize

MAX_SIGNALS = 500

router = APIRouter(prefix="/ai", tags=["insights"])
# Operators' tools ask for it under /api as well.
tools = APIRouter(prefix="/ai")


@router.post(
    "/feedback",
    operation_id="feedback",
    summary="Tell what became of a signal",
    responses=problem_responses(413, 415, 422, 429, 503),
    openapi_extra=json_body("FeedbackRequest"),
)
@limit_analyze
async def feedback(request: Request) -> FeedbackKept:
    """Keep the outcome of a signal for ever; a signal counts once, whatever is sent again."""
    container = get_container(request)
    access = container.settings.access
    body = await read_model(request, FeedbackRequest, access.max_body_bytes)
    new = await container.feedback.keep(body.feedback(), trusted=identify(request, access).trusted)
    return FeedbackKept(
        message="the feedback is kept" if new else "this signal has its feedback already",
        signal_id=body.signal_id,
        timestamp=container.clock.now(),
    )


@router.get(
    "/performance",
    operation_id="performance",
    summary="How good the signals were, as measured",
    responses=problem_responses(429, 503),
)
@limit_default
async def performance(request: Request) -> PerformanceResponse:
    """Return figures of all signals whose outcome trusted clients have told, zeros while there are none.

    `measured` is of the archived signals, against what the market did after them.
    """
    return PerformanceResponse.of(await get_container(request).feedback.performance())


@tools.get("/signal-quality", include_in_schema=False)
@router.get(
    "/signal-quality",
    operation_id="signal_quality",
    summary="What the newest signals are like",
    responses=problem_responses(422, 429, 503),
)
@limit_default
async def signal_quality(
    request: Request, limit: Annotated[int, Query(ge=1, le=MAX_SIGNALS)] = 50
) -> SignalQualityResponse:
    """Count the newest analyses of the archive by signal; also under /api/ai/signal-quality."""
    container = get_container(request)
    newest = await container.store.newest_archived(limit)
    settings = container.settings.analysis
    shown = {"interval_minutes", "min_candles", "window_candles", "primary_timeframes", "blend", "model_weight"}
    pipeline = settings.model_dump(mode="json", include=shown)
    return SignalQualityResponse.of(newest, summarize(newest), pipeline)
