"""Subsystem of the jobs: where long work runs, what takes requests for it, and what queues it by the clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from container.infrastructure import Infrastructure
from container.markets import MarketSubsystem
from container.models import ModelSubsystem
from services.backtests.service import BacktestService
from services.bias.service import BiasService
from services.evaluating.service import EvaluationService
from services.evidence.in_use import EvidenceInUse
from services.evidence.service import EvidenceService
from services.job_candles.leaders import JobLeaders
from services.job_candles.requested import RequestedCandles
from services.jobs.opening import run_jobs
from services.jobs.runner import KindRunner
from services.jobs.service import JobService
from services.optimising.service import OptimiseService
from services.schedule.scheduler import Scheduler
from services.training.service import TrainingService
from tasks.child_process import ChildProcessRunner


@dataclass(frozen=True)
class JobSubsystem:
    """The jobs, and one part that takes requests for each kind of work on past candles.

    Attributes:
        runner: Waits for the work that needs the parts of the service.
        schedule: Queues what is due, in the processes that run it.
    """

    jobs: JobService
    runner: KindRunner
    schedule: Scheduler
    training: TrainingService
    bias: BiasService
    backtests: BacktestService
    optimising: OptimiseService
    evaluations: EvaluationService
    evidence_jobs: EvidenceService


@asynccontextmanager
async def open_job_subsystem(
    base: Infrastructure, table: str, markets: MarketSubsystem, models: ModelSubsystem, evidence: EvidenceInUse
) -> AsyncIterator[JobSubsystem]:
    """Open the jobs, and what takes requests: all but bias and training read candles in the same way.

    Args:
        base: What every subsystem uses.
        table: Module whose `JOBS` holds the functions that jobs run.
        markets: Where candles of requests without any come from.
        models: Has the versions that requests name.
        evidence: That came with the service, for requests that replay plans.
    """
    settings, clock, store, market_data = base.settings, base.clock, base.stores.analyses, markets.market_data
    registries, weighed_by = models.registries, evidence.shipped.evidence
    candles = RequestedCandles(market_data, store, settings, clock)
    leaders = JobLeaders(market_data, store, settings, clock)
    async with _open_jobs(base, table) as (jobs, runner):
        yield JobSubsystem(
            jobs=jobs,
            runner=runner,
            schedule=Scheduler(jobs, base.stores.documents, settings.schedule, clock),
            training=TrainingService(jobs, market_data, store, settings, clock),
            bias=BiasService(jobs, market_data, store, leaders, registries, clock),
            backtests=BacktestService(jobs, candles, leaders, registries, weighed_by),
            optimising=OptimiseService(jobs, candles, weighed_by, settings),
            evaluations=EvaluationService(jobs, candles, leaders, registries),
            evidence_jobs=EvidenceService(jobs, candles, weighed_by, settings),
        )


@asynccontextmanager
async def _open_jobs(base: Infrastructure, table: str) -> AsyncIterator[tuple[JobService, KindRunner]]:
    """Run jobs here, or tell workers of them by Celery."""
    settings, documents, clock = base.settings.jobs, base.stores.documents, base.clock
    timeout_seconds = settings.timeout_minutes * 60
    runner = KindRunner(ChildProcessRunner(timeout_seconds=timeout_seconds, table=table), timeout_seconds)
    async with AsyncExitStack() as stack:
        make_launcher = None
        if settings.backend == "celery":
            from tasks.celery_launcher import open_celery  # a service without a broker does without it

            make_launcher = await stack.enter_async_context(open_celery(settings, documents, clock))
        running = run_jobs(settings, runner, documents, base.hub, clock, make_launcher=make_launcher)
        yield await stack.enter_async_context(running), runner
