"""What the service found out about itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from api.dependencies import get_container
from api.guard.access import require_admin
from api.guard.rate_limit import limit_debug, limit_default
from api.openapi import admin_route
from api.schemas.problems import problem_responses
from api.schemas.self_analyses import ConfigAnalysis, ConfigSuggestions, KeptDocument, SelfAnalysisHistory
from storage.document_ports import CONFIG_SUGGESTIONS, SELF_ANALYSES, Collection

MAX_LISTED = 200
MAX_DAYS = 3_650
Limit = Annotated[int, Query(ge=1, le=MAX_LISTED)]
Days = Annotated[int, Query(ge=1, le=MAX_DAYS)]

router = APIRouter(prefix="/ai", tags=["insights"])


@router.post(
    "/config-analysis/trigger",
    operation_id="trigger_config_analysis",
    summary="Review settings and models by the measured figures (admin)",
    responses=problem_responses(401, 403, 409, 429, 503),
    openapi_extra=admin_route(),
)
@limit_debug
async def trigger_config_analysis(request: Request) -> ConfigAnalysis:
    """Make a review now and keep it, where the figures are enough for one; with an LLM it spends a call.

    `success` is false where they are not: `error` says what is missing, and nothing is kept.
    """
    container = get_container(request)
    require_admin(request, container.settings.access)
    return ConfigAnalysis.of(await container.self_analyses.analyze(), container.clock.now())


@router.get(
    "/config-suggestions",
    operation_id="config_suggestions",
    summary="Suggestions for the settings, newest first",
    responses=problem_responses(422, 429, 503),
)
@limit_default
async def config_suggestions(request: Request, limit: Limit = 20, days: Days = 30) -> ConfigSuggestions:
    """Return the suggestions of the last days."""
    found = await _newest(request, CONFIG_SUGGESTIONS, limit, days)
    return ConfigSuggestions(count=len(found), suggestions=found, data=found)


@router.get(
    "/gpt4-analysis-history",
    operation_id="self_analysis_history",
    summary="Advice on the models, newest first",
    responses=problem_responses(422, 429, 503),
)
@limit_default
async def self_analysis_history(request: Request, limit: Limit = 20, days: Days = 30) -> SelfAnalysisHistory:
    """Return the self-analyses of the last days."""
    found = await _newest(request, SELF_ANALYSES, limit, days)
    return SelfAnalysisHistory(count=len(found), analyses=found, data=found)


async def _newest(request: Request, collection: Collection, limit: int, days: int) -> list[KeptDocument]:
    found = await get_container(request).self_analyses.newest(collection, limit, days)
    return [KeptDocument.model_validate(document) for document in found]
