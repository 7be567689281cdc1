"""Searches on request: candles found and checked, and a job queued."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from config.settings import Settings
from domain.job_kinds import JobKind
from domain.jobs import Job
from rules.evidence import EvidenceBook
from services.backtests.candles import BacktestCandles, CandleNeed, GivenCandles
from services.jobs.service import JobService
from services.optimising.job import OptimiseJobOrder
from services.optimising.order import OptimiseOrder, OptimiseWish


@dataclass(frozen=True)
class OptimiseAsked:
    """A client's request.

    Attributes:
        symbols: At least one, each once.
        candles: By timeframe, of the one symbol; empty where the service is to find them.
    """

    symbols: tuple[str, ...]
    wish: OptimiseWish
    candles: GivenCandles


class OptimiseService:
    """Queues searches, and refuses those that could only fail."""

    def __init__(
        self, jobs: JobService, candles: BacktestCandles, evidence: EvidenceBook | None, settings: Settings
    ) -> None:
        """Keep the parts.

        Args:
            jobs: Runs the search.
            candles: Finds them.
            evidence: What plans are weighed by.
            settings: What a wish leaves open.
        """
        self._jobs = jobs
        self._candles = candles
        self._evidence = evidence
        self._settings = settings

    async def submit(self, asked: OptimiseAsked, key: str | None = None) -> Job:
        """Queue a search and return its job, with a key that which has it already.

        Raises:
            InvalidRequest: candles of several symbols are sent.
            InvalidMarketData: the client's candles break a rule of the market.
            InsufficientData: fewer closed candles than the folds need, with the numbers.
            UnknownSymbol, MarketDataUnavailable: no source has candles of a symbol.
            JobQueueFull: the greatest number of jobs waits already.
            StorageUnavailable: the job could not be recorded.
        """
        wish = asked.wish
        order = OptimiseOrder.of(wish, self._settings, self._evidence)
        parts = 2 * order.present.horizon_candles * (wish.folds + 1)
        need = CandleNeed(f"a search in {wish.folds} folds", self._settings.analysis.min_candles + parts)
        job = OptimiseJobOrder(
            symbols=", ".join(asked.symbols),
            lane=wish.lane,
            trials=wish.trials,
            folds=wish.folds,
            order=order,
            series=await self._candles.series(asked.symbols, wish.timeframes, asked.candles, need),
        )
        return await self._jobs.submit(JobKind.OPTIMISE, await asyncio.to_thread(job.model_dump, mode="json"), key)
