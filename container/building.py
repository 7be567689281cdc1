"""From the settings to the parts of the service: a subsystem is opened after those that it uses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass

from config.settings import Settings
from container.answers import AnswerSubsystem, open_answer_subsystem
from container.checks import warn_of_misspelled_names
from container.infrastructure import Infrastructure, open_infrastructure
from container.jobs import JobSubsystem, open_job_subsystem
from container.ledger import LedgerSubsystem, open_ledger_subsystem
from container.llm import LlmSubsystem, open_llm_subsystem
from container.markets import MarketSubsystem, open_market_subsystem
from container.models import ModelSubsystem, open_model_subsystem
from container.reporting import make_reports
from container.reviews import ReviewSubsystem, open_review_subsystem
from services.candle_downloads.stored_downloads import StoredDownloads
from services.guards.guards import Guards, open_guards
from services.health.service_health import ServiceHealth, open_health
from services.reports.reports import Reports
from services.retention import Retention, ages
from services.service_jobs import MarketJobs, ReviewJobs, UpkeepJobs
from storage.pruning import UnhurriedClock
from utils.clock import Clock, SystemClock
from utils.concurrency import background
from utils.logging import NO_LOGS, Logs

_MACHINE = SystemClock()


@dataclass(frozen=True)
class Container:
    """The running service: the infrastructure, and the subsystems that are based on it."""

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
    async with _open_subsystems(settings, job_table, logs, clock) as container:
        _offer_work(container)
        _watch_health(container)
        queues_due = beat or settings.jobs.backend == "child_process"
        async with background(container.work.schedule.run(), "schedule") if queues_due else nullcontext():
            yield container


@asynccontextmanager
async def _open_subsystems(settings: Settings, job_table: str, logs: Logs, clock: Clock) -> AsyncIterator[Container]:
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
        yield Container(base, markets, llm, ledger, guards, models, answers, work, reviews, health, reports)


def _offer_work(container: Container) -> None:
    """Let jobs do what needs the parts of the service."""
    base, models, reviews = container.base, container.models, container.reviews
    settings, clock, documents = base.settings, base.clock, base.stores.documents
    on_markets = MarketJobs(
        container.answers.analysis.refresh,
        settings.analysis.symbols,
        StoredDownloads(base.stores.analyses, settings, clock),
    )
    upkeep = UpkeepJobs(
        container.ledger.settler,
        container.answers.parity,
        Retention(documents, UnhurriedClock(clock), ages(settings), settings.ledger.keep_refits),
        models.admin,
        settings.models.keep_versions,
    )
    reviewing = ReviewJobs(container.reports, reviews.nightly, reviews.retraining, models.recalibration)
    container.work.runner.offer({**on_markets.by_kind(), **upkeep.by_kind(), **reviewing.by_kind()})


def _watch_health(container: Container) -> None:
    """Let /health tell what does not work in any subsystem."""
    base, guards, ledger = container.base, container.guards, container.ledger
    for part in (
        *(guards.safe_mode, ledger.lanes.gate, guards.disabled, ledger.settler, container.answers.parity),
        *(base.notices, base.webhooks, container.models.drift, container.work.jobs, base.replicas),
    ):
        container.health.also(part.degraded)
