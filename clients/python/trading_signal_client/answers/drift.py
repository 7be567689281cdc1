"""Drift of the models in production."""

from __future__ import annotations

from typing import Literal

from trading_signal_client.answers.answer import Answer, ModelType, Timeframe


class DriftedFeature(Answer):
    """Distances from the training, and the greatest ones of stretches within the training."""

    feature: str
    psi: float
    ks: float
    usual_psi: float
    usual_ks: float


class BrierCourse(Answer):
    """Brier losses of settled answers; `risen_at` is the candle at which a rise was last found, epoch ms."""

    count: int
    earlier: float | None
    recent: float | None
    stated: float | None
    risen_at: int | None


class ModelDrift(Answer):
    """The newest check of a model in production; `checked_at` is None before the first.

    `horizon_candles` is None of models of the usual horizon, and of plan models.
    """

    symbol: str
    timeframe: Timeframe
    target: Literal["close", "plan"]
    horizon_candles: int | None
    version: str
    model_type: ModelType
    status: Literal["none", "notice", "alarm", "no_reference", "too_few", "not_checked"]
    reason: str
    checked_at: int | None
    candles: int
    newest_at: int | None
    features: int
    drifted: int
    worst: list[DriftedFeature]
    brier: BrierCourse | None
    advice: str
    retrain_command: str


class ModelDrifts(Answer):
    models: list[ModelDrift]
