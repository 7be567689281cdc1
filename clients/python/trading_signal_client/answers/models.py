"""Answers about models: versions, what serves, and what was asked to be trained."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from trading_signal_client.answers.answer import Answer, ModelType, Timeframe
from trading_signal_client.answers.jobs import JobStatus


class Shadow(Answer):
    """A candidate beside the model in production: how far it is, or how it ended."""

    production: str
    state: Literal["shadowing", "promoted", "refused", "superseded"]
    since: datetime
    at: datetime | None
    reason: str
    needed: int
    settled: int | None
    produced: int | None
    brier_gain: float | None
    low: float | None
    high: float | None


class Model(Answer):
    version: str
    model_type: ModelType
    symbol: str
    timeframe: Timeframe
    target: Literal["close", "plan"]
    horizon_candles: int
    created_at: datetime
    alias: Literal["production", "candidate"] | None
    loaded: bool
    reasons: list[str]
    shadow: Shadow | None = None
    shipped: bool
    trained_until: datetime | None
    calibrated_at: datetime | None
    trials: int | None


class FurtherModels(Answer):
    """Versions of a further horizon or of plan models, which have aliases of their own."""

    target: Literal["close", "plan"]
    horizon_candles: int | None
    models: list[Model]
    unusable: dict[str, str]


class Models(Answer):
    models: list[Model]
    unusable: dict[str, str]
    further: list[FurtherModels]


class TrainingQueued(Answer):
    message: str
    job_id: str
    status: JobStatus
    symbol: str
    timeframe: Timeframe
    model_type: ModelType
    training_samples: int


class ModelDetails(Model):
    metadata: dict[str, Any]


class ModelInProduction(Answer):
    message: str
    symbol: str
    timeframe: Timeframe
    production: str | None


class ModelInfo(Answer):
    """The version in production for the first symbol, or the newest; `model_type` is `none` without any."""

    model_type: ModelType | Literal["none"]
    model_loaded: bool
    training_samples: int | None
    validation_samples: int | None
    feature_count: int | None
    training_accuracy: float | None
    trained_timestamp: datetime | None
    version: str | None


class ModelLoaded(Answer):
    message: str
    model_type: ModelType
    version: str


class ModelSaved(Answer):
    message: str
    model_type: ModelType
    timestamp: datetime
    version: str


class ModelsCleaned(Answer):
    message: str
    deleted_models: int
    kept_models: int
