"""Answers about the LLM: its costs, and a call to it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field

from api.schemas.responses import ResponseModel
from services.llm.calling.key_ring import KeyStatus
from services.llm.probe import Probe


class Spent(ResponseModel):
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


class Projections(ResponseModel):
    """At the pace of the current month."""

    estimated_daily_cost_usd: float
    estimated_daily_cost_vnd: float
    estimated_monthly_cost_usd: float
    estimated_monthly_cost_vnd: float


class Budgets(ResponseModel):
    """USD per UTC day and month; null: no such limit."""

    daily_warning_usd: float | None
    daily_stop_usd: float | None
    monthly_warning_usd: float | None
    monthly_stop_usd: float | None


class CostConfiguration(ResponseModel):
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


class KeyReport(ResponseModel):
    """One API key, by its place in the configuration; nothing of the key itself."""

    number: int
    status: KeyStatus
    ready_in_seconds: float | None
    reason: str | None
    calls: int
    failures: int


class CostStatistics(ResponseModel):
    """What the LLM costs."""

    session_statistics: SessionStatistics
    today: Spent
    this_month: Spent
    this_month_by_symbol: dict[str, Spent]
    projections: Projections
    configuration: CostConfiguration
    optimization_status: dict[str, bool | float]
    keys: list[KeyReport]
    timestamp: Annotated[datetime, Field(description="ISO 8601, UTC.")]


class LlmProbe(ResponseModel):
    """The result of one call to the LLM."""

    client_initialized: bool
    api_key_configured: bool
    status: Literal["ok", "failed"]
    test_response: str | None
    model_used: str | None
    error: str | None
    error_type: str | None
    diagnosis: Annotated[str | None, Field(description="What to do about it.")]

    @classmethod
    def of(cls, found: Probe, *, client: bool, key: bool) -> Self:
        """Return the answer for a call; `client` and `key` tell whether they are configured."""
        return cls(
            client_initialized=client,
            api_key_configured=key,
            status="failed" if found.error else "ok",
            test_response=found.answer,
            model_used=found.model,
            error=found.error,
            error_type=found.reason,
            diagnosis=found.diagnosis,
        )
