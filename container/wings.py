"""Wings of the service: parts that are opened together, and closed in the opposite order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial

import httpx2

from config.job_settings import JobSettings
from config.ledger_settings import LedgerSettings
from config.settings import Settings, StorageSettings
from domain.analysis import Analysis
from domain.trading.disabled import WhyDisabled
from features.indicators.technical_indicators import TechnicalIndicators
from rules.technical import TechnicalAnalyst
from services.analysis.analyst import Analyst
from services.analysis.fallback import FallbackAnalyst
from services.analysis.llm_analyst import LlmAnalyst
from services.analysis.loop_turn import LoopTurn
from services.analysis.periodic import PeriodicAnalysis
from services.analysis.prompt import prompt_parts
from services.analysis.service import AnalysisService
from services.broadcast.hub import SignalHub
from services.evidence_in_use import EvidenceInUse
from services.forecasts.shadow_forecasts import ShadowForecasts
from services.jobs.opening import run_jobs
from services.jobs.runner import KindRunner
from services.jobs.service import JobService
from services.leases import Lease
from services.ledger.calibration.live import LiveCalibration
from services.ledger.parity.nightly import NightlyParity
from services.ledger.recording.apart import ApartBudget
from services.ledger.recording.lane_identities import LaneIdentities, keep_identities
from services.ledger.recording.recorder import Recorder
from services.ledger.recording.shadow_entries import ShadowedSink
from services.ledger.replays.past_candles import PastCandles
from services.ledger.replays.replayer import Replayer
from services.ledger.scoring.lanes import LaneGate
from services.llm.parts import LlmParts
from services.market_data.engine_settings import EngineSettings
from services.market_data.market_data import MarketData
from services.market_data.sources.opening import open_sources
from services.schedule.scheduler import Scheduler
from storage.document_ports import DocumentStore
from storage.factory import build_engine_candles, open_stores
from storage.ledger_ports import LedgerStore
from storage.ports import CandleStore, SignalArchive
from storage.pruning import UnhurriedClock
from storage.resilience.documents import ResilientDocuments
from storage.resilience.ledger import ResilientLedger
from storage.resilience.store import ResilientStore
from storage.upkeep import keep_ledger_within_bounds, keep_within_bounds
from tasks.child_process import ChildProcessRunner
from utils.clock import Clock
from utils.concurrency import background

# A replica that ends without giving its lease up holds the others back for so long; longer than a night's look takes.
PARITY_LEASE_SECONDS = 1800.0


@asynccontextmanager
async def open_storage(
    settings: StorageSettings, ledger_settings: LedgerSettings, clock: Clock
) -> AsyncIterator[tuple[ResilientStore, ResilientDocuments, ResilientLedger]]:
    """Give the store of analyses and the ledger, both kept within their bounds, and the store of documents."""
    retention = timedelta(days=ledger_settings.retention_days)
    async with (
        open_stores(settings) as (store, documents, ledger),
        background(keep_within_bounds(store), "store upkeep"),
        background(keep_ledger_within_bounds(ledger, retention, UnhurriedClock(clock)), "ledger upkeep"),
    ):
        yield store, documents, ledger


@asynccontextmanager
async def open_market_data(
    settings: Settings, store: CandleStore, client: httpx2.AsyncClient, clock: Clock
) -> AsyncIterator[MarketData]:
    """Give the chain of the configured sources."""
    engine_candles, symbols = partial(build_engine_candles, settings.storage), settings.analysis.symbols
    async with open_sources(settings.market_data, symbols, store, client, clock, engine_candles) as sources:
        yield MarketData(sources, settings.market_data, settings.analysis.min_candles, symbols, clock)


@asynccontextmanager
async def open_engine_settings(
    settings: Settings, client: httpx2.AsyncClient, indicators: TechnicalIndicators, clock: Clock
) -> AsyncIterator[EngineSettings]:
    """Keep the indicators in step with the trading engine, in the background."""
    engine = EngineSettings(client, settings, indicators, clock)
    async with background(engine.run(), "engine settings"):
        yield engine


@asynccontextmanager
async def open_calibration(
    evidence: EvidenceInUse, ledger: LedgerStore, documents: DocumentStore, clock: Clock, announce: Callable[[], None]
) -> AsyncIterator[LiveCalibration]:
    """Refit the evidence in the background, on one replica at a time; what was adopted before is in use at once."""
    lease = Lease(documents, "calibration", 3600, clock)
    calibration = LiveCalibration(evidence, ledger, documents, lease, clock, announce=announce)
    async with background(calibration.run(), "live calibration"):
        yield calibration


@asynccontextmanager
async def open_jobs(
    settings: JobSettings, table: str, documents: ResilientDocuments, hub: SignalHub, clock: Clock
) -> AsyncIterator[tuple[JobService, KindRunner]]:
    """Run jobs here, or tell workers of them by Celery; the runner waits for the service's own work."""
    timeout_seconds = settings.timeout_minutes * 60
    runner = KindRunner(ChildProcessRunner(timeout_seconds=timeout_seconds, table=table), timeout_seconds)
    async with AsyncExitStack() as stack:
        make_launcher = None
        if settings.backend == "celery":
            from tasks.celery_launcher import open_celery  # a service without a broker does without it

            make_launcher = await stack.enter_async_context(open_celery(settings, documents, clock))
        running = run_jobs(settings, runner, documents, hub, clock, make_launcher=make_launcher)
        yield await stack.enter_async_context(running), runner


