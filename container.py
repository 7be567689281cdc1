"""The one place where adapters are chosen and the parts are put together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx2

from config.settings import JobSettings, Settings
from domain.analysis import Analysis
from features.indicators.technical_indicators import TechnicalIndicators
from models.registry.registry import Registry
from models.serving.loaded_models import LoadedModels
from rules.technical import TechnicalAnalyst
from services.analysis.analyst import Analyst
from services.analysis.fallback import FallbackAnalyst
from services.analysis.llm_analyst import LlmAnalyst
from services.analysis.periodic import PeriodicAnalysis
from services.analysis.revisions import Revisions
from services.analysis.service import AnalysisService
from services.broadcast.hub import SignalHub
from services.forecast_requests import ForecastRequests
from services.forecasts.forecasting import Forecasting, count_load_failure, open_forecasting
from services.forecasts.outlooks import Outlooks
from services.health.model_watch import ModelWatch
from services.health.service_health import ServiceHealth, open_health
from services.insights import MarketInsights
from services.jobs.records import JobRecords
from services.jobs.service import JobService
from services.ledger.archive_scores import ArchiveScores
from services.ledger.feedback import SignalFeedback
from services.llm.calling.patience import wait_for_a_key
from services.llm.parts import LlmParts, open_llm
from services.market_data.engine_settings import EngineSettings
from services.market_data.market_data import MarketData
from services.market_data.recent_markets import RecentMarkets
from services.market_data.sources.opening import check_sources, open_sources
from services.market_reader import MarketReader
from services.retention import Retention, ages
from services.reviews.settings import SelfAnalyses
from services.reviews.trades import TradeReviews
from services.signals.stream import SignalStream
from services.training.model_admin import ModelAdmin
from services.training.service import TrainingService
from storage.factory import build_engine_candles, build_store, open_documents, open_store
from storage.resilience.documents import ResilientDocuments
from storage.resilience.store import ResilientStore
from storage.upkeep import keep_within_bounds
from tasks.child_process import InProcessRunner
from utils.clock import Clock, SystemClock
from utils.concurrency import background
from utils.logging import NO_LOGS, Logs


@dataclass
class Readiness:
    """Whether requests should come: not before everything is built, nor once it is being closed."""

    ready: bool = False


@dataclass(frozen=True)
class Container:
    """Every part of the running service, one typed field each."""

    settings: Settings
    clock: Clock
    store: ResilientStore
    documents: ResilientDocuments
    market_data: MarketData
    hub: SignalHub
    analysis: AnalysisService
    periodic: PeriodicAnalysis
    jobs: JobService
    forecasting: Forecasting
    forecast_requests: ForecastRequests
    insights: MarketInsights
    feedback: SignalFeedback
    self_analyses: SelfAnalyses
    outlooks: Outlooks
    training: TrainingService
    models: ModelAdmin
    llm: LlmParts
    trades: TradeReviews
    signals: SignalStream
    engine_settings: EngineSettings
    # Set when the server begins to stop: requests under way are answered without what takes long.
    stopping: asyncio.Event
    health: ServiceHealth
    readiness: Readiness = field(default_factory=Readiness)


def check_adapters(settings: Settings) -> None:
    """Refuse settings that no adapter can be made of, before anything has started.

    Raises:
        ConfigurationError: one line that names the setting.
    """
    build_store(settings.storage)
    check_sources(settings.market_data)
    if "engine_db" in settings.market_data.sources:
        build_engine_candles(settings.storage)


@asynccontextmanager
async def build_container(
    settings: Settings, job_table: str = "tasks.jobs", logs: Logs = NO_LOGS
) -> AsyncIterator[Container]:
    """Build the parts, and close them in the opposite order.

    Args:
        settings: Of everything.
        job_table: Module whose `JOBS` holds the functions that jobs run.
        logs: Where the process logs to, for /health.

    Raises:
        ConfigurationError: a setting names an adapter that does not exist.
    """
    clock, stopping = SystemClock(), asyncio.Event()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(settings.storage))
        await stack.enter_async_context(background(keep_within_bounds(store)))
        documents = await stack.enter_async_context(open_documents(settings.storage))
        client = await stack.enter_async_context(
            httpx2.AsyncClient(timeout=settings.market_data.timeout_seconds, follow_redirects=False)
        )
        executor = ThreadPoolExecutor(settings.analysis.worker_threads, thread_name_prefix="analysis")
        stack.callback(executor.shutdown, wait=False, cancel_futures=True)
        indicators = TechnicalIndicators(settings.indicators)
        engine_settings = EngineSettings(client, settings, indicators, clock)
        await stack.enter_async_context(background(engine_settings.run(), "engine settings"))
        hub = SignalHub(settings.websocket.max_buffered_bytes)
        stack.callback(hub.close)
        llm = await stack.enter_async_context(open_llm(settings.llm, documents, clock))
        patience = partial(wait_for_a_key, llm.client, settings.llm.spacing_seconds)
        trades = TradeReviews(llm.journal, documents, settings.trades, clock, patience)
        trades.open()
        stack.push_async_callback(trades.close)
        opened = open_sources(
            settings.market_data, store, client, clock, lambda: build_engine_candles(settings.storage)
        )
        sources = await stack.enter_async_context(opened)
        market_data = MarketData(sources, settings.market_data, settings.analysis.min_candles, clock)
        registry = Registry(Path(settings.models.save_path))
        loaded = LoadedModels(registry, settings.models.serving.reload_seconds, count_load_failure)
        watch = ModelWatch(registry, loaded, settings.models.serving.reload_seconds)
        health = open_health(store, documents, llm.client, market_data, watch, logs)
        forecasting = stack.enter_context(open_forecasting(loaded, settings, store, clock))
        reader = MarketReader(indicators, forecasting, settings.analysis, clock, executor)
        rules = TechnicalAnalyst()
        analysis = AnalysisService(
            store=store,
            market_data=market_data,
            reader=reader,
            analyst=_analyst(settings, llm, rules, stopping),
            revisions=Revisions(store, settings.analysis.max_revision_factor),
            hub=hub,
            settings=settings.analysis,
            clock=clock,
        )

        async def analyze(symbol: str) -> Analysis:
            await patience()
            return await analysis.refresh(symbol)

        periodic = PeriodicAnalysis(
            analyze,
            settings.analysis.symbols,
            interval_seconds=settings.analysis.interval_minutes * 60,
            pause_seconds=settings.periodic.pause_seconds,
        )
        await stack.enter_async_context(background(Retention(documents, clock, ages(settings)).run()))
        jobs = await stack.enter_async_context(_jobs(settings.jobs, job_table, documents, hub, clock))
        forecast_requests = ForecastRequests(forecasting, market_data, reader, rules, clock)
        markets = RecentMarkets(market_data, settings.analysis.interval_minutes, clock)
        models = ModelAdmin(registry, loaded, settings.analysis, clock)
        scores = ArchiveScores(store, store, settings.analysis.interval_minutes, clock)
        container = Container(
            settings=settings,
            clock=clock,
            store=store,
            documents=documents,
            market_data=market_data,
            hub=hub,
            analysis=analysis,
            periodic=periodic,
            jobs=jobs,
            forecasting=forecasting,
            forecast_requests=forecast_requests,
            insights=MarketInsights(market_data, reader, settings.indicators, settings.analysis.symbols[0]),
            feedback=SignalFeedback(documents, store, scores, clock),
            self_analyses=SelfAnalyses(
                documents=documents,
                scores=scores,
                model=models.production,
                journal=llm.journal,
                indicators=indicators,
                signals=settings.signals,
                clock=clock,
            ),
            outlooks=Outlooks(markets, forecasting, clock),
            training=TrainingService(jobs, market_data, store, settings, clock),
            models=models,
            llm=llm,
            trades=trades,
            engine_settings=engine_settings,
            stopping=stopping,
            health=await stack.enter_async_context(health),
            signals=SignalStream(market_data, reader, rules, settings.signals, clock, executor),
        )
        container.readiness.ready = True
        try:
            yield container
        finally:
            container.readiness.ready = False


def _analyst(settings: Settings, llm: LlmParts, rules: TechnicalAnalyst, stopping: asyncio.Event) -> Analyst:
    """Return the rules, after the LLM where one is configured."""
    synthetic = settings.llm.ask_about_synthetic
    llm_analyst = LlmAnalyst(llm.journal, rules, ask_about_synthetic=synthetic) if llm.journal else None
    return FallbackAnalyst(llm_analyst, rules, stopping) if llm_analyst else rules


@asynccontextmanager
async def _jobs(
    settings: JobSettings, table: str, documents: ResilientDocuments, hub: SignalHub, clock: Clock
) -> AsyncIterator[JobService]:
    """Run jobs in child processes, until all of them are ended and their states are saved."""
    runner = InProcessRunner(timeout_seconds=settings.timeout_minutes * 60, table=table)
    records = JobRecords(documents, clock)
    records.open()
    jobs = JobService(runner, records, hub, settings, clock)
    try:
        yield jobs
    finally:
        await jobs.close()
