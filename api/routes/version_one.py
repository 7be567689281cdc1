"""Analyses for the clients that speak `/api/v1`, and for the dashboard's chart: the same service, other words."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.bodies.analyze_body import PREDICT, read_query
from api.bodies.chart_body import chart_query
from api.bodies.json_body import LARGE_BODY_BYTES, read_body, read_model
from api.dependencies import get_container
from api.guard.access import identify
from api.guard.rate_limit import limit_analyze
from api.openapi import json_body
from api.schemas.problems import problem_responses
from api.schemas.version_one import ChartRequest, ChartResponse, PercentAnalyzeResponse
from domain.values import epoch_ms

router = APIRouter(tags=["analysis"])


@router.post(
    "/api/v1/analyze",
    operation_id="analyze_in_percent",
    summary="The same analysis in lower case, confidence from 0 to 100",
    responses=problem_responses(400, 413, 415, 422, 429, 503),
    openapi_extra=json_body("PredictRequest"),
)
@limit_analyze
async def analyze_in_percent(request: Request) -> PercentAnalyzeResponse:
    """Analyze the candles of one market as `/ai/analyze` does; `strategy_context` may be missing."""
    container = get_container(request)
    settings = container.settings
    body = await read_body(request, settings.access.max_body_bytes)
    trusted = identify(request, settings.access).trusted
    read = (body, settings.analysis, epoch_ms(container.clock.now()))
    listening = settings.llm.enabled
    if len(body) > LARGE_BODY_BYTES:
        query, _ = await run_in_threadpool(read_query, *read, trusted=trusted, form=PREDICT, listening=listening)
    else:
        query, _ = read_query(*read, trusted=trusted, form=PREDICT, listening=listening)
    return PercentAnalyzeResponse.of(await container.analysis.analyze(query))


@router.post(
    "/analyze",
    operation_id="analyze_chart",
    summary="The signal beside a chart of one timeframe",
    responses=problem_responses(400, 413, 415, 422, 429, 503),
    openapi_extra=json_body("ChartRequest"),
)
@limit_analyze
async def analyze_chart(request: Request) -> ChartResponse:
    """Analyze the candles of one timeframe; the price is their newest close."""
    container = get_container(request)
    settings = container.settings
    body = await read_model(request, ChartRequest, settings.access.max_body_bytes)
    trusted = identify(request, settings.access).trusted
    query = chart_query(body, settings.analysis, epoch_ms(container.clock.now()), trusted=trusted)
    return ChartResponse.of(await container.analysis.analyze(query))
