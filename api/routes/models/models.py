"""The models: every version, the one that serves, and another in its place."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import PlainTextResponse
from starlette.concurrency import run_in_threadpool

from api.dependencies import Admin, DefaultLimit, JsonBody
from api.parts import DriftPart, ModelsPart, SettingsPart, ShadowingPart
from api.schemas.models.drift import ModelDrifts
from api.schemas.models.model_requests import LoadRequest, PromoteRequest, RollbackRequest, SaveRequest
from api.schemas.models.models import (
    FurtherModels,
    ModelDetails,
    ModelInfo,
    ModelLoaded,
    ModelPromoted,
    Models,
    ModelSaved,
    ModelsCleaned,
    Scope,
    info_of,
    summary_of,
)
from api.schemas.problems import problem_responses
from models.cards.card import model_card
from models.registry.registries import key_of

# Their longest text is a reason of a thousand characters.
MAX_BODY_BYTES = 16_384
MAX_KEPT = 1_000
AheadQuery = Annotated[
    int | None,
    Query(ge=1, description="Of which horizon, where two have a version of this name; the usual one first without it."),
]


class Markdown(PlainTextResponse):
    """A text in Markdown (RFC 7763)."""

    media_type = "text/markdown"


router = APIRouter(prefix="/ai/models", tags=["models"])
dashboard = APIRouter(prefix="/model", tags=["models"])


@dashboard.get(
    "/info",
    operation_id="model_info",
    summary="The current model",
    responses=problem_responses(409),
    dependencies=[DefaultLimit],
)
async def info(models: ModelsPart) -> ModelInfo:
    """Return the version that serves the default market, else the newest."""
    return info_of(await run_in_threadpool(models.current))


@dashboard.post(
    "/load",
    operation_id="model_load",
    summary="Let a version serve (admin)",
    responses=problem_responses(404, 409, 503),
    dependencies=[DefaultLimit, Admin],
)
async def load(
    body: Annotated[LoadRequest, Depends(JsonBody(LoadRequest, MAX_BODY_BYTES))], models: ModelsPart
) -> ModelLoaded:
    """Put a version into production whatever the gate found, and load it; a name is taken, never a path."""
    known = await run_in_threadpool(models.load, body.version, body.horizon_candles)
    model = known.metadata
    return ModelLoaded(
        message=f"{model.version} serves {known.market}",
        model_type=model.type,
        status="loaded",
        version=model.version,
        scope=Scope(symbol=model.symbol, timeframe=model.timeframe),
    )


@dashboard.post(
    "/save",
    operation_id="model_save",
    summary="Verify a saved version (admin)",
    responses=problem_responses(404, 409),
    dependencies=[DefaultLimit, Admin],
)
async def save(
    body: Annotated[SaveRequest, Depends(JsonBody(SaveRequest, MAX_BODY_BYTES, required=False))], models: ModelsPart
) -> ModelSaved:
    """Read every file of a version again: what is trained is saved already, so nothing is written."""
    model = await run_in_threadpool(models.verify, body.version, body.horizon_candles)
    return ModelSaved(
        message=f"{model.version} is saved, and its files are those that were written",
        model_type=model.type,
        timestamp=model.created_at,
        version=model.version,
    )


@dashboard.delete(
    "/cleanup",
    operation_id="model_cleanup",
    summary="Delete old versions (admin)",
    responses=problem_responses(409, 503),
    dependencies=[DefaultLimit, Admin],
)
async def cleanup(
    models: ModelsPart,
    settings: SettingsPart,
    keep_count: Annotated[int | None, Query(ge=1, le=MAX_KEPT, description="Without it: models.keep_versions.")] = None,
) -> ModelsCleaned:
    """Keep the newest versions of each market and horizon, and those that serve, are candidates, or served before."""
    pruned = await run_in_threadpool(models.prune, keep_count or settings.models.keep_versions)
    return ModelsCleaned(
        message=f"{len(pruned.deleted)} versions deleted, {len(pruned.kept)} kept",
        deleted_models=len(pruned.deleted),
        kept_models=len(pruned.kept),
    )


@router.get(
    "", operation_id="models", summary="Every version", responses=problem_responses(409), dependencies=[DefaultLimit]
)
async def listing(models: ModelsPart, shadowing: ShadowingPart) -> Models:
    """Return every version with its figures, its verdict, its alias and its shadow, newest first."""
    known, shadows = await run_in_threadpool(models.known), await shadowing.states()
    further = await run_in_threadpool(models.further)
    return Models(
        models=[summary_of(version, shadows) for version in known.models],
        unusable=dict(known.unusable),
        further=[FurtherModels.of(key, others, shadows) for key, others in further.items()],
    )


@router.get(
    "/drift",
    operation_id="model_drift",
    summary="Drift of the models in production",
    responses=problem_responses(503),
    dependencies=[DefaultLimit],
)
async def drift(watch: DriftPart) -> ModelDrifts:
    """Return how far the market of each model in production is from that of its training, and what to do about it."""
    return ModelDrifts.of(await watch.findings())


@router.post(
    "/rollback",
    operation_id="model_rollback",
    summary="Let the version before serve again (admin)",
    responses=problem_responses(409, 503),
    dependencies=[DefaultLimit, Admin],
)
async def rollback(
    body: Annotated[RollbackRequest, Depends(JsonBody(RollbackRequest, MAX_BODY_BYTES))], models: ModelsPart
) -> ModelPromoted:
    """Take back the newest promotion of a symbol and timeframe."""
    key = key_of(models.settings, body.target, body.horizon_candles)
    version = await run_in_threadpool(models.rollback, body.symbol, body.timeframe, body.reason, key)
    return ModelPromoted(
        message=f"{version or 'nothing'} serves {key.market(f'{body.symbol} {body.timeframe}')}",
        symbol=body.symbol,
        timeframe=body.timeframe,
        production=version,
    )


@router.get(
    "/{version}",
    operation_id="model",
    summary="One version",
    responses=problem_responses(404, 409),
    dependencies=[DefaultLimit],
)
async def one(
    version: str, models: ModelsPart, shadowing: ShadowingPart, horizon_candles: AheadQuery = None
) -> ModelDetails:
    """Return a version with all that is known of it."""
    known = await run_in_threadpool(models.find, version, horizon_candles)
    summary = summary_of(known, await shadowing.states())
    return ModelDetails(**dict(summary), metadata=known.metadata, recalibrations=list(known.recalibrations))


@router.get(
    "/{version}/card",
    operation_id="model_card",
    summary="The card of a version, as Markdown",
    response_class=Markdown,
    responses=problem_responses(404, 409),
    dependencies=[DefaultLimit],
)
async def card(version: str, models: ModelsPart, horizon_candles: AheadQuery = None) -> Markdown:
    """Return what a version was trained on, its figures and limits, and the command that makes it again."""
    known = await run_in_threadpool(models.find, version, horizon_candles)
    return Markdown(model_card(known.metadata, known.trials, known.key))


@router.post(
    "/{version}/promote",
    operation_id="model_promote",
    summary="Let a version serve, with a reason (admin)",
    responses=problem_responses(404, 409, 503),
    dependencies=[DefaultLimit, Admin],
)
async def promote(
    version: str,
    body: Annotated[PromoteRequest, Depends(JsonBody(PromoteRequest, MAX_BODY_BYTES))],
    models: ModelsPart,
    horizon_candles: AheadQuery = None,
) -> ModelPromoted:
    """Put a version into production whatever the gate found; the reason is kept."""
    known = await run_in_threadpool(models.promote, version, body.reason, horizon_candles)
    return ModelPromoted(
        message=f"{version} serves {known.market}",
        symbol=known.metadata.symbol,
        timeframe=known.metadata.timeframe,
        production=version,
    )
