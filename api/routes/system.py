"""Where things are, how the service feels, and its metrics.

Probes may ask with HEAD; the server leaves the body out.
"""

from __future__ import annotations

from dataclasses import asdict
from math import ceil

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.dependencies import get_container
from api.schemas.problems import problem_responses
from api.schemas.system import Cycle, DegradedPart, Health, Liveness, Readiness, ServiceIndex
from config.version import SERVICE_NAME, service_version
from container import Container
from domain.errors import NotReady
from services.llm.status import can_be_asked, shutdown_warning

router = APIRouter(tags=["system"])


@router.head("/", include_in_schema=False)
@router.get("/", operation_id="index", summary="Where things are")
async def index(request: Request) -> ServiceIndex:
    """Return the main routes, and what is switched on."""
    settings = get_container(request).settings
    return ServiceIndex(
        service=SERVICE_NAME,
        version=service_version(),
        description="Candles in, trading signal out",
        endpoints={
            "analyze": "/ai/analyze",
            "signal_batch": "/ai/signals",
            "predict": "/ai/predict",
            "predict_trend": "/predict-trend",
            "market_condition": "/ai/market-condition",
            "strategy_recommendations": "/ai/strategy-recommendations",
            "info": "/ai/info",
            "strategies": "/ai/strategies",
            "storage_stats": "/ai/storage/stats",
            "signals": "/ws",
            "health": "/health",
            "metrics": "/metrics",
        },
        documentation="/docs",
        features={
            "llm": settings.llm.enabled,
            "models": settings.analysis.blend != "off",
            "periodic_analysis": settings.periodic.enabled,
            "market_data_sources": list(settings.market_data.sources),
        },
    )


@router.head("/api/v1/health", include_in_schema=False)
@router.get("/api/v1/health", include_in_schema=False)
@router.head("/health", include_in_schema=False)
@router.get("/health", operation_id="health", summary="State of every part")
async def health(request: Request) -> Health:
    """Return 200 always, from memory alone: a part that does not work is named in `degraded`, with the remedy."""
    container = get_container(request)
    models = container.forecasting.known_production()
    degraded = _degraded(container)
    return Health(
        status="degraded" if degraded else "healthy",
        service=SERVICE_NAME,
        version=service_version(),
        timestamp=container.clock.now(),
        mongodb_connected=container.store.kind == "mongodb" and container.store.available,
        gpt4_available=container.llm.client is not None and can_be_asked(container.llm.client.key_states()),
        api_key_configured=bool(container.settings.llm.keys),
        model_loaded=any(models.values()),
        models=models,
        supported_symbols=list(container.settings.analysis.symbols),
        analysis_interval_minutes=ceil(container.settings.analysis.interval_minutes),
        store=container.store.kind,
        degraded=degraded,
        warnings=_warnings(container),
        market_data=container.market_data.health(),
        websocket_clients=len(container.hub),
        log_lines_dropped=container.health.log_lines_dropped,
        last_cycle=Cycle(**asdict(cycle)) if (cycle := container.periodic.last_cycle) else None,
    )


@router.head("/livez", include_in_schema=False)
@router.get("/livez", operation_id="livez", summary="The process answers")
async def livez() -> Liveness:
    """Return 200 while the process runs, whatever its dependencies do."""
    return Liveness(status="alive")


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", operation_id="readyz", summary="Requests may come", responses=problem_responses(503))
async def readyz(request: Request) -> Readiness:
    """Return 200 while requests may come; a store that is down degrades the service, no more."""
    container = get_container(request)
    if container.stopping.is_set():
        raise NotReady("the service is shutting down")
    degraded = _degraded(container)
    return Readiness(status="degraded" if degraded else "ready", degraded=degraded)


@router.head("/metrics", include_in_schema=False)
@router.get(
    "/metrics",
    operation_id="metrics",
    summary="Prometheus metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics() -> Response:
    """Return every metric in Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _degraded(container: Container) -> list[DegradedPart]:
    return [DegradedPart(**asdict(found)) for found in container.health.degraded()]


def _warnings(container: Container) -> list[str]:
    warning = shutdown_warning(container.settings.llm, container.clock) if container.llm.client is not None else None
    return [warning] if warning else []
