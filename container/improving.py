"""The wing in which the service judges itself: reviews, decisions on them, retraining, emergencies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from config.settings import Settings
from domain.ledger.entries import LedgerLane, Origin
from domain.notices import Notice
from models.registry.registries import Registries, RegistryKey
from services.analysis.prompt import prompt_parts
from services.drift.watch import DriftWatch
from services.emergency.strategy_records import LiveStrategies
from services.emergency.watch import EmergencyWatch
from services.guards.disabled import Disabled
from services.jobs.service import JobService
from services.leases import Lease
from services.ledger.recording.lane_identities import LaneIdentities
from services.ledger.scoring.scores import LedgerScores
from services.llm.parts import LlmParts
from services.market_data.engine_settings import EngineSettings
from services.market_data.market_data import MarketData
from services.recalibration.renewing import ModelRecalibration
from services.reviews.decisions import SettingsInForce, SuggestionDecisions
from services.reviews.market_days import MarketDays
from services.reviews.nightly import NightlySelfAnalysis
from services.reviews.settings import SelfAnalyses
from services.reviews.week import WeekReader
from services.training.model_admin import ModelAdmin
from services.training.retraining import Retraining
from services.training.service import TrainingService
from storage.document_ports import DocumentStore
from storage.ledger_ports import LedgerStore
from storage.ports import SignalArchive
from storage.resilience.documents import ResilientDocuments
from utils.clock import Clock
from utils.concurrency import background


@dataclass(frozen=True)
class Reviews:
    """The parts that look at the service's own record and settings."""

    self_analyses: SelfAnalyses
    nightly: NightlySelfAnalysis
    decisions: SuggestionDecisions


def make_retraining(
    settings: Settings, models: ModelAdmin, training: TrainingService, jobs: JobService, drift: DriftWatch, clock: Clock
) -> Retraining:
    """Return what trains models in production anew, those with an alarm of drift first."""

    def drifting() -> dict[tuple[RegistryKey, str], str]:
        return {(found.key, found.version): found.reason for found in drift.alarms()}

    return Retraining(models, training, jobs, drifting, settings, clock)


def make_recalibration(
    settings: Settings,
    registries: Registries,
    stores: tuple[SignalArchive, DocumentStore, LedgerStore],
    announce: Callable[[], object],
    clock: Clock,
) -> ModelRecalibration:
    """Return what recalibrates models in production; `announce` tells every replica of it."""
    _, documents, ledger = stores
    return ModelRecalibration(registries, ledger, documents, settings.models, announce, clock)


@asynccontextmanager
async def open_emergency(
    settings: Settings,
    stores: tuple[SignalArchive, DocumentStore, LedgerStore],
    scores: LedgerScores,
    disabled: Disabled,
    notify: Callable[[Notice], None],
    clock: Clock,
) -> AsyncIterator[EmergencyWatch]:
    """Watch the live records of lanes and strategies in the background, on one replica at a time."""
    bounds, (archive, documents, ledger) = settings.emergency, stores
    lease = Lease(documents, "emergency", 3 * 60 * bounds.check_minutes, clock)
    watch = EmergencyWatch(scores, LiveStrategies(ledger, archive, clock), disabled, notify, lease, bounds, clock)
    async with background(watch.run(), "emergency watch"):
        yield watch


def make_reviews(
    settings: Settings,
    documents: ResilientDocuments,
    scores: LedgerScores,
    market_data: MarketData,
    models: ModelAdmin,
    llm: LlmParts,
    engine_settings: EngineSettings,
    retraining: Retraining,
    clock: Clock,
) -> Reviews:
    """Return the parts; what was accepted before is looked up in the settings of this start."""
    # What a question is made of is no lane's record: nothing notes its identities.
    identities = LaneIdentities(settings, engine_settings.indicators, prompt_parts(), lambda _: None)
    self_analyses = SelfAnalyses(
        documents=documents,
        scores=scores,
        week=WeekReader(
            scores,
            MarketDays(market_data, settings.analysis.symbols, clock),
            lambda version: identities.id_of(
                LedgerLane.MODEL, version, Origin.API, None, calibrated_at=models.calibrated_at(version)
            ),
            settings.self_analysis.days,
        ),
        model=models.production,
        journal=llm.journal,
        indicators=engine_settings.indicators,
        signals=settings.signals,
        clock=clock,
    )
    in_force = SettingsInForce(settings.indicators, settings.signals, engine_settings.overruled)
    decisions = SuggestionDecisions(documents, in_force, clock)
    documents.first(decisions.note_applied)
    nightly = NightlySelfAnalysis(
        self_analyses,
        documents,
        settings.self_analysis,
        retraining.because,
        asks_llm=llm.journal is not None,
    )
    return Reviews(self_analyses, nightly, decisions)
