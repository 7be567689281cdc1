"""The parts of the service that routes declare."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import HTTPConnection

from api.dependencies import get_container
from config.settings import Settings
from container import Container
from services.analysis.periodic import PeriodicAnalysis
from services.analysis.revisions import Revisions
from services.analysis.service import AnalysisService
from services.backtests.service import BacktestService
from services.bias.service import BiasService
from services.broadcast.hub import SignalHub
from services.candle_files.reader import CandleFileReader
from services.drift.watch import DriftWatch
from services.evaluating.service import EvaluationService
from services.evidence.in_use import EvidenceInUse
from services.evidence.service import EvidenceService
from services.forecast_requests import ForecastRequests
from services.forecasts.forecasting import Forecasting
from services.guards.disabled import Disabled
from services.guards.safe_mode import SafeMode
from services.health.service_health import ServiceHealth, WatchedStore
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
from services.reports.reports import Reports
from services.reviews.decisions import SuggestionDecisions
from services.reviews.settings import SelfAnalyses
from services.reviews.trades import TradeReviews
from services.schedule.scheduler import Scheduler
from services.shadowing.watch import ShadowWatch
from services.signals.stream import SignalStream
from services.training.model_admin import ModelAdmin
from services.training.service import TrainingService
from services.trends import Trends
from services.webhooks.webhooks import Webhooks
from storage.ledger_ports import LedgerStore
from storage.ports import AnalysisCache
from utils.clock import Clock
from utils.log_tail import LogTail


def _part(choose: Callable[[Container], object]) -> Any:
    async def part(connection: HTTPConnection) -> object:
        return choose(get_container(connection))

    return Depends(part)


AnalysisPart = Annotated[AnalysisService, _part(lambda container: container.analysis)]
BacktestsPart = Annotated[BacktestService, _part(lambda container: container.backtests)]
BiasPart = Annotated[BiasService, _part(lambda container: container.bias)]
CachePart = Annotated[AnalysisCache, _part(lambda container: container.store)]
CalibrationPart = Annotated[LiveCalibration, _part(lambda container: container.calibration)]
CandleFilesPart = Annotated[CandleFileReader, _part(lambda container: container.candle_files)]
ClockPart = Annotated[Clock, _part(lambda container: container.clock)]
DisabledPartsPart = Annotated[Disabled, _part(lambda container: container.disabled)]
DriftPart = Annotated[DriftWatch, _part(lambda container: container.drift)]
EngineSettingsPart = Annotated[EngineSettings, _part(lambda container: container.engine_settings)]
EvaluationsPart = Annotated[EvaluationService, _part(lambda container: container.evaluations)]
EvidenceJobsPart = Annotated[EvidenceService, _part(lambda container: container.evidence_jobs)]
EvidencePart = Annotated[EvidenceInUse, _part(lambda container: container.evidence)]
FeedbackPart = Annotated[SignalFeedback, _part(lambda container: container.feedback)]
ForecastRequestsPart = Annotated[ForecastRequests, _part(lambda container: container.forecast_requests)]
ForecastingPart = Annotated[Forecasting, _part(lambda container: container.forecasting)]
HealthPart = Annotated[ServiceHealth, _part(lambda container: container.health)]
HubPart = Annotated[SignalHub, _part(lambda container: container.hub)]
InsightsPart = Annotated[MarketInsights, _part(lambda container: container.insights)]
JobsPart = Annotated[JobService, _part(lambda container: container.jobs)]
LaneVersionsPart = Annotated[LaneVersions, _part(lambda container: container.lane_versions)]
LanesPart = Annotated[LaneWatch, _part(lambda container: container.lanes)]
LedgerPart = Annotated[LedgerReader, _part(lambda container: container.ledger_reader)]
LedgerStorePart = Annotated[LedgerStore, _part(lambda container: container.ledger)]
LlmPart = Annotated[LlmParts, _part(lambda container: container.llm)]
LogTailPart = Annotated[LogTail | None, _part(lambda container: container.log_tail)]
MarketDataPart = Annotated[MarketData, _part(lambda container: container.market_data)]
ModelsPart = Annotated[ModelAdmin, _part(lambda container: container.models)]
NewestCandlesPart = Annotated[NewestCandles, _part(lambda container: container.newest_candles)]
NoticesPart = Annotated[Notifier, _part(lambda container: container.notices)]
OptimisingPart = Annotated[OptimiseService, _part(lambda container: container.optimising)]
OutlooksPart = Annotated[Outlooks, _part(lambda container: container.outlooks)]
ParityPart = Annotated[NightlyParity, _part(lambda container: container.parity)]
PastAnalysesPart = Annotated[PastAnalyses, _part(lambda container: container.past_analyses)]
PerformancePart = Annotated[SignalPerformance, _part(lambda container: container.performance)]
PeriodicPart = Annotated[PeriodicAnalysis, _part(lambda container: container.periodic)]
ReplaysPart = Annotated[Replays, _part(lambda container: container.replays)]
ReportsPart = Annotated[Reports, _part(lambda container: container.reports)]
RevisionsPart = Annotated[Revisions, _part(lambda container: container.revisions)]
SafeModePart = Annotated[SafeMode, _part(lambda container: container.safe_mode)]
SchedulePart = Annotated[Scheduler, _part(lambda container: container.schedule)]
ScoresPart = Annotated[LedgerScores, _part(lambda container: container.scores)]
SelfAnalysesPart = Annotated[SelfAnalyses, _part(lambda container: container.self_analyses)]
SettingsPart = Annotated[Settings, _part(lambda container: container.settings)]
ShadowingPart = Annotated[ShadowWatch, _part(lambda container: container.shadowing)]
SignalsPart = Annotated[SignalStream, _part(lambda container: container.signals)]
Stopping = Annotated[asyncio.Event, _part(lambda container: container.stopping)]
StoreStatePart = Annotated[WatchedStore, _part(lambda container: container.store)]
SuggestionDecisionsPart = Annotated[SuggestionDecisions, _part(lambda container: container.decisions)]
TradesPart = Annotated[TradeReviews, _part(lambda container: container.trades)]
TrainingPart = Annotated[TrainingService, _part(lambda container: container.training)]
TrendsPart = Annotated[Trends, _part(lambda container: container.trends)]
WebhooksPart = Annotated[Webhooks, _part(lambda container: container.webhooks)]
