"""What a market is like, and which strategies suit it."""

from __future__ import annotations

from typing import TypeVar

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from api.bodies.json_body import read_model
from api.bodies.market_body import read_snapshot
from api.dependencies import get_container
from api.guard.rate_limit import limit_analyze
from api.openapi import json_body
from api.schemas.market import (
    MarketConditionHealth,
    MarketConditionResponse,
    MarketRequest,
    RecommendationsRequest,
    StrategyRecommendation,
)
from api.schemas.problems import problem_responses
from domain.analysis import MarketSnapshot
from domain.values import epoch_ms
from rules.strategies import STRATEGY_NAMES

Body = TypeVar("Body", bound=MarketRequest)

router = APIRouter(prefix="/ai", tags=["insights"])


@router.post(
    "/strategy-recommendations",
    operation_id="strategy_recommendations",
    summary="Strategies by how well they suit the market, best first",
    responses=problem_responses(400, 413, 415, 422, 429, 503),
    openapi_extra=json_body("RecommendationsRequest"),
)
@limit_analyze
async def strategy_recommendations(request: Request) -> list[StrategyRecommendation]:
    """Score each strategy by the state of the market and by what it reads there itself.

    With an empty `timeframe_data` the service fetches the candles itself.
    """
    body, snapshot = await _read(request, RecommendationsRequest)
    strategies = tuple(dict.fromkeys(body.available_strategies)) or STRATEGY_NAMES
    found = await get_container(request).insights.recommend(body.symbol, snapshot, strategies)
    return [StrategyRecommendation.of(each) for each in found]


@router.post(
    "/market-condition",
    operation_id="market_condition",
    summary="The state of a market over several timeframes",
    responses=problem_responses(400, 413, 415, 422, 429, 503),
    openapi_extra=json_body("MarketRequest"),
)
@limit_analyze
async def market_condition(request: Request) -> MarketConditionResponse:
    """Say which way a market goes, in which phase it is and what stands out.

    With an empty `timeframe_data` the service fetches the candles itself.
    """
    body, snapshot = await _read(request, MarketRequest)
    return MarketConditionResponse.of(await get_container(request).insights.condition(body.symbol, snapshot))


@router.get(
    "/health/market-condition",
    operation_id="market_condition_health",
    summary="Whether a market can be analyzed end to end",
    responses=problem_responses(429, 503),
)
@limit_analyze
async def market_condition_health(request: Request) -> MarketConditionHealth:
    """Fetch fresh candles of the first symbol and analyze them; 503 where no real ones can be had."""
    container = get_container(request)
    check = await container.insights.check()
    found = check.condition
    return MarketConditionHealth(
        status="healthy",
        pipeline=f"{found.source_data}, {check.candles} candles of {found.symbol}, "
        f"{found.condition} with confidence {found.confidence:.2f}",
        test_direction=found.direction,
        candles_fetched=check.candles,
        timestamp=found.at,
    )


async def _read(request: Request, model: type[Body]) -> tuple[Body, MarketSnapshot | None]:
    container = get_container(request)
    settings = container.settings
    body = await read_model(request, model, settings.access.max_body_bytes)
    now_ms = epoch_ms(container.clock.now())
    return body, await run_in_threadpool(read_snapshot, body, settings.analysis, now_ms)
