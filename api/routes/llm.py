"""The LLM for operators: what it costs, and whether it answers."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal

from fastapi import APIRouter, Request

from api.dependencies import get_container
from api.guard.access import require_admin
from api.guard.rate_limit import limit_debug, limit_default
from api.openapi import admin_route
from api.schemas.llm import (
    Budgets,
    CostConfiguration,
    CostStatistics,
    KeyReport,
    LlmProbe,
    Projections,
    SessionStatistics,
    Spent,
)
from api.schemas.problems import problem_responses
from container import Container
from services.llm.cost_report import average_usd, project
from services.llm.ledger import Tally
from services.llm.pricing import usd
from services.llm.probe import probe

router = APIRouter(tags=["llm"])
NO_SYMBOL = "none"


@router.get(
    "/ai/cost/statistics",
    operation_id="cost_statistics",
    summary="What the LLM costs",
    responses=problem_responses(429),
)
@limit_default
async def cost_statistics(request: Request) -> CostStatistics:
    """Return tokens and costs of all calls, of today and of this month, projections, prices, budgets and keys."""
    container = get_container(request)
    client = container.llm.client
    ledger, rate = container.llm.ledger, container.settings.llm.usd_to_vnd
    total, projection = ledger.total, project(ledger, container.clock)
    tokens = total.input_tokens + total.output_tokens
    return CostStatistics(
        session_statistics=SessionStatistics(
            **_spent(total, rate).model_dump(),
            average_cost_per_request_usd=float(average_usd(total)),
            average_tokens_per_request=tokens / total.calls if total.calls else 0.0,
        ),
        today=_spent(ledger.today, rate),
        this_month=_spent(ledger.this_month, rate),
        this_month_by_symbol={symbol or NO_SYMBOL: _spent(tally, rate) for symbol, tally in ledger.by_symbol.items()},
        projections=Projections(
            estimated_daily_cost_usd=float(projection.daily),
            estimated_daily_cost_vnd=float(projection.daily * rate),
            estimated_monthly_cost_usd=float(projection.monthly),
            estimated_monthly_cost_vnd=float(projection.monthly * rate),
        ),
        configuration=_configuration(container),
        optimization_status={
            "analysis_cache_hit_rate": container.analysis.recent.hit_rate,
            "reply_cache_enabled": True,
            "budget_stop_reached": ledger.stopped,
        },
        keys=[KeyReport(**asdict(state)) for state in (client.key_states() if client else [])],
        timestamp=container.clock.now(),
    )


@router.get(
    "/debug/gpt4",
    operation_id="debug_gpt4",
    summary="Ask the LLM once (admin)",
    responses=problem_responses(401, 403, 429),
    openapi_extra=admin_route(),
)
@limit_debug
async def debug_gpt4(request: Request) -> LlmProbe:
    """Spend one call and say what came of it; 200 in any case."""
    container = get_container(request)
    require_admin(request, container.settings.access)
    found = await probe(container.llm.client)
    return LlmProbe(
        client_initialized=container.llm.client is not None,
        api_key_configured=bool(container.settings.llm.keys),
        status="failed" if found.error else "ok",
        test_response=found.answer,
        model_used=found.model,
        error=found.error,
        error_type=found.reason,
        diagnosis=found.diagnosis,
    )


def _spent(tally: Tally, usd_to_vnd: Decimal) -> Spent:
    cost = usd(tally.cost_nano_usd)
    return Spent(
        total_requests=tally.calls,
        total_input_tokens=tally.input_tokens,
        total_output_tokens=tally.output_tokens,
        total_tokens=tally.input_tokens + tally.output_tokens,
        total_cost_usd=float(cost),
        total_cost_vnd=float(cost * usd_to_vnd),
        unpriced_requests=tally.unpriced,
    )


def _configuration(container: Container) -> CostConfiguration:
    settings, analysis = container.settings.llm, container.settings.analysis
    prices = settings.model_settings(settings.model).prices
    return CostConfiguration(
        model=settings.model,
        analysis_interval_minutes=analysis.interval_minutes,
        symbols_tracked=len(analysis.symbols),
        cache_duration_minutes=analysis.interval_minutes,
        max_tokens=settings.max_output_tokens,
        input_cost_per_1m_tokens=float(prices.input) if prices else None,
        cached_input_cost_per_1m_tokens=float(prices.cached_input) if prices else None,
        output_cost_per_1m_tokens=float(prices.output) if prices else None,
        prices_as_of=settings.prices_as_of.isoformat() if settings.prices_as_of else None,
        usd_to_vnd=float(settings.usd_to_vnd),
        budgets=Budgets.model_validate(settings.budgets.model_dump(mode="python"), strict=False),
    )
