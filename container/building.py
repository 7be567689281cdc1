"""From the settings to the parts of the service: a subsystem is opened after those that it uses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from config.settings import Settings
from container.answers import AnswerSubsystem, open_answer_subsystem
from container.checks import warn_of_misspelled_names
from container.infrastructure import Infrastructure, open_infrastructure
from container.jobs import JobSubsystem, open_job_subsystem, open_schedule
from container.ledger import LedgerSubsystem, open_ledger_subsystem
from container.llm import LlmSubsystem, open_llm_subsystem
from container.markets import MarketSubsystem, open_market_subsystem
from container.models import ModelSubsystem, open_model_subsystem
from container.parts import Container
from container.reporting import make_reports
from container.reviews import ReviewSubsystem, open_review_subsystem
from services.candle_downloads.stored_downloads import StoredDownloads
from services.candle_files.reader import CandleFileReader
from services.guards.guards import Guards, open_guards
from services.health.service_health import ServiceHealth, open_health
from services.ledger.past_analyses import PastAnalyses
from services.ledger.recording.lane_versions import LaneVersions
from services.ledger.signal_performance import SignalPerformance
from services.reports.reports import Reports
from services.retention import Retention, ages
from services.schedule.scheduler import Scheduler
from services.service_jobs import MarketJobs, ReviewJobs, UpkeepJobs
from storage.pruning import UnhurriedClock
from utils.clock import Clock, SystemClock
from utils.logging import NO_LOGS, Logs

_MACHINE = SystemClock()


@asynccontextmanager
async def build_container(
    settings: Settings,
    job_table: str = "tasks.jobs",
    logs: Logs = NO_LOGS,
    *,
    beat: bool = False,
    clock: Clock = _MACHINE,
) -> AsyncIterator[Container]:
    """Build the parts, and close them in the opposite order.

    Args:
        settings: Of everything.
        job_table: Module whose `JOBS` holds the functions that jobs run.
        logs: Where the process logs to, for /health.
        beat: This process runs the schedule; without Celery every one does.
        clock: Tells every part the time; the machine's own by default.

    Raises:
        ConfigurationError: a setting names an adapter that does not exist.
    """
    warn_of_misspelled_names()
    async with _open_subsystems(settings, job_table, logs, clock) as subsystems:
        _offer_work(subsystems)
        _watch_health(subsystems)
        async with open_schedule(subsystems.base, subsystems.work.jobs, beat=beat) as schedule:
            yield _container(subsystems, schedule)


@dataclass(frozen=True)
class _Subsystems:
    """What is open: the infrastructure, and all that is based on it."""

    base: Infrastructure
    markets: MarketSubsystem
    llm: LlmSubsystem
    ledger: LedgerSubsystem
    guards: Guards
    models: ModelSubsystem
    answers: AnswerSubsystem
    work: JobSubsystem
    reviews: ReviewSubsystem
    health: ServiceHealth
    reports: Reports


@asynccontextmanager
async def _open_subsystems(settings: Settings, job_table: str, logs: Logs, clock: Clock) -> AsyncIterator[_Subsystems]:
    async with AsyncExitStack() as stack:
        opened = stack.enter_async_context
        base = await opened(open_infrastructure(settings, logs, clock))
        stores, hints = base.stores, base.replicas.hints
        llm = await opened(open_llm_subsystem(base))
        markets = await opened(open_market_subsystem(base))
        ledger = await opened(open_ledger_subsystem(base, markets.market_data))
        min_candles = settings.analysis.min_candles
        guards = await opened(open_guards(stores.documents, base.hub, hints, settings.guards, min_candles, clock))
        models = await opened(open_model_subsystem(base, guards.disabled.why))
        answers = await opened(open_answer_subsystem(base, markets, llm, ledger, models, guards))
        work = await opened(open_job_subsystem(base, job_table, markets, models, ledger.evidence))
        reviews = await opened(open_review_subsystem(base, markets, llm, ledger, models, work, guards.disabled))
        others = stores.documents, stores.ledger
        health = await opened(
            open_health(stores.analyses, others, llm.parts.client, markets.market_data, models.watch, logs)
        )
        reports = make_reports(base, markets.market_data, ledger.scores, health)
        yield _Subsystems(base, markets, llm, ledger, guards, models, answers, work, reviews, health, reports)


def _offer_work(subsystems: _Subsystems) -> None:
    """Let jobs do what needs the parts of the service."""
    base, models, reviews = subsystems.base, subsystems.models, subsystems.reviews
    settings, clock, documents = base.settings, base.clock, base.stores.documents
    on_markets = MarketJobs(
        subsystems.answers.analysis.refresh,
        settings.analysis.symbols,
        StoredDownloads(base.stores.analyses, settings, clock),
    )
    upkeep = UpkeepJobs(
        subsystems.ledger.settler,
        subsystems.answers.parity,
        Retention(documents, UnhurriedClock(clock), ages(settings), settings.ledger.keep_refits),
        models.admin,
        settings.models.keep_versions,
    )
    reviewing = ReviewJobs(subsystems.reports, reviews.nightly, reviews.retraining, models.recalibration)
    subsystems.work.runner.offer({**on_markets.by_kind(), **upkeep.by_kind(), **reviewing.by_kind()})


def _watch_health(subsystems: _Subsystems) -> None:
    """Let /health tell what does not work in any subsystem."""
    base, guards, ledger = subsystems.base, subsystems.guards, subsystems.ledger
    for part in (
        *(guards.safe_mode, ledger.lanes.gate, guards.disabled, ledger.settler, subsystems.answers.parity),
        *(base.notices, base.webhooks, subsystems.models.drift, subsystems.work.jobs, base.replicas),
    ):
        subsystems.health.also(part.degraded)


def _container(subsystems: _Subsystems, schedule: Scheduler) -> Container:
    base, ledger, answers = subsystems.base, subsystems.ledger, subsystems.answers
    models, work, reviews = subsystems.models, subsystems.work, subsystems.reviews
    return Container(
        settings=base.settings,
        clock=base.clock,
        stopping=base.stopping,
        health=subsystems.health,
        log_tail=base.logs.tail,
        store=base.stores.analyses,
        documents=base.stores.documents,
        ledger=base.stores.ledger,
        market_data=subsystems.markets.market_data,
        newest_candles=subsystems.markets.newest_candles,
        candle_files=CandleFileReader(base.clock),
        engine_settings=subsystems.markets.engine_settings,
        evidence=ledger.evidence,
        calibration=ledger.calibration,
        analysis=answers.analysis,
        revisions=answers.revisions,
        safe_mode=subsystems.guards.safe_mode,
        disabled=subsystems.guards.disabled,
        emergency=reviews.emergency,
        periodic=answers.periodic,
        signals=answers.signals,
        insights=answers.insights,
        hub=base.hub,
        redis=base.replicas.link,
        forecasting=models.forecasting,
        forecast_requests=answers.forecast_requests,
        trends=answers.trends,
        outlooks=answers.outlooks,
        jobs=work.jobs,
        training=work.training,
        schedule=schedule,
        bias=work.bias,
        backtests=work.backtests,
        optimising=work.optimising,
        evaluations=work.evaluations,
        evidence_jobs=work.evidence_jobs,
        models=models.admin,
        shadowing=models.shadowing,
        drift=models.drift,
        reports=subsystems.reports,
        notices=base.notices,
        webhooks=base.webhooks,
        llm=subsystems.llm.parts,
        trades=subsystems.llm.trades,
        self_analyses=reviews.self_analyses,
        decisions=reviews.decisions,
        retraining=reviews.retraining,
        feedback=ledger.feedback,
        performance=SignalPerformance(ledger.scores, ledger.feedback, base.clock),
        scores=ledger.scores,
        ledger_reader=ledger.reader,
        past_analyses=PastAnalyses(ledger.reader, base.stores.analyses),
        replays=answers.replays,
        parity=answers.parity,
        lanes=ledger.lanes,
        lane_versions=LaneVersions(base.stores.documents),
    )
