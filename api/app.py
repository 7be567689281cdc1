"""The application: parts built for its lifetime, middleware, error handlers, routes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi_offline import FastAPIOffline
from loguru import logger
from starlette.routing import BaseRoute

from api.errors import install_error_handlers
from api.guard.clients_only import ClientsOnly
from api.guard.own_pages_only import OwnPagesOnly
from api.guard.rate_limit import limiter
from api.guard.request_context import RequestContext
from api.guard.shared_windows import SharedWindows
from api.guard.socket_shares import SocketShares
from api.openapi import describe
from api.page_files import PageFiles
from api.routes import page, websocket
from api.routes.analysis import analysis, candle_files, insights, market, signals, version_one
from api.routes.jobs import backtests, bias, candle_downloads, drill, evaluations, jobs, schedule, service_jobs
from api.routes.models import ml, models, predictions, training
from api.routes.operation import (
    configuration,
    disabled,
    llm,
    log,
    reports,
    safe_mode,
    self_analyses,
    storage,
    system,
    webhooks,
)
from api.routes.record import evidence, ledger, past, quality, replays, track_record, trades
from api.server.descriptors import Descriptors
from api.server.start_screen import log_access
from api.tracing import TracedRequests, telemetry_of
from config.server_settings import AccessSettings
from config.settings import Settings
from container import Container, build_container, make_tracing
from utils.concurrency import background
from utils.version import SERVICE_NAME, service_version

if TYPE_CHECKING:
    from utils.trace_export import Tracing  # loads the SDK

ContainerBuilder = Callable[[Settings], AbstractAsyncContextManager[Container]]

# Every router but the main job's route.
ROUTERS: tuple[APIRouter, ...] = (
    signals.newest_router,
    signals.router,
    market.router,
    candle_files.router,
    insights.router,
    version_one.router,
    predictions.router,
    ml.router,
    models.router,
    models.dashboard,
    training.router,
    training.dashboard,
    ledger.router,
    track_record.router,
    quality.router,
    evidence.router,
    replays.router,
    past.router,
    trades.router,
    jobs.router,
    schedule.router,
    backtests.router,
    bias.router,
    candle_downloads.router,
    drill.router,
    evaluations.router,
    # After all others below /jobs: it answers what no other route does.
    service_jobs.router,
    safe_mode.router,
    disabled.router,
    self_analyses.router,
    reports.router,
    webhooks.router,
    llm.router,
    storage.router,
    system.router,
    log.router,
    configuration.dashboard,
    page.router,
    websocket.router,
)

# The same routes under further paths, which the OpenAPI document leaves out.
ALIASES: tuple[tuple[APIRouter, str], ...] = (
    (configuration.dashboard, "/api/v1"),
    (jobs.router, "/api/v1"),
    (backtests.router, "/api/v1"),
    (models.dashboard, "/api/v1"),
    (training.dashboard, "/api/v1"),
    (quality.tools, "/api"),
)


def _included() -> list[BaseRoute]:
    """Return the routes of all routers, in their order."""
    together = APIRouter()
    for router in ROUTERS:
        together.include_router(router)
    for router, prefix in ALIASES:
        together.include_router(router, prefix=prefix, include_in_schema=False)
    return together.routes


# Of every app of a process: FastAPI takes a third of a second, at the first request, to read what they declare.
ROUTES = tuple(_included())


# The groups of the OpenAPI document.
TAGS = (
    {"name": "analysis", "description": "The main job: candles in, signal out."},
    {"name": "predictions", "description": "Forecasts of the models in production."},
    {"name": "insights", "description": "Of markets, strategies, the signals' quality and the service itself."},
    {"name": "ledger", "description": "What was said, and the outcomes."},
    {"name": "jobs", "description": "Long work, for operators; also under /api/v1/jobs."},
    {"name": "models", "description": "Training, and which version serves; /train, /model/… also under /api/v1."},
    {"name": "reports", "description": "Reports, notices and webhooks, for operators."},
    {"name": "llm", "description": "The language model, for operators: its costs, whether it answers."},
    {"name": "storage", "description": "The contents of the store, for operators."},
    {"name": "system", "description": "Health and metrics."},
)


def create_app(settings: Settings, build: ContainerBuilder = build_container) -> FastAPI:
    """Return the application; `build` makes its parts when it starts and closes them when it stops.

    Raises:
        ConfigurationError: traces are to be sent, and the libraries for it are not installed.
    """
    tracing = make_tracing(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        log_access(settings.access)
        traced = tracing.running() if tracing is not None else nullcontext()
        async with traced, build(settings) as container, _periodic(container):
            app.state.container = container
            link = container.base.replicas.link
            app.state.shared_windows = SharedWindows(link) if link is not None else None
            container.health.also(app.state.descriptors.degraded)
            yield
        await logger.complete()  # uvicorn ends the process by the signal that it got, without flushing the log

    app = FastAPIOffline(
        title=SERVICE_NAME,
        version=service_version(),
        description="Candles in, trading signal out. Signals are information, not advice.",
        lifespan=lifespan,
        docs_url="/docs",
        redoc_url=None,
        static_url="/docs-assets",
        telemetry=telemetry_of(tracing),
        openapi_tags=list(TAGS),
    )
    app.state.limiter = limiter
    app.state.shared_windows = None
    app.state.page_files = PageFiles()
    app.state.socket_shares = SocketShares(settings.websocket.max_clients_per_address)
    app.state.descriptors = Descriptors(settings.server.reserved_descriptors)
    # First, since it is called most: routes are tried in order.
    app.router.routes.insert(0, analysis.route)
    app.router.routes.extend(ROUTES)
    install_error_handlers(app)
    _add_middleware(app, settings.access, tracing)
    describe(app, clients_only=bool(settings.access.client_tokens))
    return app


def _add_middleware(app: FastAPI, access: AccessSettings, tracing: Tracing | None) -> None:
    """Put the layers around the application; the one that is added last is the outermost."""
    if access.client_tokens:
        # Inside of CORS, so that a browser may read the refusal and needs no token to ask beforehand.
        app.add_middleware(ClientsOnly, settings=access)
    app.add_middleware(OwnPagesOnly, settings=access)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(access.cors_origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["content-type", "x-client", "authorization"],
        expose_headers=["X-Request-ID", "Retry-After"],
    )
    app.add_middleware(RequestContext)
    if tracing is not None:
        app.add_middleware(TracedRequests, tracer=tracing.tracer)


def _periodic(container: Container) -> AbstractAsyncContextManager[None]:
    """Run the periodic analysis, when it is enabled, as long as the service runs."""
    if not container.base.settings.periodic.enabled:
        return nullcontext()
    return background(container.answers.periodic.run(), "periodic analysis")
