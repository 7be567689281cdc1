"""The models: what there is, what serves, and another one in its place."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from api.bodies.json_body import read_model
from api.dependencies import get_container
from api.guard.access import require_admin
from api.guard.rate_limit import limit_default
from api.openapi import admin_route
from api.schemas.models import (
    LoadRequest,
    ModelDetails,
    ModelInfo,
    ModelLoaded,
    ModelPromoted,
    Models,
    ModelSaved,
    ModelsCleaned,
    PromoteRequest,
    RollbackRequest,
    SaveRequest,
    Scope,
    info_of,
    summary_of,
)
from api.schemas.problems import problem_responses
from services.training.model_admin import ModelAdmin

# Their longest text is a reason of a thousand characters.
MAX_BODY_BYTES = 16_384
MAX_KEPT = 1_000

router = APIRouter(prefix="/ai/models", tags=["models"])
dashboard = APIRouter(prefix="/model", tags=["models"])


@dashboard.get("/info", operation_id="model_info", summary="The current model", responses=problem_responses(409, 429))
@limit_default
async def info(request: Request) -> ModelInfo:
    """Return the version that serves the default market, else the newest."""
    return info_of(await run_in_threadpool(get_container(request).models.current))


@dashboard.post(
    "/load",
    operation_id="model_load",
    summary="Let a version serve (admin)",
    responses=problem_responses(401, 403, 404, 409, 413, 415, 422, 429, 503),
    openapi_extra=admin_route("LoadRequest"),
)
@limit_default
async def load(request: Request) -> ModelLoaded:
    """Put a version into production whatever the gate found, and load it; a name is taken, never a path."""
    models = _administered(request)
    body = await read_model(request, LoadRequest, MAX_BODY_BYTES)
    model = await run_in_threadpool(models.load, body.version)
    return ModelLoaded(
        message=f"{model.version} serves {model.symbol} {model.timeframe}",
        model_type=model.type,
        status="loaded",
        version=model.version,
        scope=Scope(symbol=model.symbol, timeframe=model.timeframe),
    )


@dashboard.post(
    "/save",
    operation_id="model_save",
    summary="Verify a saved version (admin)",
    responses=problem_responses(401, 403, 404, 409, 413, 415, 422, 429),
    openapi_extra=admin_route("SaveRequest"),
)
@limit_default
async def save(request: Request) -> ModelSaved:
    """Read every file of a version again: what is trained is saved already, so nothing is written."""
    models = _administered(request)
    body = await read_model(request, SaveRequest, MAX_BODY_BYTES)
    model = await run_in_threadpool(models.verify, body.version)
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
    responses=problem_responses(401, 403, 409, 422, 429, 503),
    openapi_extra=admin_route(),
)
@limit_default
async def cleanup(
    request: Request,
    keep_count: Annotated[int | None, Query(ge=1, le=MAX_KEPT, description="Without it: models.keep_versions.")] = None,
) -> ModelsCleaned:
    """Keep the newest versions of each symbol and timeframe, and whatever serves, may, or did before."""
    models, settings = _administered(request), get_container(request).settings.models
    pruned = await run_in_threadpool(models.prune, keep_count or settings.keep_versions)
    return ModelsCleaned(
        message=f"{len(pruned.deleted)} versions deleted, {len(pruned.kept)} kept",
        deleted_models=len(pruned.deleted),
        kept_models=len(pruned.kept),
    )


@router.get("", operation_id="models", summary="Every version", responses=problem_responses(409, 429))
@limit_default
async def listing(request: Request) -> Models:
    """Return every version with its figures, its verdict and its alias, newest first."""
    known = await run_in_threadpool(get_container(request).models.known)
    return Models(models=[summary_of(each) for each in known.models], unusable=dict(known.unusable))


@router.post(
    "/rollback",
    operation_id="model_rollback",
    summary="Let the version before serve again (admin)",
    responses=problem_responses(401, 403, 409, 413, 415, 422, 429, 503),
    openapi_extra=admin_route("RollbackRequest"),
)
@limit_default
async def rollback(request: Request) -> ModelPromoted:
    """Take back the newest promotion of a symbol and timeframe."""
    models = _administered(request)
    body = await read_model(request, RollbackRequest, MAX_BODY_BYTES)
    version = await run_in_threadpool(models.rollback, body.symbol, body.timeframe, body.reason)
    return ModelPromoted(
        message=f"{version or 'nothing'} serves {body.symbol} {body.timeframe}",
        symbol=body.symbol,
        timeframe=body.timeframe,
        production=version,
    )


@router.get("/{version}", operation_id="model", summary="One version", responses=problem_responses(404, 409, 422, 429))
@limit_default
async def one(request: Request, version: str) -> ModelDetails:
    """Return a version with all that is known of it."""
    known = await run_in_threadpool(get_container(request).models.find, version)
    return ModelDetails(**dict(summary_of(known)), metadata=known.metadata)


@router.post(
    "/{version}/promote",
    operation_id="model_promote",
    summary="Let a version serve, with a reason (admin)",
    responses=problem_responses(401, 403, 404, 409, 413, 415, 422, 429, 503),
    openapi_extra=admin_route("PromoteRequest"),
)
@limit_default
async def promote(request: Request, version: str) -> ModelPromoted:
    """Put a version into production whatever the gate found; the reason is kept."""
    models = _administered(request)
    body = await read_model(request, PromoteRequest, MAX_BODY_BYTES)
    model = await run_in_threadpool(models.promote, version, body.reason)
    return ModelPromoted(
        message=f"{version} serves {model.symbol} {model.timeframe}",
        symbol=model.symbol,
        timeframe=model.timeframe,
        production=version,
    )


def _administered(request: Request) -> ModelAdmin:
    container = get_container(request)
    require_admin(request, container.settings.access)
    return container.models
