"""The parameters of a training job, complete: its process reads no settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.model_settings import ModelSettings
from config.settings import FeatureSettings, IndicatorSettings
from domain.forecasting import ModelScope, ModelTarget, ModelType
from domain.values import Frozen
from rules.evidence import EvidenceBook
from services.job_candles.order import SeriesOrder
from services.measuring.order import MeasuringOrder


class PlanOrder(Frozen):
    """What the training of a plan model needs further.

    Attributes:
        measuring: How the past is judged, as evidence is measured.
        book: The evidence that it has to beat; None where none is configured.
    """

    measuring: MeasuringOrder
    book: EvidenceBook | None


class TrainingOrder(SeriesOrder):
    """One training of one market, or of several for one model, as JSON between the service and the job's process.

    Attributes:
        pool: The markets of a model of several, whose symbol is `*`; empty for one of one market.
        epochs: Of every network; None takes that of the settings.
        seed: None takes that of the settings.
        shadow: Whether it shadows the model in production, if there is one, before it may replace it.
        indicators: By which the plans of the model are made.
        target: What the model foretells.
        plans: Of a plan model; None of a model of the close.
    """

    symbol: ModelScope
    pool: tuple[SeriesOrder, ...] = ()
    model_type: ModelType
    epochs: Annotated[int, Field(ge=1)] | None = None
    seed: Annotated[int, Field(ge=0)] | None = None
    shadow: bool = False
    features: FeatureSettings
    indicators: IndicatorSettings
    models: ModelSettings
    target: ModelTarget = "close"
    plans: PlanOrder | None = None
