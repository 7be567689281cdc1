"""What takes orders for long work on candles: each checks one kind and queues it as a job."""

from __future__ import annotations

from typing import NamedTuple

from models.registry.registries import Registries
from rules.evidence import EvidenceBook
from services.backtests.candles import BacktestCandles
from services.backtests.service import BacktestService
from services.bias.service import BiasService
from services.evaluating.service import EvaluationService
from services.job_candles.leaders import JobLeaders
from services.jobs.service import JobService
from services.market_data.market_data import MarketData
from services.measuring.service import EvidenceService
from services.optimising.service import OptimiseService
from storage.ports import CandleStore
from utils.clock import Clock


class Orders(NamedTuple):
    """One part for each kind of work on past candles."""

    bias: BiasService
    backtests: BacktestService
    optimising: OptimiseService
    evaluations: EvaluationService
    measuring: EvidenceService


def make_orders(
    jobs: JobService,
    market_data: MarketData,
    store: CandleStore,
    registries: Registries,
    book: EvidenceBook | None,
    clock: Clock,
) -> Orders:
    """Return the parts; all but bias read candles in the same way."""
    settings = registries.settings
    candles = BacktestCandles(market_data, store, settings, clock)
    leaders = JobLeaders(market_data, store, settings, clock)
    return Orders(
        BiasService(jobs, market_data, store, leaders, registries, clock),
        BacktestService(jobs, candles, leaders, registries, book),
        OptimiseService(jobs, candles, book, settings),
        EvaluationService(jobs, candles, leaders, registries),
        EvidenceService(jobs, candles, book, settings),
    )
