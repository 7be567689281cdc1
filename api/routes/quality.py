"""How good the signals are: what became of them, measured, and what the newest are like."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.dependencies import (
    AnalyzeLimit,
    ClockPart,
    DefaultLimit,
    FeedbackPart,
    JsonBody,
    SettingsPart,
    StorePart,
    Trusted,
)
from api.schemas.feedback import FeedbackKept, FeedbackRequest, SignalQualityResponse
from api.schemas.performance import PerformanceResponse
from api.schemas.problems import problem_responses
from services.ledger.signal_quality import summarize

MAX_SIGNALS = 500
# Settings that decide how signals are made.
PIPELINE = {"interval_minutes", "min_candles", "window_candles", "primary_timeframes", "blend", "model_weight"}

router = APIRouter(prefix="/ai", tags=["insights"])
# Operators' tools ask for it under /api as well.
tools = APIRouter(prefix="/ai")


@router.post(
    "/feedback",
    operation_id="feedback",
    summary="Tell what became of a signal",
    responses=problem_responses(503),
    dependencies=[AnalyzeLimit],
)
async def feedback(
    told: Annotated[FeedbackRequest, Depends(JsonBody(FeedbackRequest))],
    trusted: Trusted,
    outcomes: FeedbackPart,
    clock: ClockPart,
) -> FeedbackKept:
    """Keep the outcome of a signal, which never expires; a signal counts once, whatever is sent again."""
    new = await outcomes.keep(told.feedback(), trusted=trusted)
    message = "the feedback is kept" if new else "this signal has its feedback already"
    return FeedbackKept(message=message, signal_id=told.signal_id, timestamp=clock.now())


@router.get(
    "/performance",
    operation_id="performance",
    summary="How good the signals were, as measured",
    responses=problem_responses(503),
    dependencies=[DefaultLimit],
)
async def performance(outcomes: FeedbackPart) -> PerformanceResponse:
    """Return figures of all signals whose outcome trusted clients have told, zeros while there are none.

    `measured` is of the archived signals, against what the market did after them.
    """
    return PerformanceResponse.of(await outcomes.performance())


@tools.get("/signal-quality", dependencies=[DefaultLimit])
@router.get(
    "/signal-quality",
    operation_id="signal_quality",
    summary="What the newest signals are like",
    responses=problem_responses(503),
    dependencies=[DefaultLimit],
)
async def signal_quality(
    store: StorePart, settings: SettingsPart, limit: Annotated[int, Query(ge=1, le=MAX_SIGNALS)] = 50
) -> SignalQualityResponse:
    """Count the newest analyses of the archive by signal; also under /api/ai/signal-quality."""
    newest = await store.newest_archived(limit)
    pipeline = settings.analysis.model_dump(mode="json", include=PIPELINE)
    return SignalQualityResponse.of(newest, summarize(newest), pipeline)
