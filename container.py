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

from config.settings import AnalysisSettings, JobSettings, Settings
from domain.analysis import Analysis
from features.technical_indicators import TechnicalIndicators
from models.registry import Registry
from models.serving import LoadedModels
from services.analysis import AnalysisService
from services.analysts.analyst import Analyst
from services.analysts.fallback import FallbackAnalyst
from services.analysts.llm import LlmAnalyst
from services.analysts.technical import TechnicalAnalyst
from services.archive_scores import ArchiveScores
from services.engine_settings import EngineSettings, refreshed
from services.forecasting import Forecasting, count_load_failure, open_forecasting
from services.job_records import JobRecords
from services.jobs import JobService
from services.llm.parts import LlmParts, open_llm
from services.llm.patience import wait_for_a_key
from services.market_data.market_data import MarketData
from services.market_data.sources import check_sources, open_sources
from services.market_insights import MarketInsights
from services.model_admin import ModelAdmin
from services.outlooks import Outlooks
from services.periodic import PeriodicAnalysis
from services.predictions import Predictions
from services.recent_markets import RecentMarkets
from services.revisions import Revisions
from services.self_analyses import SelfAnalyses
from services.signal_feedback import SignalFeedback
from services.signal_hub import SignalHub
from services.signal_stream import SignalStream
from services.trade_reviews import TradeReviews
from services.training import TrainingService
from storage.document_ports import DocumentStore
from storage.factory import build_engine_candles, build_store, open_documents
from storage.resilient import ResilientStore
from tasks.in_process import InProcessRunner
from utils.clock import Clock, SystemClock


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
    documents: DocumentStore
    market_data: MarketData
    hub: SignalHub
    analysis: AnalysisService
    periodic: PeriodicAnalysis
    jobs: JobService
    forecasting: Forecasting
    predictions: Predictions
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
async def build_container(settings: Settings, job_table: str = "tasks.jobs") -> AsyncIterator[Container]:
    """Build the parts, and close them in the opposite order.

    Args:
        settings: Of everything.
        job_table: Module whose `JOBS` holds the functions that jobs run.

    Raises:
        ConfigurationError: a setting names an adapter that does not exist.
    """
    clock, stopping = SystemClock(), asyncio.Event()
    async with AsyncExitStack() as stack:
        store = ResilientStore(
            build_store(settings.storage),
            timeout_ms=settings.storage.timeout_ms,
            retry_seconds=settings.storage.retry_seconds,
        )
        stack.push_async_callback(store.close)
        await store.open()
        documents = await stack.enter_async_context(open_documents(settings.storage))
        client = await stack.enter_async_context(
            httpx2.AsyncClient(timeout=settings.market_data.timeout_seconds, follow_redirects=False)
        )
        executor = ThreadPoolExecutor(settings.analysis.worker_threads, thread_name_prefix="analysis")
        stack.callback(executor.shutdown, wait=False, cancel_futures=True)
        indicators = TechnicalIndicators(settings.indicators)
        engine_settings = EngineSettings(client, settings, indicators, clock)
        await stack.enter_async_context(refreshed(engine_settings))
        hub = SignalHub(settings.websocket.max_buffered_bytes)
        stack.callback(hub.close)
        llm = await stack.enter_async_context(open_llm(settings.llm, documents, clock))
        patience = partial(wait_for_a_key, llm.client, settings.llm.spacing_seconds)
        trades = TradeReviews(llm.journal, documents, llm.pending, clock, patience)
        trades.open()
        stack.push_async_callback(trades.close)
        opened = open_sources(
            settings.market_data, store, client, clock, lambda: build_engine_candles(settings.storage)
        )
        sources = await stack.enter_async_context(opened)
        market_data = MarketData(sources, settings.market_data, settings.analysis.min_candles, clock)
        registry = Registry(Path(settings.models.save_path))
        loaded = LoadedModels(registry, settings.models.serving.reload_seconds, count_load_failure)
        forecasting = stack.enter_context(open_forecasting(loaded, settings, store, clock))
        analysis = AnalysisService(
            store=store,
            market_data=market_data,
            analyst=_analyst(settings, llm, stopping),
            indicators=indicators,
            forecasting=forecasting,
            revisions=Revisions(store, settings.analysis.max_revision_factor),
            hub=hub,
            settings=settings.analysis,
            clock=clock,
            executor=executor,
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
        jobs = await stack.enter_async_context(_jobs(settings.jobs, job_table, documents, hub, clock))
        predictions = Predictions(
            forecasting, market_data, TechnicalAnalyst(), indicators, settings.analysis, clock, executor
        )
        markets = RecentMarkets(market_data, settings.analysis.interval_minutes, clock)
        models = ModelAdmin(registry, loaded, settings.analysis, clock)
        scores = ArchiveScores(store, settings.analysis.interval_minutes, clock)
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
            predictions=predictions,
            insights=MarketInsights(market_data, indicators, settings.analysis, settings.indicators, clock, executor),
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
            training=TrainingService(jobs, market_data, store.candle_history, settings, clock),
            models=models,
            llm=llm,
            trades=trades,
            engine_settings=engine_settings,
            stopping=stopping,
            signals=SignalStream(
                market_data, forecasting, _rules(settings.analysis), indicators, settings, clock, executor
            ),
        )
        container.readiness.ready = True
        try:
            yield container
        finally:
            container.readiness.ready = False


def _rules(settings: AnalysisSettings) -> TechnicalAnalyst:
    return TechnicalAnalyst(settings.model_weight if settings.blend == "weighted" else 0.0)


def _analyst(settings: Settings, llm: LlmParts, stopping: asyncio.Event) -> Analyst:
    """Return the rules, after the LLM where one is configured."""
    rules = _rules(settings.analysis)
    synthetic = settings.llm.ask_about_synthetic
    llm_analyst = LlmAnalyst(llm.journal, rules, ask_about_synthetic=synthetic) if llm.journal else None
    return FallbackAnalyst(llm_analyst, rules, stopping) if llm_analyst else rules


@asynccontextmanager
async def _jobs(
    settings: JobSettings, table: str, documents: DocumentStore, hub: SignalHub, clock: Clock
) -> AsyncIterator[JobService]:
    """Run jobs in child processes, until all of them are ended and their states are saved."""
    runner = InProcessRunner(timeout_seconds=settings.timeout_minutes * 60, table=table)
    records = JobRecords(documents, clock, keep_days=settings.keep_days)
    records.open()
    jobs = JobService(runner, records, hub, settings, clock)
    try:
        yield jobs
    finally:
        await jobs.close()
        await records.close()