@asynccontextmanager
async def open_schedule(
    settings: Settings, jobs: JobService, documents: DocumentStore, clock: Clock, *, beat: bool
) -> AsyncIterator[Scheduler]:
    """Queue in the background what is due; with Celery the processes of `cli.py beat` do that."""
    scheduler = Scheduler(jobs, documents, settings.schedule, clock)
    async with AsyncExitStack() as stack:
        if beat or settings.jobs.backend == "child_process":
            await stack.enter_async_context(background(scheduler.run(), "schedule"))
        yield scheduler


def choose_analyst(
    settings: Settings,
    llm: LlmParts,
    rules: TechnicalAnalyst,
    gate: LaneGate,
    why_disabled: WhyDisabled,
    stopping: asyncio.Event,
) -> Analyst:
    """Return the rules, after the LLM where one is configured."""
    if llm.journal is None:
        return rules
    asked = LlmAnalyst(llm.journal, rules, gate, why_disabled, ask_about_synthetic=settings.llm.ask_about_synthetic)
    return FallbackAnalyst(asked, rules, stopping)


@asynccontextmanager
async def open_parity(
    settings: Settings,
    ledger: LedgerStore,
    store: SignalArchive,
    documents: DocumentStore,
    replayer: Replayer,
    candles: PastCandles,
    indicators: TechnicalIndicators,
    clock: Clock,
) -> AsyncIterator[NightlyParity]:
    """Certify each day of the ledger in the background, on one replica at a time."""
    # What a replay is made of is no lane's record: nothing notes its identities.
    identities = LaneIdentities(settings, indicators, prompt_parts(), lambda _: None)
    parity = NightlyParity(
        ledger=ledger,
        archive=store,
        documents=documents,
        replayer=replayer,
        candles=candles,
        identities=identities,
        lease=Lease(documents, "parity", PARITY_LEASE_SECONDS, clock),
        settings=settings,
        clock=clock,
    )
    async with background(parity.run(), "parity of replays"):
        yield parity


def make_recorder(
    settings: Settings,
    ledger: ResilientLedger,
    documents: ResilientDocuments,
    indicators: TechnicalIndicators,
    evidence: EvidenceInUse,
    shadows: ShadowForecasts,
    clock: Clock,
) -> Recorder:
    """Return what writes answers into the ledger, with those of candidates beside them."""
    prompt, keep = prompt_parts(), keep_identities(documents, clock)
    identities, beside = (LaneIdentities(settings, indicators, prompt, keep) for _ in range(2))
    sink = ShadowedSink(ledger, shadows, beside, clock)
    return Recorder(sink, identities, evidence, ApartBudget(settings.ledger), clock)


def make_periodic(
    settings: Settings,
    analysis: AnalysisService,
    patience: Callable[[], Awaitable[None]],
    documents: DocumentStore,
    clock: Clock,
) -> PeriodicAnalysis:
    """Return the loop over the configured symbols; with `patience` it waits for a key of the LLM."""
    lease_seconds = settings.periodic.lease_seconds

    async def analyze(symbol: str) -> Analysis:
        await patience()
        return await analysis.refresh(symbol)

    return PeriodicAnalysis(
        analyze,
        settings.analysis.symbols,
        interval_seconds=settings.analysis.interval_minutes * 60,
        pause_seconds=settings.periodic.pause_seconds,
        turn=LoopTurn(Lease(documents, "periodic", lease_seconds, clock), lease_seconds),
    )
