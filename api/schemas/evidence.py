"""The evidence in use, and its refits."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.schemas.responses import ResponseModel
from domain.market import Timeframe
from rules.evidence import TimeframeRecord
from services.ledger.calibration.refits import Refit, RefitState


class RecordInUse(ResponseModel):
    """The record by which plans of a timeframe are weighed now."""

    timeframe: Timeframe
    weight: Annotated[float, Field(description="Of full support by the trend, in log odds.")]
    error: Annotated[float, Field(description="Standard error of the weight.")]
    plans: Annotated[int, Field(description="Independent plans behind it.")]
    built_from: str

    @classmethod
    def of(cls, record: TimeframeRecord) -> RecordInUse:
        """Return the figures of a record."""
        return cls(
            timeframe=record.timeframe,
            weight=record.weight,
            error=record.error,
            plans=record.plans,
            built_from=record.built_from,
        )


class RefitVersion(ResponseModel):
    """A record that was fitted anew from settled plans."""

    id: str
    timeframe: Timeframe
    multiplier: Annotated[float, Field(description="Its weight over the weight in use when it was fitted.")]
    weight: float
    error: float
    plans: Annotated[int, Field(description="Independent plans that it was fitted on.")]
    fitted_at: Annotated[datetime, Field(description="It is judged on plans that became known later.")]
    state: RefitState
    reason: Annotated[str, Field(description="Why it has this state.")]
    decided_at: datetime | None

    @classmethod
    def of(cls, refit: Refit) -> RefitVersion:
        """Return the figures of a refit."""
        return cls(
            id=refit.refit_id,
            timeframe=refit.timeframe,
            multiplier=refit.multiplier,
            weight=refit.weight,
            error=refit.error,
            plans=refit.plans,
            fitted_at=refit.created_at,
            state=refit.state,
            reason=refit.reason,
            decided_at=refit.decided_at,
        )


class EvidenceState(ResponseModel):
    """The records in use by timeframe, and the refits, the newest first."""

    records: Annotated[list[RecordInUse], Field(description="Empty where no evidence is configured.")]
    refits: list[RefitVersion]
