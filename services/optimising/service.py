"""Searches on request: candles found and checked, and a job queued."""

from __future__ import annotations

import asyncio

from config.settings import Settings
from domain.job_kinds import JobKind
from domain.jobs import Job
from rules.evidence.measured import MeasuredEvidence
from services.backtests.service import PastJobRequest
from services.job_candles.requested import CandleNeed, RequestedCandles
from services.jobs.service import JobService
from services.optimising.job import OptimiseJobParameters
from services.optimising.parameters import OptimiseOptions, OptimiseParameters


class OptimiseService:
    """Queues searches, and refuses those that could only fail."""

    def __init__(
        self, jobs: JobService, candles: RequestedCandles, evidence: MeasuredEvidence | None, settings: Settings
    ) -> None:
        """Keep the parts.

        Args:
            jobs: Runs the search.
            candles: Finds them.
            evidence: What plans are weighed by.
            settings: What a request leaves open.
        """
        self._jobs = jobs
        self._candles = candles
        self._evidence = evidence
        self._settings = settings

    async def submit(self, request: PastJobRequest[OptimiseOptions], key: str | None = None) -> Job:
        """Queue a search and return its job; with a key, the job that has the key already.

        Raises:
            InvalidRequest: candles of several symbols are sent.
            InvalidMarketData: the client's candles break a rule of the market.
            InsufficientData: fewer closed candles than the folds need, with the numbers.
            UnknownSymbol, MarketDataUnavailable: no source has candles of a symbol.
            JobQueueFull: the greatest number of jobs waits already.
            StorageUnavailable: the job could not be recorded.
        """
        options = request.options
        search = OptimiseParameters.of(options, self._settings, self._evidence)
        parts = 2 * search.present.horizon_candles * (options.folds + 1)
        need = CandleNeed(f"a search in {options.folds} folds", self._settings.analysis.min_candles + parts)
        job = OptimiseJobParameters(
            symbols=", ".join(request.symbols),
            lane=options.lane,
            trials=options.trials,
            folds=options.folds,
            search=search,
            series=await self._candles.series(request.symbols, options.timeframes, request.candles, need),
        )
        return await self._jobs.submit(JobKind.OPTIMISE, await asyncio.to_thread(job.model_dump, mode="json"), key)
