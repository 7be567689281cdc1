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


AnalysisPart = Annotated[AnalysisService, _part(lambda container: container.answers.analysis)]
BacktestsPart = Annotated[BacktestService, _part(lambda container: container.work.backtests)]
BiasPart = Annotated[BiasService, _part(lambda container: container.work.bias)]
CachePart = Annotated[AnalysisCache, _part(lambda container: container.base.stores.analyses)]
CalibrationPart = Annotated[LiveCalibration, _part(lambda container: container.ledger.calibration)]
CandleFilesPart = Annotated[CandleFileReader, _part(lambda container: container.markets.candle_files)]
ClockPart = Annotated[Clock, _part(lambda container: container.base.clock)]
DisabledPartsPart = Annotated[Disabled, _part(lambda container: container.guards.disabled)]
DriftPart = Annotated[DriftWatch, _part(lambda container: container.models.drift)]
EngineSettingsPart = Annotated[EngineSettings, _part(lambda container: container.markets.engine_settings)]
EvaluationsPart = Annotated[EvaluationService, _part(lambda container: container.work.evaluations)]
EvidenceJobsPart = Annotated[EvidenceService, _part(lambda container: container.work.evidence_jobs)]
EvidencePart = Annotated[EvidenceInUse, _part(lambda container: container.ledger.evidence)]
FeedbackPart = Annotated[SignalFeedback, _part(lambda container: container.ledger.feedback)]
ForecastRequestsPart = Annotated[ForecastRequests, _part(lambda container: container.answers.forecast_requests)]
ForecastingPart = Annotated[Forecasting, _part(lambda container: container.models.forecasting)]
HealthPart = Annotated[ServiceHealth, _part(lambda container: container.health)]
HubPart = Annotated[SignalHub, _part(lambda container: container.base.hub)]
InsightsPart = Annotated[MarketInsights, _part(lambda container: container.answers.insights)]
JobsPart = Annotated[JobService, _part(lambda container: container.work.jobs)]
LaneVersionsPart = Annotated[LaneVersions, _part(lambda container: container.ledger.lane_versions)]
LanesPart = Annotated[LaneWatch, _part(lambda container: container.ledger.lanes)]
LedgerPart = Annotated[LedgerReader, _part(lambda container: container.ledger.reader)]
LedgerStorePart = Annotated[LedgerStore, _part(lambda container: container.base.stores.ledger)]
LlmPart = Annotated[LlmParts, _part(lambda container: container.llm.parts)]
LogTailPart = Annotated[LogTail | None, _part(lambda container: container.base.logs.tail)]
MarketDataPart = Annotated[MarketData, _part(lambda container: container.markets.market_data)]
ModelsPart = Annotated[ModelAdmin, _part(lambda container: container.models.admin)]
NewestCandlesPart = Annotated[NewestCandles, _part(lambda container: container.markets.newest_candles)]
NoticesPart = Annotated[Notifier, _part(lambda container: container.base.notices)]
OptimisingPart = Annotated[OptimiseService, _part(lambda container: container.work.optimising)]
OutlooksPart = Annotated[Outlooks, _part(lambda container: container.answers.outlooks)]
ParityPart = Annotated[NightlyParity, _part(lambda container: container.answers.parity)]
PastAnalysesPart = Annotated[PastAnalyses, _part(lambda container: container.ledger.past_analyses)]
PerformancePart = Annotated[SignalPerformance, _part(lambda container: container.ledger.performance)]
PeriodicPart = Annotated[PeriodicAnalysis, _part(lambda container: container.answers.periodic)]
ReplaysPart = Annotated[Replays, _part(lambda container: container.answers.replays)]
ReportsPart = Annotated[Reports, _part(lambda container: container.reports)]
RevisionsPart = Annotated[Revisions, _part(lambda container: container.answers.revisions)]
SafeModePart = Annotated[SafeMode, _part(lambda container: container.guards.safe_mode)]
SchedulePart = Annotated[Scheduler, _part(lambda container: container.work.schedule)]
ScoresPart = Annotated[LedgerScores, _part(lambda container: container.ledger.scores)]
SelfAnalysesPart = Annotated[SelfAnalyses, _part(lambda container: container.reviews.self_analyses)]
SettingsPart = Annotated[Settings, _part(lambda container: container.base.settings)]
ShadowingPart = Annotated[ShadowWatch, _part(lambda container: container.models.shadowing)]
SignalsPart = Annotated[SignalStream, _part(lambda container: container.answers.signals)]
Stopping = Annotated[asyncio.Event, _part(lambda container: container.base.stopping)]
StoreStatePart = Annotated[WatchedStore, _part(lambda container: container.base.stores.analyses)]
SuggestionDecisionsPart = Annotated[SuggestionDecisions, _part(lambda container: container.reviews.decisions)]
TradesPart = Annotated[TradeReviews, _part(lambda container: container.llm.trades)]
TrainingPart = Annotated[TrainingService, _part(lambda container: container.work.training)]
TrendsPart = Annotated[Trends, _part(lambda container: container.answers.trends)]
WebhooksPart = Annotated[Webhooks, _part(lambda container: container.base.webhooks)]
