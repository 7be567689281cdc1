"""The parts of the running service."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from config.settings import Settings
from services.analysis.periodic import PeriodicAnalysis
from services.analysis.revisions import Revisions
from services.analysis.service import AnalysisService
from services.backtests.service import BacktestService
from services.bias.service import BiasService
from services.broadcast.hub import SignalHub
from services.candle_files.reader import CandleFileReader
from services.drift.watch import DriftWatch
from services.emergency.watch import EmergencyWatch
from services.evaluating.service import EvaluationService
from services.evidence.in_use import EvidenceInUse
from services.evidence.service import EvidenceService
from services.forecast_requests import ForecastRequests
from services.forecasts.forecasting import Forecasting
from services.guards.disabled import Disabled
from services.guards.safe_mode import SafeMode
from services.health.service_health import ServiceHealth
from services.insights import MarketInsights
from services.jobs.service import JobService
from services.ledger.calibration.live import LiveCalibration
from services.ledger.feedback import SignalFeedback
from services.ledger.parity.nightly import NightlyParity
from services.ledger.past_analyses import PastAnalyses
from services.ledger.reader import LedgerReader
from services.ledger.recording.lane_versions import LaneVersions
from services.ledger.replays.replays import Replays
from services.ledger.scoring.lanes import LaneWatch
from services.ledger.scoring.scores import LedgerScores
from services.ledger.signal_performance import SignalPerformance
from services.llm.parts import LlmParts
from services.market_data.engine_settings import EngineSettings
from services.market_data.market_data import MarketData
from services.newest_candles import NewestCandles
from services.notices.notifier import Notifier
from services.optimising.service import OptimiseService
from services.outlooks import Outlooks
from services.replicas.link import RedisLink
from services.reports.reports import Reports
from services.reviews.decisions import SuggestionDecisions
from services.reviews.settings import SelfAnalyses
from services.reviews.trades import TradeReviews
from services.schedule.scheduler import Scheduler
from services.shadowing.watch import ShadowWatch
from services.signals.stream import SignalStream
from services.training.model_admin import ModelAdmin
from services.training.retraining import Retraining
from services.training.service import TrainingService
from services.trends import Trends
from services.webhooks.webhooks import Webhooks
from storage.resilience.documents import ResilientDocuments
from storage.resilience.ledger import ResilientLedger
from storage.resilience.store import ResilientStore
from utils.clock import Clock
from utils.log_tail import LogTail


@dataclass(frozen=True)
class Container:
    """Every part of the running service, one typed field each.

    Attributes:
        log_tail: Newest lines of the log; None in a process whose log is not set up.
        redis: Shared with other replicas; None where none is configured.
        stopping: Set when the server begins to stop: requests under way are answered without what takes long.
    """

    settings: Settings
    clock: Clock
    stopping: asyncio.Event
    health: ServiceHealth
    log_tail: LogTail | None

    store: ResilientStore
    documents: ResilientDocuments
    ledger: ResilientLedger

    market_data: MarketData
    newest_candles: NewestCandles
    candle_files: CandleFileReader
    engine_settings: EngineSettings

    evidence: EvidenceInUse
    calibration: LiveCalibration
    analysis: AnalysisService
    revisions: Revisions
    safe_mode: SafeMode
    disabled: Disabled
    emergency: EmergencyWatch
    periodic: PeriodicAnalysis
    signals: SignalStream
    insights: MarketInsights
    hub: SignalHub
    redis: RedisLink | None

    forecasting: Forecasting
    forecast_requests: ForecastRequests
    trends: Trends
    outlooks: Outlooks

    jobs: JobService
    schedule: Scheduler
    training: TrainingService
    retraining: Retraining
    bias: BiasService
    backtests: BacktestService
    optimising: OptimiseService
    evaluations: EvaluationService
    evidence_jobs: EvidenceService
    models: ModelAdmin
    shadowing: ShadowWatch
    drift: DriftWatch

    reports: Reports
    notices: Notifier
    webhooks: Webhooks

    llm: LlmParts
    trades: TradeReviews
    self_analyses: SelfAnalyses
    decisions: SuggestionDecisions
    feedback: SignalFeedback
    performance: SignalPerformance
    scores: LedgerScores
    ledger_reader: LedgerReader
    past_analyses: PastAnalyses
    replays: Replays
    parity: NightlyParity
    lanes: LaneWatch
    lane_versions: LaneVersions
