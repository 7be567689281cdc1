"""The evidence that plans are weighed by, and its refits from the ledger."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.dependencies import DefaultLimit
from api.parts import CalibrationPart, EvidencePart, ForecastingPart
from api.schemas.problems import problem_responses
from api.schemas.record.evidence import EvidenceState, PlanModelInUse, RecordInUse, RefitVersion

router = APIRouter(prefix="/ai", tags=["ledger"])


@router.get(
    "/evidence",
    operation_id="evidence",
    summary="The evidence in use, and its refits",
    responses=problem_responses(409, 422, 503),
    dependencies=[DefaultLimit],
)
async def evidence(
    used: EvidencePart,
    calibration: CalibrationPart,
    forecasting: ForecastingPart,
    limit: Annotated[int, Query(ge=1, le=200)] = 30,
) -> EvidenceState:
    """Return the record of each measured timeframe, the plan models, and at most `limit` refits with their ends."""
    evidence = used.weigher.evidence
    models = [model for model in await forecasting.plan_models() if model.judged_plans]
    return EvidenceState(
        records=[RecordInUse.of(record) for record in (evidence.records if evidence else ())],
        refits=[RefitVersion.of(refit) for refit in await calibration.refits(limit)],
        plan_models=[PlanModelInUse.of(model) for model in models],
    )
