"""Answers about the service itself."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from api.schemas.responses import ResponseModel
from domain.market import Timeframe
from domain.trading.evidence import StrategyRecord


class ServiceIndex(ResponseModel):
    """The routes of the service."""

    service: str
    version: str
    description: str
    endpoints: Annotated[dict[str, str], Field(description="Path of every route, and of the socket, by name.")]
    documentation: str
    features: Annotated[dict[str, bool | list[str]], Field(description="What is switched on.")]


class ServiceInfo(ResponseModel):
    """The version, the markets and the capabilities of the service."""

    service_name: str
    version: str
    model_version: str
    supported_timeframes: list[Timeframe]
    supported_symbols: list[str]
    capabilities: list[str]
    last_trained: Annotated[str | None, Field(description="Newest version of a model, ISO 8601, UTC.")]


class Strategies(ResponseModel):
    """Names that `selected_strategies` may hold."""

    strategies: list[str]


class StrategyRecords(ResponseModel):
    """What came after moments at which a strategy leaned to a side, with 95 % intervals over clusters of time.

    `right` is by distance in candles, `expected_r` in units of the risk before costs.
    """

    built_from: Annotated[str | None, Field(description="The candles measured; null: no evidence is configured.")]
    built_at: str | None
    timeframe: Annotated[Timeframe | None, Field(description="Of these records.")]
    timeframes: Annotated[list[Timeframe], Field(description="All that were measured, each with records of its own.")]
    strategies: list[StrategyRecord]


class Cycle(ResponseModel):
    """The newest finished cycle of the periodic analysis."""

    started_at: Annotated[datetime, Field(description="ISO 8601, UTC.")]
    duration_seconds: float
    failures: Annotated[dict[str, str], Field(description="Why a symbol could not be analyzed, by symbol.")]


class PartProblem(ResponseModel):
    """A part that does not work, or not as it should."""

    part: Annotated[str, Field(description="store, llm, log.stderr, models, models_disk, model BTCUSDT 1h, …")]
    reason: str
    remedy: Annotated[str, Field(description="What to do, in a sentence.")]


class Health(ResponseModel):
    """The state of the service; a part that does not work is named, the service still answers."""

    status: Literal["healthy", "degraded"]
    service: str
    version: str
    timestamp: Annotated[datetime, Field(description="ISO 8601, UTC.")]
    mongodb_connected: bool
    gpt4_available: bool
    api_key_configured: bool
    model_loaded: Annotated[bool, Field(description="A model in production is in memory, or can be loaded.")]
    models: Annotated[
        dict[str, str | None],
        Field(description="Version in production by symbol (or *) and timeframe; null where none can be loaded."),
    ]
    supported_symbols: list[str]
    analysis_interval_minutes: Annotated[int, Field(description="Begun minutes: its readers take whole numbers.")]
    store: str
    degraded: Annotated[list[str], Field(description="Names of the parts that do not work now.")]
    problems: Annotated[list[PartProblem], Field(description="Why each of them does not work, and what to do.")]
    warnings: Annotated[list[str], Field(description="What will need an operator, such as the end of a model.")]
    market_data: Annotated[
        dict[str, bool | None], Field(description="Sources in order: works, fails, or null while not asked yet.")
    ]
    websocket_clients: int
    log_lines_dropped: Annotated[int, Field(description="Since the start: they could not be written.")]
    periodic_analysis: Annotated[bool, Field(description="The service analyzes its symbols by itself.")]
    last_cycle: Annotated[Cycle | None, Field(description="null before the first, or when the loop is off.")]


class Liveness(ResponseModel):
    """The process answers."""

    status: Literal["alive"]


class Readiness(ResponseModel):
    """Requests may come."""

    status: Literal["ready", "degraded"]
    degraded: Annotated[list[str], Field(description="Names of the parts that do not work now; requests are answered.")]
    problems: Annotated[list[PartProblem], Field(description="Why each of them does not work, and what to do.")]
