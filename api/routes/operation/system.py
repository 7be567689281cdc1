"""The index of the routes, the health of the service, and its metrics.

Probes may ask with HEAD; the server leaves the body out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from math import ceil

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool
from starlette.routing import BaseRoute

from api.accepted import prefers_html
from api.dependencies import DefaultLimit
from api.page_files import PageFiles
from api.parts import (
    ClockPart,
    ForecastingPart,
    HealthPart,
    HubPart,
    LlmPart,
    MarketDataPart,
    PeriodicPart,
    SafeModePart,
    SettingsPart,
    Stopping,
    StoreStatePart,
)
from api.schemas.operation.system import Cycle, Health, Liveness, PartProblem, Readiness, ServiceIndex
from api.schemas.problems import problem_responses
from domain.errors import NotReady
from services.health.service_health import ServiceHealth
from services.llm.status import can_be_asked, shutdown_warning
from utils.version import SERVICE_NAME, service_version

router = APIRouter(tags=["system"])

# Operations that the index has under another name: `signals` is the socket there.
NAMES = {"signals": "signal_batch"}


@router.head("/", include_in_schema=False, response_model=ServiceIndex, dependencies=[DefaultLimit])
@router.get(
    "/",
    operation_id="index",
    summary="Every route, and what is switched on",
    response_model=ServiceIndex,
    dependencies=[DefaultLimit],
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
)
async def index(request: Request, response: Response, settings: SettingsPart) -> ServiceIndex | Response:
    """Return every route by its name, and what is switched on; browsers, which prefer HTML, get the page."""
    if prefers_html(request.headers.get("accept", "")):
        files: PageFiles = request.app.state.page_files
        page = await run_in_threadpool(files.page)
        if page is not None:
            return page.answer(request.headers, "Accept")
    response.headers["Vary"] = "Accept"
    return ServiceIndex(
        service=SERVICE_NAME,
        version=service_version(),
        description="Candles in, trading signal out",
        endpoints=dict(_endpoints(request.app.routes)),
        documentation="/docs",
        features={
            "llm": settings.llm.enabled,
            "models": settings.analysis.blend != "off",
            "periodic_analysis": settings.periodic.enabled,
            "market_data_sources": list(settings.market_data.sources),
        },
    )


def _endpoints(routes: Sequence[BaseRoute]) -> Iterator[tuple[str, str]]:
    """Yield name and path of every documented route and of the socket."""
    for route in iter_route_contexts(routes):
        if isinstance(route.original_route, APIWebSocketRoute):
            yield str(route.name), str(route.path)
        elif isinstance(route.original_route, APIRoute) and route.include_in_schema:
            operation = str(route.operation_id)
            yield NAMES.get(operation, operation), str(route.path)


@router.head("/api/v1/health", include_in_schema=False)
@router.get("/api/v1/health", include_in_schema=False)
@router.head("/health", include_in_schema=False)
@router.get("/health", operation_id="health", summary="State of every part")
async def health(
    settings: SettingsPart,
    clock: ClockPart,
    store: StoreStatePart,
    llm: LlmPart,
    market_data: MarketDataPart,
    forecasting: ForecastingPart,
    hub: HubPart,
    periodic: PeriodicPart,
    safe_mode: SafeModePart,
    parts: HealthPart,
) -> Health:
    """Return 200 always, from memory alone: `degraded` names the parts that do not work, `problems` says why."""
    models, problems = forecasting.known_production(), _problems(parts)
    of_llm = shutdown_warning(settings.llm, clock) if llm.client is not None else None
    return Health(
        status="degraded" if problems else "healthy",
        service=SERVICE_NAME,
        version=service_version(),
        timestamp=clock.now(),
        mongodb_connected=store.kind == "mongodb" and store.state.available,
        gpt4_available=llm.client is not None and can_be_asked(llm.client.key_states()),
        api_key_configured=bool(settings.llm.keys),
        model_loaded=any(models.values()),
        models=models,
        supported_symbols=list(settings.analysis.symbols),
        analysis_interval_minutes=ceil(settings.analysis.interval_minutes),
        store=store.kind,
        degraded=[problem.part for problem in problems],
        problems=problems,
        warnings=[*filter(None, (of_llm, safe_mode.warning())), *parts.warnings(clock.now())],
        market_data=market_data.health(),
        websocket_clients=len(hub),
        log_lines_dropped=parts.log_lines_dropped,
        periodic_analysis=settings.periodic.enabled,
        last_cycle=Cycle(**asdict(periodic.last_cycle)) if periodic.last_cycle else None,
    )


@router.head("/livez", include_in_schema=False)
@router.get("/livez", operation_id="livez", summary="The process answers")
async def livez() -> Liveness:
    """Return 200 while the process runs, whatever its dependencies do."""
    return Liveness(status="alive")


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", operation_id="readyz", summary="Requests may come", responses=problem_responses(503))
async def readyz(stopping: Stopping, parts: HealthPart) -> Readiness:
    """Return 200 while requests may come; a store that is down degrades the service, no more."""
    if stopping.is_set():
        raise NotReady("the service is shutting down")
    problems = _problems(parts)
    names = [problem.part for problem in problems]
    return Readiness(status="degraded" if problems else "ready", degraded=names, problems=problems)


@router.head("/metrics", include_in_schema=False, dependencies=[DefaultLimit])
@router.get(
    "/metrics",
    operation_id="metrics",
    summary="Prometheus metrics",
    response_class=Response,
    dependencies=[DefaultLimit],
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics() -> Response:
    """Return every metric in Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _problems(parts: ServiceHealth) -> list[PartProblem]:
    return [PartProblem(**asdict(problem)) for problem in parts.degraded()]
