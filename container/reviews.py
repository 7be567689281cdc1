"""Subsystem in which the service judges itself: reviews, decisions on them, retraining, emergencies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from container.infrastructure import Infrastructure
from container.jobs import JobSubsystem
from container.ledger import LedgerSubsystem
from container.llm import LlmSubsystem
from container.markets import MarketSubsystem
from container.models import ModelSubsystem
from domain.ledger.entries import LedgerLane, Origin
from models.registry.registries import RegistryKey
from services.analysis.prompt import prompt_parts
from services.emergency.strategy_records import LiveStrategies
from services.emergency.watch import EmergencyWatch
from services.guards.disabled import Disabled
from services.leases import Lease
from services.ledger.recording.lane_identities import LaneIdentities
from services.reviews.decisions import SettingsInForce, SuggestionDecisions
from services.reviews.market_days import MarketDays
from services.reviews.nightly import NightlySelfAnalysis
from services.reviews.settings import SelfAnalyses
from services.reviews.week import WeekReader
from services.training.retraining import Retraining
from utils.concurrency import background


@dataclass(frozen=True)
class ReviewSubsystem:
    """The parts that look at the service's own record and settings, and act on them."""

    self_analyses: SelfAnalyses
    nightly: NightlySelfAnalysis
    decisions: SuggestionDecisions
    retraining: Retraining


@asynccontextmanager
async def open_review_subsystem(
    base: Infrastructure,
    markets: MarketSubsystem,
    llm: LlmSubsystem,
    ledger: LedgerSubsystem,
    models: ModelSubsystem,
    work: JobSubsystem,
    disabled: Disabled,
) -> AsyncIterator[ReviewSubsystem]:
    """Open the parts; what was accepted before is looked up in the settings of this start."""
    settings, documents = base.settings, base.stores.documents
    engine = markets.engine_settings
    self_analyses = _make_self_analyses(base, markets, llm, ledger, models)
    decisions = SuggestionDecisions(
        documents, SettingsInForce(settings.indicators, settings.signals, engine.overruled), base.clock
    )
    documents.first(decisions.note_applied)
    retraining = _make_retraining(base, models, work)
    nightly = NightlySelfAnalysis(
        self_analyses,
        documents,
        settings.self_analysis,
        retraining.because,
        asks_llm=llm.parts.journal is not None,
    )
    async with background(_emergency_watch(base, ledger, disabled).run(), "emergency watch"):
        yield ReviewSubsystem(self_analyses, nightly, decisions, retraining)


def _make_self_analyses(
    base: Infrastructure, markets: MarketSubsystem, llm: LlmSubsystem, ledger: LedgerSubsystem, models: ModelSubsystem
) -> SelfAnalyses:
    settings = base.settings
    # What a question is made of is no lane's record: nothing notes its identities.
    identities = LaneIdentities(settings, markets.indicators, prompt_parts(), lambda _: None)

    def model_lane_id(version: str) -> str:
        calibrated_at = models.admin.calibrated_at(version)
        return identities.id_of(LedgerLane.MODEL, version, Origin.API, None, calibrated_at=calibrated_at)

    return SelfAnalyses(
        documents=base.stores.documents,
        scores=ledger.scores,
        week=WeekReader(
            ledger.scores,
            MarketDays(markets.market_data, settings.analysis.symbols, base.clock),
            model_lane_id,
            settings.self_analysis.days,
        ),
        model=models.admin.production,
        journal=llm.parts.journal,
        indicators=markets.indicators,
        signals=settings.signals,
        clock=base.clock,
    )


def _make_retraining(base: Infrastructure, models: ModelSubsystem, work: JobSubsystem) -> Retraining:
    """Return what retrains models in production, those with an alarm of drift first."""

    def drifting() -> dict[tuple[RegistryKey, str], str]:
        return {(alarm.key, alarm.version): alarm.reason for alarm in models.drift.alarms()}

    return Retraining(models.admin, work.training, work.jobs, drifting, base.settings, base.clock)


def _emergency_watch(base: Infrastructure, records: LedgerSubsystem, disabled: Disabled) -> EmergencyWatch:
    """Return what watches the live records of lanes and strategies, on one replica at a time."""
    bounds, clock, (archive, documents, ledger) = base.settings.emergency, base.clock, base.stores
    lease = Lease(documents, "emergency", 3 * 60 * bounds.check_minutes, clock)
    strategies = LiveStrategies(ledger, archive, clock)
    return EmergencyWatch(records.scores, strategies, disabled, base.notices.send, lease, bounds, clock)
