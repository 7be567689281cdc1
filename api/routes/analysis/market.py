"""The state of a market, and the strategies that suit it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool

from api.bodies.market_body import read_snapshot
from api.dependencies import AnalyzeLimit, JsonBody
from api.parts import ClockPart, InsightsPart, SettingsPart
from api.schemas.analysis.market import (
    MarketConditionHealth,
    MarketConditionResponse,
    MarketRequest,
    RecommendationsRequest,
    StrategyRecommendation,
)
from api.schemas.problems import problem_responses
from domain.values import epoch_ms
from rules.strategies import STRATEGY_NAMES

router = APIRouter(prefix="/ai", tags=["insights"])


@router.post(
    "/strategy-recommendations",
    operation_id="strategy_recommendations",
    summary="Strategies by how well they suit the market, best first",
    responses=problem_responses(400, 404, 503),
    dependencies=[AnalyzeLimit],
)
async def strategy_recommendations(
    body: Annotated[RecommendationsRequest, Depends(JsonBody(RecommendationsRequest))],
    insights: InsightsPart,
    settings: SettingsPart,
    clock: ClockPart,
) -> list[StrategyRecommendation]:
    """Score each strategy by the state of the market and by its own reading of it.

    With an empty `timeframe_data` the service fetches the candles itself.
    """
    snapshot = await run_in_threadpool(read_snapshot, body, settings.analysis, epoch_ms(clock.now()))
    strategies = tuple(dict.fromkeys(body.available_strategies or ())) or STRATEGY_NAMES
    recommendations = await insights.recommend(body.symbol, snapshot, strategies)
    return [StrategyRecommendation.of(recommendation) for recommendation in recommendations]


@router.post(
    "/market-condition",
    operation_id="market_condition",
    summary="The state of a market over several timeframes",
    responses=problem_responses(400, 404, 503),
    dependencies=[AnalyzeLimit],
)
async def market_condition(
    body: Annotated[MarketRequest, Depends(JsonBody(MarketRequest))],
    insights: InsightsPart,
    settings: SettingsPart,
    clock: ClockPart,
) -> MarketConditionResponse:
    """Say which way a market goes, in which phase it is and what stands out.

    With an empty `timeframe_data` the service fetches the candles itself.
    """
    snapshot = await run_in_threadpool(read_snapshot, body, settings.analysis, epoch_ms(clock.now()))
    return MarketConditionResponse.of(await insights.condition(body.symbol, snapshot))


@router.get(
    "/health/market-condition",
    operation_id="market_condition_health",
    summary="Whether a market can be analyzed end to end",
    responses=problem_responses(503),
    dependencies=[AnalyzeLimit],
)
async def market_condition_health(insights: InsightsPart) -> MarketConditionHealth:
    """Fetch fresh candles of the first symbol and analyze them; 503 where no real ones can be had."""
    return MarketConditionHealth.of(await insights.check())
