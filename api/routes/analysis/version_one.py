"""Analyses for the clients that speak `/api/v1`, and for the dashboard's chart: the same service, other words."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from api.bodies.chart_body import chart_query
from api.bodies.queries import read_percent_analysis
from api.dependencies import AnalyzeLimit, JsonBody, QueryBody, Trusted
from api.parts import AnalysisPart, ClockPart, SettingsPart
from api.schemas.analysis.version_one import ChartRequest, ChartResponse, PercentAnalyzeResponse
from api.schemas.models.predictions import PredictRequest
from api.schemas.problems import problem_responses
from domain.queries import AnalysisQuery
from domain.values import epoch_ms

router = APIRouter(tags=["analysis"])


@router.post(
    "/api/v1/analyze",
    operation_id="analyze_in_percent",
    summary="The same analysis in lower case, confidence from 0 to 100",
    responses=problem_responses(400, 404, 503),
    dependencies=[AnalyzeLimit],
)
async def analyze_in_percent(
    query: Annotated[AnalysisQuery, Depends(QueryBody(PredictRequest, read_percent_analysis))], analysis: AnalysisPart
) -> PercentAnalyzeResponse:
    """Analyze the candles of one market as `/ai/analyze` does; `strategy_context` may be missing."""
    return PercentAnalyzeResponse.of(await analysis.analyze(query))


@router.post(
    "/analyze",
    operation_id="analyze_chart",
    summary="The signal beside a chart of one timeframe",
    responses=problem_responses(400, 404, 503),
    dependencies=[AnalyzeLimit],
)
async def analyze_chart(
    chart: Annotated[ChartRequest, Depends(JsonBody(ChartRequest))],
    trusted: Trusted,
    analysis: AnalysisPart,
    settings: SettingsPart,
    clock: ClockPart,
) -> ChartResponse:
    """Analyze the candles of one timeframe; the price is their newest close."""
    query = chart_query(chart, settings.analysis, epoch_ms(clock.now()), trusted=trusted)
    return ChartResponse.of(await analysis.analyze(query))
