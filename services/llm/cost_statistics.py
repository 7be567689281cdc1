"""What operators are told of the LLM's costs: the books in both currencies, prices, budgets and keys."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from config.settings import Settings
from domain.values import Frozen
from services.llm.books import Tally
from services.llm.calling.key_ring import KeyState
from services.llm.cost_ledger import CostLedger
from services.llm.cost_report import average_usd, project
from services.llm.parts import LlmParts
from services.llm.pricing import usd
from utils.clock import Clock

# The name of what was spent on no symbol.
NO_SYMBOL = "none"


class Spent(Frozen):
    """Calls and what they cost; those whose cost is not known are counted in `unpriced_requests`."""

    total_requests: int
    total_input_tokens: int
    total_output_tokens: int
    total_tokens: int
    total_cost_usd: float
    total_cost_vnd: float
    unpriced_requests: int


class SessionStatistics(Spent):
    """All calls on the books, those of earlier processes too."""

    average_cost_per_request_usd: float
    average_tokens_per_request: float


class Projections(Frozen):
    """At the pace of the current month."""

    estimated_daily_cost_usd: float
    estimated_daily_cost_vnd: float
    estimated_monthly_cost_usd: float
    estimated_monthly_cost_vnd: float


class Budgets(Frozen):
    """USD per UTC day and month; null: no such limit."""

    daily_warning_usd: float | None
    daily_stop_usd: float | None
    monthly_warning_usd: float | None
    monthly_stop_usd: float | None


class CostConfiguration(Frozen):
    """How the LLM is asked, and what its provider charges; a price of null is not known."""

    model: str
    analysis_interval_minutes: float
    symbols_tracked: int
    cache_duration_minutes: float
    max_tokens: int
    input_cost_per_1m_tokens: float | None
    cached_input_cost_per_1m_tokens: float | None
    output_cost_per_1m_tokens: float | None
    prices_as_of: str | None
    usd_to_vnd: float
    budgets: Budgets


class CostStatistics(Frozen):
    """What the LLM costs."""

    session_statistics: SessionStatistics
    today: Spent
    this_month: Spent
    this_month_by_symbol: dict[str, Spent]
    projections: Projections
    configuration: CostConfiguration
    optimization_status: dict[str, bool | float]
    keys: list[KeyState]
    timestamp: Annotated[datetime, Field(description="ISO 8601, UTC.")]


def report_costs(llm: LlmParts, settings: Settings, cache_hit_rate: float, clock: Clock) -> CostStatistics:
    """Return what the LLM costs.

    Args:
        llm: Its books and, where one is configured, its client.
        settings: Prices, budgets, and how often is analyzed.
        cache_hit_rate: Share of analyses answered from the cache, 0 to 1.
        clock: For the pace of the month.
    """
    ledger, rate = llm.ledger, settings.llm.usd_to_vnd
    return CostStatistics(
        session_statistics=_session(ledger.total, rate),
        today=_spent(ledger.today, rate),
        this_month=_spent(ledger.this_month, rate),
        this_month_by_symbol={symbol or NO_SYMBOL: _spent(tally, rate) for symbol, tally in ledger.by_symbol.items()},
        projections=_projected(ledger, rate, clock),
        configuration=_configuration(settings),
        optimization_status={
            "analysis_cache_hit_rate": cache_hit_rate,
            "reply_cache_enabled": True,
            "budget_stop_reached": ledger.stopped,
        },
        keys=llm.client.key_states() if llm.client else [],
        timestamp=clock.now(),
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


def _session(total: Tally, usd_to_vnd: Decimal) -> SessionStatistics:
    spent = _spent(total, usd_to_vnd)
    return SessionStatistics(
        **spent.model_dump(),
        average_cost_per_request_usd=float(average_usd(total)),
        average_tokens_per_request=spent.total_tokens / total.calls if total.calls else 0.0,
    )


def _projected(ledger: CostLedger, usd_to_vnd: Decimal, clock: Clock) -> Projections:
    projection = project(ledger, clock)
    return Projections(
        estimated_daily_cost_usd=float(projection.daily),
        estimated_daily_cost_vnd=float(projection.daily * usd_to_vnd),
        estimated_monthly_cost_usd=float(projection.monthly),
        estimated_monthly_cost_vnd=float(projection.monthly * usd_to_vnd),
    )


def _configuration(settings: Settings) -> CostConfiguration:
    llm, analysis = settings.llm, settings.analysis
    prices = llm.model_settings(llm.model).prices
    return CostConfiguration(
        model=llm.model,
        analysis_interval_minutes=analysis.interval_minutes,
        symbols_tracked=len(analysis.symbols),
        cache_duration_minutes=analysis.interval_minutes,
        max_tokens=llm.max_output_tokens,
        input_cost_per_1m_tokens=float(prices.input) if prices else None,
        cached_input_cost_per_1m_tokens=float(prices.cached_input) if prices else None,
        output_cost_per_1m_tokens=float(prices.output) if prices else None,
        prices_as_of=llm.prices_as_of.isoformat() if llm.prices_as_of else None,
        usd_to_vnd=float(llm.usd_to_vnd),
        budgets=Budgets(**llm.budgets.model_dump()),
    )
