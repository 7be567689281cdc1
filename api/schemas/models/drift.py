"""Drift of the models in production."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

from pydantic import Field

from api.schemas.record.ledger import EpochMs
from api.schemas.responses import ResponseModel
from domain.forecasting import ModelScope, ModelTarget, ModelType, VersionName
from domain.market import Timeframe
from models.drift.verdicts import DriftStatus
from services.drift.findings import DriftFinding

Distance = Annotated[float, Field(ge=0)]


class DriftedFeature(ResponseModel):
    """One feature: its distances from the training, and the greatest ones of stretches within the training."""

    feature: str
    psi: Annotated[Distance, Field(description="Population stability index.")]
    ks: Annotated[Distance, Field(description="Greatest distance of the distribution functions, 0 to 1.")]
    usual_psi: Distance
    usual_ks: Distance


class BrierCourse(ResponseModel):
    """Brier losses of the settled answers of the version."""

    count: Annotated[int, Field(description="Candles with a settled answer.")]
    earlier: Annotated[float | None, Field(description="Mean of the older half; null without one.")]
    recent: Annotated[float | None, Field(description="Mean of the newer half; null without any.")]
    stated: Annotated[float | None, Field(description="To be expected if the stated probabilities are right.")]
    risen_at: Annotated[EpochMs | None, Field(description="Candle at which Page-Hinkley last found a rise.")]


class ModelDriftAnswer(ResponseModel):
    """The newest check of one model in production."""

    symbol: ModelScope
    timeframe: Timeframe
    target: ModelTarget
    horizon_candles: Annotated[int | None, Field(description="Of a further horizon; null of the usual, and of plans.")]
    version: VersionName
    model_type: ModelType
    status: DriftStatus
    reason: str
    checked_at: Annotated[EpochMs | None, Field(description="Null before the first check.")]
    candles: Annotated[int, Field(description="Rows that were compared with the training.")]
    newest_at: Annotated[EpochMs | None, Field(description="Close of the newest of them.")]
    features: Annotated[int, Field(description="Features that were compared.")]
    drifted: Annotated[int, Field(description="Of them, those as far away as an alarm takes.")]
    worst: Annotated[list[DriftedFeature], Field(description="The furthest features, at most ten.")]
    brier: Annotated[BrierCourse | None, Field(description="Null before the first check, and of plan models.")]
    advice: str
    retrain_command: str


class ModelDrifts(ResponseModel):
    """The models in production: of the usual horizon, of further ones, plan models; by timeframe and symbol."""

    models: list[ModelDriftAnswer]

    @classmethod
    def of(cls, findings: Sequence[DriftFinding]) -> Self:
        """Return the answer for findings."""
        return cls(models=[ModelDriftAnswer.model_validate(finding.public()) for finding in findings])
