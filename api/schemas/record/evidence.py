"""The evidence in use, and its refits."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.schemas.responses import ResponseModel
from domain.market import Timeframe
from models.evaluation.baselines import EVIDENCE
from models.registry.metadata import ModelMetadata
from rules.evidence.measured import TimeframeRecord
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
    """A record that was fitted again, from settled plans."""

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


class PlanModelInUse(ResponseModel):
    """A plan model in production: it weighs plans of the rules in the place of the record of their timeframe."""

    version: str
    symbol: Annotated[str, Field(description="* of all markets of the kinds that it has learned from.")]
    timeframe: Timeframe
    plans: Annotated[int, Field(description="Independent plans that it was judged on.")]
    error: Annotated[float, Field(description="Standard error of the log odds that it states.")]
    brier: Annotated[float | None, Field(description="Brier score of its predictions out of sample.")]
    evidence_brier: Annotated[float | None, Field(description="Of the evidence, on the same plans.")]

    @classmethod
    def of(cls, model: ModelMetadata) -> PlanModelInUse:
        """Return the figures of a plan model."""
        record, evidence = model.judged_plans, model.baselines.get(EVIDENCE)
        if record is None:
            raise ValueError(f"{model.version} is no plan model")
        return cls(
            version=model.version,
            symbol=model.symbol,
            timeframe=model.timeframe,
            plans=record.plans,
            error=record.error,
            brier=model.metrics.brier if model.metrics else None,
            evidence_brier=evidence.brier if evidence else None,
        )


class EvidenceState(ResponseModel):
    """The records in use by timeframe, the refits, the newest first, and the plan models in production."""

    records: Annotated[list[RecordInUse], Field(description="Empty where no evidence is configured.")]
    refits: list[RefitVersion]
    plan_models: list[PlanModelInUse]
