"""Quality of the signals: outcomes, measured figures, and figures of the newest."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.dependencies import AnalyzeLimit, DefaultLimit, JsonBody, Trusted
from api.parts import ClockPart, FeedbackPart, LedgerStorePart, PerformancePart, SettingsPart
from api.schemas.problems import problem_responses
from api.schemas.record.feedback import FeedbackKept, FeedbackRequest, SignalQualityResponse
from api.schemas.record.performance import PerformanceResponse
from services.ledger.signal_quality import summarize
from storage.ledger_ports import EntryFilter

MAX_SIGNALS = 500
# Settings that decide how signals are made.
PIPELINE = {"interval_minutes", "min_candles", "window_candles", "primary_timeframes", "blend", "model_weight"}

# What strangers' candles led to, and synthetic or stale ones, is left out.
GIVEN = EntryFilter(given=True, scored=True)

router = APIRouter(prefix="/ai", tags=["insights"])
# Operators' tools ask for it under /api as well.
tools = APIRouter(prefix="/ai")


@router.post(
    "/feedback",
    operation_id="feedback",
    summary="Report the outcome of a signal",
    responses=problem_responses(503),
    dependencies=[AnalyzeLimit],
)
async def feedback(
    reported: Annotated[FeedbackRequest, Depends(JsonBody(FeedbackRequest))],
    trusted: Trusted,
    outcomes: FeedbackPart,
    clock: ClockPart,
) -> FeedbackKept:
    """Keep the outcome of a signal, which never expires; a signal counts once, whatever is sent again."""
    new = await outcomes.keep(reported.feedback(), trusted=trusted)
    message = "the feedback is kept" if new else "this signal has its feedback already"
    return FeedbackKept(message=message, signal_id=reported.signal_id, timestamp=clock.now())


@router.get(
    "/performance",
    operation_id="performance",
    summary="Measured quality of the signals",
    responses=problem_responses(503),
    dependencies=[DefaultLimit],
)
async def performance(measured: PerformancePart) -> PerformanceResponse:
    """Return the settled calls of the last 30 days, one candle later, zeros while there are none.

    `measured` has every timeframe and horizon, `feedback` the outcomes that trusted clients have reported.
    """
    return PerformanceResponse.of(await measured.measure())


@tools.get("/signal-quality", dependencies=[DefaultLimit])
@router.get(
    "/signal-quality",
    operation_id="signal_quality",
    summary="Figures of the newest signals",
    responses=problem_responses(503),
    dependencies=[DefaultLimit],
)
async def signal_quality(
    ledger: LedgerStorePart, settings: SettingsPart, limit: Annotated[int, Query(ge=1, le=MAX_SIGNALS)] = 50
) -> SignalQualityResponse:
    """Count the newest answers that callers were given, by signal; also under /api/ai/signal-quality."""
    records = await ledger.entries(GIVEN, limit)
    newest = [record.entry for record in records]
    pipeline = settings.analysis.model_dump(mode="json", include=PIPELINE)
    return SignalQualityResponse.of(newest, summarize(newest), pipeline)
