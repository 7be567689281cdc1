"""The service itself: version, capabilities and strategies."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from api.dependencies import DefaultLimit
from api.parts import EvidencePart, ForecastingPart, ModelsPart, SettingsPart
from api.schemas.operation.system import ServiceInfo, Strategies, StrategyRecords
from domain.market import Timeframe
from rules.strategies import STRATEGY_NAMES
from rules.technical import MODEL_TYPE
from utils.version import SERVICE_NAME, service_version

CAPABILITIES = (
    "multi_timeframe_analysis",
    "technical_rules",
    "market_condition",
    "strategy_recommendations",
    "measured_performance",
    "signal_broadcast",
    "periodic_analysis",
    "trade_review",
)

router = APIRouter(prefix="/ai", tags=["insights"])


@router.get("/info", operation_id="info", summary="What the service can do", dependencies=[DefaultLimit])
async def info(settings: SettingsPart, forecasting: ForecastingPart, models: ModelsPart) -> ServiceInfo:
    """Return name, version, symbols, timeframes, capabilities, and when a model was last trained.

    `model_version` is a version in production, or the name of the rules where none is.
    """
    served = await forecasting.in_production()
    trained = await run_in_threadpool(models.last_trained)
    return ServiceInfo(
        service_name=SERVICE_NAME,
        version=service_version(),
        model_version=next(filter(None, served.values()), MODEL_TYPE),
        supported_timeframes=list(Timeframe),
        supported_symbols=list(settings.analysis.symbols),
        capabilities=[
            *CAPABILITIES,
            *(["llm_analysis"] if settings.llm.enabled else []),
            *(["model_forecasts"] if any(served.values()) else []),
        ],
        last_trained=trained.isoformat() if trained else None,
    )


@router.get("/strategies", operation_id="strategies", summary="Names of the strategies", dependencies=[DefaultLimit])
async def strategies() -> Strategies:
    """Return the names that `selected_strategies` may hold."""
    return Strategies(strategies=list(STRATEGY_NAMES))


@router.get(
    "/strategies/records",
    operation_id="strategy_records",
    summary="What came after the strategies leaned to a side",
    dependencies=[DefaultLimit],
)
async def strategy_records(used: EvidencePart, timeframe: Timeframe | None = None) -> StrategyRecords:
    """Return the measured record of each strategy: share of moments that were right, and the results of its plans.

    They are of the timeframe that is asked for, or else of the measured one nearest in length; without one, of the
    shortest.
    """
    evidence = used.weigher.evidence
    if evidence is None:
        return StrategyRecords(built_from=None, built_at=None, timeframe=None, timeframes=[], strategies=[])
    record = evidence.record(timeframe) if timeframe else evidence.records[0]
    return StrategyRecords(
        built_from=record.built_from,
        built_at=evidence.built_at,
        timeframe=record.timeframe,
        timeframes=[measured.timeframe for measured in evidence.records],
        strategies=list(record.strategies),
    )
