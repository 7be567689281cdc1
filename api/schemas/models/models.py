"""Answers about the models."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from api.schemas.responses import ResponseModel
from domain.forecasting import ModelTarget, ModelType
from domain.market import Timeframe
from domain.values import utc_time
from models.evaluation.gate import Serves
from models.evaluation.metrics import Scores
from models.recalibration.records import Recalibration
from models.registry.metadata import ModelMetadata
from models.registry.registries import RegistryKey
from services.training.known_models import Alias, KnownModel, KnownModels

# What is known of candidates that shadow, by registry and version.
Shadows = Mapping[tuple[RegistryKey, str], Mapping[str, Any]]
IsoTime = Annotated[datetime, Field(description="ISO 8601, UTC.")]


class Scope(ResponseModel):
    """Whose model it is."""

    symbol: str
    timeframe: Timeframe


class ModelInfo(ResponseModel):
    """The version that serves the default market or, where none does, the newest; all null without any."""

    model_type: Annotated[ModelType | Literal["none"], Field(description="none before the first training.")]
    model_loaded: Annotated[bool, Field(description="It is in memory and serves.")]
    training_samples: Annotated[int | None, Field(description="Windows.")]
    validation_samples: Annotated[int | None, Field(description="Windows.")]
    feature_count: Annotated[int | None, Field(description="Columns of a window; null for an ensemble.")]
    training_accuracy: Annotated[
        float | None,
        Field(description="Out of sample, 0..1, on the sign of the return; the share on training rows is of no use."),
    ]
    trained_timestamp: Annotated[datetime | None, Field(description="ISO 8601, UTC.")]
    version: str | None
    scope: Scope | None


class ModelLoaded(ResponseModel):
    """The version that serves now."""

    message: str
    model_type: ModelType
    status: Literal["loaded"]
    version: str
    scope: Scope


class ModelSaved(ResponseModel):
    """A version whose files were all found to be those that were written."""

    message: str
    model_type: ModelType
    timestamp: Annotated[datetime, Field(description="When it was saved, ISO 8601, UTC.")]
    version: str


class ModelsCleaned(ResponseModel):
    """How many versions were deleted, and how many stayed."""

    message: str
    deleted_models: int
    kept_models: int


class ShadowState(ResponseModel):
    """A candidate beside the model in production: how far it is, or how it ended."""

    production: Annotated[str, Field(description="The version that it is compared with.")]
    state: Literal["shadowing", "promoted", "refused", "superseded"]
    since: IsoTime
    at: Annotated[datetime | None, Field(description="When it ended, ISO 8601, UTC; null while it goes on.")]
    reason: Annotated[str, Field(description="Of the gate while it goes on, then of the decision.")]
    needed: Annotated[int, Field(description="Settled forecasts of both, models.shadow_forecasts.")]
    settled: Annotated[int | None, Field(description="Settled forecasts of both on the same candles so far.")]
    produced: Annotated[int | None, Field(description="Settled forecasts of the model in production since then.")]
    brier_gain: Annotated[
        float | None, Field(description="Mean Brier loss of the model in production less that of the candidate.")
    ]
    low: Annotated[float | None, Field(description="Of its interval, which holds at every look; null while too few.")]
    high: float | None


class ModelSummary(ResponseModel):
    """A version and how it was judged."""

    version: str
    model_type: ModelType
    symbol: str
    timeframe: Timeframe
    target: Annotated[
        ModelTarget, Field(description="close, or plan: of a plan, whether its target comes before its stop.")
    ]
    horizon_candles: Annotated[int, Field(description="Candles ahead; of plan models the time limit of a plan.")]
    created_at: IsoTime
    alias: Alias | None
    loaded: Annotated[bool, Field(description="It is in memory and serves.")]
    metrics: Annotated[Scores | None, Field(description="Out of sample; null of an imported file.")]
    verdict: Annotated[Serves | None, Field(description="What the gate let serve; null if it was not judged.")]
    reasons: list[str]
    shadow: Annotated[ShadowState | None, Field(description="null of a version that never shadowed another.")]
    shipped: Annotated[bool, Field(description="It came with the service: it is never deleted.")]
    trained_until: Annotated[
        datetime | None, Field(description="Close of the newest candle of its training, ISO 8601, UTC.")
    ]
    calibrated_at: Annotated[
        datetime | None,
        Field(
            description="When its calibration was renewed from settled forecasts, ISO 8601, UTC; null while it serves "
            "by the calibration of its training."
        ),
    ]
    trials: Annotated[
        int | None,
        Field(
            description="Settings that were judged on some of the candles of `metrics`, this one included: the best of "
            "many looks better than it is. null of imported versions and of those that came with the service."
        ),
    ]


class FurtherModels(ResponseModel):
    """The versions of a further horizon or of plan models, newest first; they have aliases of their own."""

    target: ModelTarget
    horizon_candles: Annotated[int | None, Field(description="null of plan models.")]
    models: list[ModelSummary]
    unusable: Annotated[dict[str, str], Field(description="Why a version cannot be used, by name.")]

    @classmethod
    def of(cls, key: RegistryKey, known: KnownModels, shadows: Shadows) -> Self:
        """Return the versions of a registry."""
        return cls(
            target=key.target,
            horizon_candles=key.horizon,
            models=[summary_of(version, shadows) for version in known.models],
            unusable=dict(known.unusable),
        )


class Models(ResponseModel):
    """Every version, newest first; those of the usual horizon are `models`."""

    models: list[ModelSummary]
    unusable: Annotated[dict[str, str], Field(description="Why a version cannot be used, by name.")]
    further: Annotated[list[FurtherModels], Field(description="Of further horizons and of plan models, if any.")]


class ModelDetails(ModelSummary):
    """A version with its metadata: data, settings, libraries, baselines, SHA-256 of every file."""

    metadata: ModelMetadata
    recalibrations: Annotated[
        list[Recalibration],
        Field(description="From its settled forecasts, oldest first; the newest one with `taken` is in force."),
    ]


class ModelPromoted(ResponseModel):
    """What is in production of a market now; null: nothing."""

    message: str
    symbol: str
    timeframe: Timeframe
    production: str | None


def summary_of(known: KnownModel, shadows: Shadows) -> ModelSummary:
    """Return the line of a version in a list, with its shadow if it has one."""
    metadata = known.metadata
    verdict, until_ms = metadata.verdict, metadata.trained_until_ms
    return ModelSummary(
        version=metadata.version,
        model_type=metadata.type,
        symbol=metadata.symbol,
        timeframe=metadata.timeframe,
        target=metadata.target,
        horizon_candles=metadata.horizon_candles,
        created_at=metadata.created_at,
        alias=known.alias,
        loaded=known.loaded,
        metrics=metadata.metrics,
        verdict=verdict.serves if verdict else None,
        reasons=list(verdict.reasons) if verdict else [],
        shadow=_shadow_of(shadows.get((known.key, metadata.version))),
        shipped=metadata.shipped,
        trained_until=utc_time(until_ms) if until_ms is not None else None,
        calibrated_at=next((one.at for one in reversed(known.recalibrations) if one.taken), None),
        trials=known.trials,
    )


def _shadow_of(known: Mapping[str, Any] | None) -> ShadowState | None:
    return ShadowState(**{name: known[name] for name in ShadowState.model_fields}) if known else None


def info_of(known: KnownModel | None) -> ModelInfo:
    """Return the card of the current version."""
    metadata = known.metadata if known else None
    data = metadata.data if metadata else None
    return ModelInfo(
        model_type=metadata.type if metadata else "none",
        model_loaded=known.loaded if known else False,
        training_samples=data.training_windows if data else None,
        validation_samples=data.validation_windows if data else None,
        feature_count=len(metadata.graph.feature_set.columns) if metadata and metadata.graph else None,
        training_accuracy=metadata.metrics.accuracy if metadata and metadata.metrics else None,
        trained_timestamp=metadata.created_at if metadata else None,
        version=metadata.version if metadata else None,
        scope=Scope(symbol=metadata.symbol, timeframe=metadata.timeframe) if metadata else None,
    )
