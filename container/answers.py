"""Subsystem of the answers: analyses, signals, forecasts and insights, how they are recorded, and how replayed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from container.infrastructure import Infrastructure
from container.ledger import LedgerSubsystem
from container.llm import LlmSubsystem
from container.markets import MarketSubsystem
from container.models import ModelSubsystem
from domain.analysis import Analysis
from domain.trading.disabled import RULES, WhyDisabled
from rules.technical import TechnicalAnalyst
from services.analysis.analyst import Analyst
from services.analysis.fallback import FallbackAnalyst
from services.analysis.llm_analyst import LlmAnalyst
from services.analysis.loop_turn import LoopTurn
from services.analysis.making import AnalysisMaker
from services.analysis.periodic import PeriodicAnalysis
from services.analysis.prompt import prompt_parts
from services.analysis.publication import Publication
from services.analysis.revisions import Revisions
from services.analysis.service import AnalysisService
from services.following.follower import make_follower
from services.forecast_requests import ForecastRequests
from services.guards.guards import Guards
from services.insights import MarketInsights
from services.leases import Lease
from services.ledger.parity.day_replays import DayReplays
from services.ledger.parity.nightly import NightlyParity
from services.ledger.recording.apart import ApartBudget
from services.ledger.recording.lane_identities import LaneIdentities, keep_identities
from services.ledger.recording.recorder import Recorder
from services.ledger.recording.shadow_entries import ShadowedSink
from services.ledger.replays.past_candles import PastCandles
from services.ledger.replays.replayer import Replayer
from services.ledger.replays.replays import Replays
from services.market_reader import MarketReader
from services.outlooks import Outlooks
from services.signals.stream import SignalStream
from services.trends import Trends
from utils.concurrency import background

PARITY_LEASE_SECONDS = 1800.0


@dataclass(frozen=True)
class AnswerSubsystem:
    """The parts that answer, each for one kind of question."""

    analysis: AnalysisService
    revisions: Revisions
    periodic: PeriodicAnalysis
    signals: SignalStream
    insights: MarketInsights
    forecast_requests: ForecastRequests
    trends: Trends
    outlooks: Outlooks
    replays: Replays
    parity: NightlyParity


@asynccontextmanager
async def open_answer_subsystem(
    base: Infrastructure,
    markets: MarketSubsystem,
    llm: LlmSubsystem,
    ledger: LedgerSubsystem,
    models: ModelSubsystem,
    guards: Guards,
) -> AsyncIterator[AnswerSubsystem]:
    """Open the parts; each day of the ledger is replayed in the background."""
    settings, clock, market_data, forecasting = base.settings, base.clock, markets.market_data, models.forecasting
    rules, why_disabled = TechnicalAnalyst(), guards.disabled.why
    reader = MarketReader(
        markets.indicators, forecasting, settings.analysis, ledger.evidence, clock, base.executor, why_disabled
    )
    recorder = _make_recorder(base, markets, ledger, models)
    revisions = Revisions(base.stores.analyses, settings.analysis.max_revision_factor, base.replicas.hints)
    analyst = _choose_analyst(base, llm, rules, ledger, why_disabled)
    analysis = AnalysisService(
        store=base.stores.analyses,
        maker=AnalysisMaker(market_data, reader, analyst, guards, revisions, recorder, clock),
        guards=guards,
        publication=Publication(recorder, guards, base.webhooks, base.hub),
        hints=base.replicas.hints,
        follow=make_follower(models.served, forecasting, ledger.followed, clock).follow,
        settings=settings.analysis,
        clock=clock,
    )
    past_candles = PastCandles(base.stores.analyses, market_data, settings, clock)
    replayer = Replayer(reader, models.past, rules)
    parity = _make_parity(base, markets, replayer, past_candles)
    async with background(parity.run(), "parity of replays"):
        yield AnswerSubsystem(
            analysis=analysis,
            revisions=revisions,
            periodic=_make_periodic(base, llm, analysis),
            signals=SignalStream(market_data, reader, rules, guards, recorder, settings.signals, clock, base.executor),
            insights=MarketInsights(market_data, reader, settings, why_disabled),
            forecast_requests=ForecastRequests(forecasting, market_data, recorder, guards.safe_mode.why, clock),
            trends=Trends(
                forecasting,
                market_data,
                reader,
                rules,
                recorder,
                lambda: guards.safe_mode.why() or why_disabled(RULES),
                clock,
            ),
            outlooks=Outlooks(markets.recent, forecasting, recorder, ledger.bands, guards.safe_mode.why, clock),
            replays=Replays(replayer, past_candles, guards, base.stores.ledger, base.stores.documents),
            parity=parity,
        )


def _choose_analyst(
    base: Infrastructure, llm: LlmSubsystem, rules: TechnicalAnalyst, ledger: LedgerSubsystem, why_disabled: WhyDisabled
) -> Analyst:
    """Return the rules, after the LLM where one is configured."""
    journal, ask_about_synthetic = llm.parts.journal, base.settings.llm.ask_about_synthetic
    if journal is None:
        return rules
    llm_analyst = LlmAnalyst(journal, rules, ledger.lanes.gate, why_disabled, ask_about_synthetic=ask_about_synthetic)
    return FallbackAnalyst(llm_analyst, rules, base.stopping)


def _make_recorder(
    base: Infrastructure, markets: MarketSubsystem, ledger: LedgerSubsystem, models: ModelSubsystem
) -> Recorder:
    """Return what writes answers into the ledger, with those of candidates beside them."""
    prompt, keep = prompt_parts(), keep_identities(base.stores.documents, base.clock)
    identities, beside = (LaneIdentities(base.settings, markets.indicators, prompt, keep) for _ in range(2))
    sink = ShadowedSink(base.stores.ledger, models.shadows, beside, base.clock)
    return Recorder(sink, identities, ledger.evidence, ApartBudget(base.settings.ledger), base.clock)


def _make_parity(
    base: Infrastructure, markets: MarketSubsystem, replayer: Replayer, candles: PastCandles
) -> NightlyParity:
    """Return what certifies each day of the ledger, on one replica at a time."""
    store, documents, ledger = base.stores
    # What a replay is made of is no lane's record: nothing notes its identities.
    identities = LaneIdentities(base.settings, markets.indicators, prompt_parts(), lambda _: None)
    days = DayReplays(ledger, store, replayer, candles, identities, base.settings, base.clock)
    return NightlyParity(days, documents, Lease(documents, "parity", PARITY_LEASE_SECONDS, base.clock), base.clock)


def _make_periodic(base: Infrastructure, llm: LlmSubsystem, analysis: AnalysisService) -> PeriodicAnalysis:
    """Return the loop over the configured symbols, which waits for a key of the LLM."""
    settings = base.settings
    lease_seconds = settings.periodic.lease_seconds

    async def analyze(symbol: str) -> Analysis:
        await llm.patience()
        return await analysis.refresh(symbol)

    return PeriodicAnalysis(
        analyze,
        settings.analysis.symbols,
        interval_seconds=settings.analysis.interval_minutes * 60,
        pause_seconds=settings.periodic.pause_seconds,
        turn=LoopTurn(Lease(base.stores.documents, "periodic", lease_seconds, base.clock), lease_seconds),
        clock=base.clock,
    )
