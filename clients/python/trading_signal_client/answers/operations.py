"""Answers for operators: the store, the LLM, the service itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from trading_signal_client.answers.answer import Answer, Timeframe
from trading_signal_client.answers.jobs import JobStatus


class Strategies(Answer):
    strategies: list[str]


class ServiceInfo(Answer):
    service_name: str
    version: str
    supported_timeframes: list[Timeframe]
    supported_symbols: list[str]
    capabilities: list[str]


class PartProblem(Answer):
    part: str
    reason: str
    remedy: str


class LogLine(Answer):
    """One line of the log; secrets in it are masked."""

    time: datetime
    level: str
    message: str
    logger: str
    facts: dict[str, Any]
    exception: str | None


class Log(Answer):
    """The newest lines of the process that answers, the newest first."""

    lines: list[LogLine]


class Health(Answer):
    status: Literal["healthy", "degraded"]
    version: str
    timestamp: datetime
    model_loaded: bool
    models: dict[str, str | None]
    supported_symbols: list[str]
    degraded: list[str]
    problems: list[PartProblem]
    warnings: list[str]


class SafeMode(Answer):
    """While safe mode is on every signal is Neutral; `changed_at` is in epoch ms, None before the first switch."""

    enabled: bool
    reason: str | None
    changed_at: int | None


class DisabledPart(Answer):
    """A lane or strategy; `changed_at` is in epoch ms, None before the first change, as `by` is."""

    name: str
    kind: str
    disabled: bool
    reason: str | None
    by: str | None
    changed_at: int | None


class DisabledParts(Answer):
    """Every lane and strategy, and the names of those that take no part in answers."""

    disabled: list[str]
    parts: list[DisabledPart]


class BacktestQueued(Answer):
    message: str
    job_id: str
    status: JobStatus
    symbols: list[str]
    lane: str


class OptimiseQueued(BacktestQueued):
    trials: int
    folds: int


class BiasQueued(Answer):
    message: str
    job_id: str
    status: JobStatus
    symbol: str
    timeframe: Timeframe
    candles: int


class CacheCleared(Answer):
    message: str
    cleared_analyses: int


class CandlesRemoved(Answer):
    message: str
    symbol: str
    removed_candles: int


class ForecastCacheStats(Answer):
    cached_markets: int
    max_markets: int
    max_age_seconds: float
    hits: int
    misses: int
    hit_rate: float


class ForecastCacheCleared(Answer):
    message: str
    ticker: str
    invalidated: int


class SymbolStats(Answer):
    symbol: str
    analysis_count: int
    latest_analysis: datetime


class StorageStats(Answer):
    total_analyses: int
    symbols_analyzed: int
    symbol_breakdown: list[SymbolStats]
    archived_analyses: int
    cache_hits: int
    cache_misses: int
    cache_hit_rate: float
    store: str


class Spent(Answer):
    """Calls of the LLM and their costs."""

    total_requests: int
    total_tokens: int
    total_cost_usd: float
    total_cost_vnd: float
    unpriced_requests: int


class Costs(Answer):
    """The answer of `/ai/cost/statistics`."""

    session_statistics: Spent
    today: Spent
    this_month: Spent
    this_month_by_symbol: dict[str, Spent]
    optimization_status: dict[str, bool | float]
    timestamp: datetime


class LlmProbe(Answer):
    client_initialized: bool
    api_key_configured: bool
    status: Literal["ok", "failed"]
    model_used: str | None
    error: str | None
    diagnosis: str | None


class EngineSettings(Answer):
    """The trading engine's indicator settings: which are applied, and which are not supported."""

    applied: dict[str, float | list[int]]
    unsupported: dict[str, str]
    refreshed_at: datetime | None


class ServiceConfig(Answer):
    """Settings in force; those of models, trading and data are in `/docs`."""

    supported_timeframes: list[Timeframe]
    trading_config: dict[str, Any]
    data_config: dict[str, Any]
    engine_settings: EngineSettings
