"""The parameters of a training job, complete: its process reads no settings."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field

from config.model_settings import ModelSettings
from config.section import Count
from config.settings import FeatureSettings, IndicatorSettings, Settings
from domain.forecasting import ModelScope, ModelTarget, ModelType
from domain.values import Frozen
from rules.evidence.measured import MeasuredEvidence
from services.evidence.file import read_evidence
from services.evidence.parameters import MeasuringOptions, MeasuringParameters
from services.job_candles.series import JobSeries


class PlanParameters(Frozen):
    """What the training of a plan model needs further.

    Attributes:
        measuring: How the past is judged, as evidence is measured.
        evidence: The evidence that it has to beat; None where none is configured.
    """

    measuring: MeasuringParameters
    evidence: MeasuredEvidence | None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return it by the settings.

        Raises:
            ConfigurationError: the evidence file cannot be read, or has another content.
        """
        evidence = read_evidence(settings.trading.evidence_file)
        return cls(measuring=MeasuringParameters.of(MeasuringOptions(), settings), evidence=evidence)


class TrainingParameters(JobSeries):
    """One training of one market, or of several for one model, as JSON between the service and the job's process.

    Attributes:
        pool: The markets of a model of several, whose symbol is `*`; empty for one of one market.
        epochs: Of every network; None takes that of the settings.
        seed: None takes that of the settings.
        shadow: Whether it shadows the model in production, if there is one, before it may replace it.
        indicators: By which the plans of the model are made.
        target: What the model forecasts.
        horizon_candles: Of a model of a further horizon; None of one of the usual horizon, and of a plan model.
        plans: Of a plan model; None of a model of the close.
    """

    symbol: ModelScope
    pool: tuple[JobSeries, ...] = ()
    model_type: ModelType
    epochs: Annotated[int, Field(ge=1)] | None = None
    seed: Annotated[int, Field(ge=0)] | None = None
    shadow: bool = False
    features: FeatureSettings
    indicators: IndicatorSettings
    models: ModelSettings
    target: ModelTarget = "close"
    horizon_candles: Count | None = None
    plans: PlanParameters | None = None

    def parameters(self) -> dict[str, Any]:
        """Return it as the parameters of a job; those that say nothing are left out, since they are shown with it."""
        unset = {name for name in ("history", "horizon_candles", "plans") if getattr(self, name) is None}
        usual = {"target"} if self.target == "close" else set()
        alone = set() if self.pool else {"pool"}
        return self.model_dump(mode="json", exclude={*unset, *usual, *alone})
