"""Reviews of the settings and models, and their history."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from api.dependencies import Admin, DebugLimit, DefaultLimit, JsonBody
from api.parts import ClockPart, SelfAnalysesPart, SuggestionDecisionsPart
from api.schemas.operation.self_analyses import (
    ConfigAnalysis,
    ConfigSuggestions,
    DecidedSuggestion,
    SelfAnalysisHistory,
    SuggestionDecision,
)
from api.schemas.problems import problem_responses
from storage.document_ports import CONFIG_SUGGESTIONS, SELF_ANALYSES

MAX_LISTED = 200
MAX_DAYS = 3_650
Limit = Annotated[int, Query(ge=1, le=MAX_LISTED)]
Days = Annotated[int, Query(ge=1, le=MAX_DAYS)]
SuggestionId = Annotated[str, Path(min_length=1, max_length=100)]

router = APIRouter(prefix="/ai", tags=["insights"])


@router.post(
    "/config-analysis/trigger",
    operation_id="trigger_config_analysis",
    summary="Review settings and models by the measured figures (admin)",
    responses=problem_responses(409, 503),
    dependencies=[DebugLimit, Admin],
)
async def trigger_config_analysis(self_analyses: SelfAnalysesPart, clock: ClockPart) -> ConfigAnalysis:
    """Make a review now and keep it, where the figures are enough for one; with an LLM it spends a call.

    `success` is false where they are not: `error` names what is missing, and nothing is kept.
    """
    return ConfigAnalysis.of(await self_analyses.analyze(), clock.now())


@router.get(
    "/config-suggestions",
    operation_id="config_suggestions",
    summary="Suggestions for the settings, newest first",
    responses=problem_responses(503),
    dependencies=[DefaultLimit],
)
async def config_suggestions(self_analyses: SelfAnalysesPart, limit: Limit = 20, days: Days = 30) -> ConfigSuggestions:
    """Return the suggestions of the last days."""
    return ConfigSuggestions.of(await self_analyses.newest(CONFIG_SUGGESTIONS, limit, days))


@router.post(
    "/config-suggestions/{suggestion_id}",
    operation_id="decide_config_suggestion",
    summary="Accept or reject a suggestion for the settings (admin)",
    responses=problem_responses(404, 409, 503),
    dependencies=[DefaultLimit, Admin],
)
async def decide_config_suggestion(
    suggestion_id: SuggestionId,
    body: Annotated[SuggestionDecision, Depends(JsonBody(SuggestionDecision))],
    decisions: SuggestionDecisionsPart,
) -> DecidedSuggestion:
    """Keep the decision; of an accepted one the answer has the lines of configuration that apply it.

    Nothing is changed in the running service. The same decision again gets the same answer, the opposite one 409.
    """
    return DecidedSuggestion.of(await decisions.decide(suggestion_id, accept=body.accept))


@router.get(
    "/gpt4-analysis-history",
    operation_id="self_analysis_history",
    summary="Advice on the models, newest first",
    responses=problem_responses(503),
    dependencies=[DefaultLimit],
)
async def self_analysis_history(
    self_analyses: SelfAnalysesPart, limit: Limit = 20, days: Days = 30
) -> SelfAnalysisHistory:
    """Return the self-analyses of the last days."""
    return SelfAnalysisHistory.of(await self_analyses.newest(SELF_ANALYSES, limit, days))
