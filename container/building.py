"""From the settings to the parts of the service: each wing is opened after those that it stands on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from config.settings import Settings
from container.answer_wing import AnswerWing, open_answer_wing
from container.checks import warn_of_misspelled_names
from container.foundation import Foundation, open_foundation
from container.job_wing import JobWing, open_job_wing, open_schedule
from container.ledger_wing import LedgerWing, open_ledger_wing
from container.llm_wing import LlmWing, open_llm_wing
from container.market_wing import MarketWing, open_market_wing
from container.model_wing import ModelWing, open_model_wing
from container.parts import Container
from container.reporting import make_reports
from container.review_wing import ReviewWing, open_review_wing
from container.sharing import follow_hints, open_shared_guards
from services.candle_downloads.stored_downloads import StoredDownloads
from services.candle_files.reader import CandleFileReader
from services.guards.guards import Guards
from services.health.service_health import ServiceHealth, open_health
from services.ledger.past_analyses import PastAnalyses
from services.ledger.recording.lane_versions import LaneVersions
from services.ledger.signal_performance import SignalPerformance
from services.reports.reports import Reports
from services.retention import Retention, ages
from services.schedule.scheduler import Scheduler
from services.service_works import MarketWorks, ReviewWorks, ServiceWorks
from utils.logging import NO_LOGS, Logs


@asynccontextmanager
async def build_container(
    settings: Settings, job_table: str = "tasks.jobs", logs: Logs = NO_LOGS, *, beat: bool = False
) -> AsyncIterator[Container]:
    """Build the parts, and close them in the opposite order.

    Args:
        settings: Of everything.
        job_table: Module whose `JOBS` holds the functions that jobs run.
        logs: Where the process logs to, for /health.
        beat: This process runs the schedule; without Celery every one does.

    Raises:
        ConfigurationError: a setting names an adapter that does not exist.
    """
    warn_of_misspelled_names()
    async with _open_wings(settings, job_table, logs) as wings:
        _offer_work(wings)
        _watch_health(wings)
        follow_hints(wings.base.replicas.hints, wings.models.watch, wings.guards, wings.ledger.calibration)
        async with open_schedule(wings.base, wings.work.jobs, beat=beat) as schedule:
            yield _container(wings, schedule)


@dataclass(frozen=True)
class _Wings:
    base: Foundation
    markets: MarketWing
    llm: LlmWing
    ledger: LedgerWing
    guards: Guards
    models: ModelWing
    answers: AnswerWing
    work: JobWing
    reviews: ReviewWing
    health: ServiceHealth
    reports: Reports


@asynccontextmanager
async def _open_wings(settings: Settings, job_table: str, logs: Logs) -> AsyncIterator[_Wings]:
    async with AsyncExitStack() as stack:
        opened = stack.enter_async_context
        base = await opened(open_foundation(settings, logs))
        llm = await opened(open_llm_wing(base))
        markets = await opened(open_market_wing(base))
        ledger = await opened(open_ledger_wing(base, markets.market_data))
        guards = await opened(open_shared_guards(base))
        models = await opened(open_model_wing(base, guards.disabled.why))
        answers = await opened(open_answer_wing(base, markets, llm, ledger, models, guards))
        work = await opened(open_job_wing(base, job_table, markets, models, ledger.evidence))
        reviews = await opened(open_review_wing(base, markets, llm, ledger, models, work, guards.disabled))
        stores = base.stores
        others = stores.documents, stores.ledger
        health = await opened(
            open_health(stores.analyses, others, llm.parts.client, markets.market_data, models.watch, logs)
        )
        reports = make_reports(base, markets.market_data, ledger.scores, health)
        yield _Wings(base, markets, llm, ledger, guards, models, answers, work, reviews, health, reports)


def _offer_work(wings: _Wings) -> None:
    """Let jobs do what needs the parts of the service."""
    base, models, reviews = wings.base, wings.models, wings.reviews
    settings, clock, documents = base.settings, base.clock, base.stores.documents
    on_markets = MarketWorks(
        wings.answers.analysis.refresh,
        settings.analysis.symbols,
        StoredDownloads(base.stores.analyses, settings, clock),
    )
    upkeep = ServiceWorks(
        wings.ledger.settler,
        wings.answers.parity,
        Retention(documents, clock, ages(settings), settings.ledger.keep_refits),
        models.admin,
        settings.models.keep_versions,
    )
    reviewing = ReviewWorks(wings.reports, reviews.nightly, reviews.retraining, models.recalibration)
    wings.work.runner.offer({**on_markets.by_kind(), **upkeep.by_kind(), **reviewing.by_kind()})


def _watch_health(wings: _Wings) -> None:
    """Let /health tell what does not work in any wing."""
    base, guards, ledger = wings.base, wings.guards, wings.ledger
    for part in (
        *(guards.safe_mode, ledger.lanes.gate, guards.disabled, ledger.settler, wings.answers.parity),
        *(base.notices, base.webhooks, wings.models.drift, wings.work.jobs, base.replicas),
    ):
        wings.health.also(part.degraded)


def _container(wings: _Wings, schedule: Scheduler) -> Container:
    base, ledger, answers, work, reviews = wings.base, wings.ledger, wings.answers, wings.work, wings.reviews
    return Container(
        settings=base.settings,
        clock=base.clock,
        stopping=base.stopping,
        health=wings.health,
        log_tail=base.logs.tail,
        store=base.stores.analyses,
        documents=base.stores.documents,
        ledger=base.stores.ledger,
        market_data=wings.markets.market_data,
        newest_candles=wings.markets.newest_candles,
        candle_files=CandleFileReader(base.clock),
        engine_settings=wings.markets.engine_settings,
        evidence=ledger.evidence,
        calibration=ledger.calibration,
        analysis=answers.analysis,
        revisions=answers.revisions,
        safe_mode=wings.guards.safe_mode,
        disabled=wings.guards.disabled,
        emergency=reviews.emergency,
        periodic=answers.periodic,
        signals=answers.signals,
        insights=answers.insights,
        hub=base.hub,
        redis=base.replicas.link,
        forecasting=wings.models.forecasting,
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
        models=wings.models.admin,
        shadowing=wings.models.shadowing,
        drift=wings.models.drift,
        reports=wings.reports,
        notices=base.notices,
        webhooks=base.webhooks,
        llm=wings.llm.parts,
        trades=wings.llm.trades,
        self_analyses=reviews.self_analyses,
        nightly_self_analysis=reviews.nightly,
        decisions=reviews.decisions,
        retraining=reviews.retraining,
        feedback=ledger.feedback,
        performance=SignalPerformance(ledger.scores, ledger.feedback, base.clock),
        scores=ledger.scores,
        book=ledger.book,
        past_analyses=PastAnalyses(ledger.book, base.stores.analyses),
        replays=answers.replays,
        parity=answers.parity,
        lanes=ledger.lanes,
        lane_versions=LaneVersions(base.stores.documents),
    )
