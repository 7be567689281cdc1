"""Evidence on request: candles found and checked, and a job queued."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from backtesting.evidence.curve import MIN_CLUSTERS, cluster_weeks
from config.settings import Settings
from domain.candles.columns import CandleLike
from domain.errors import InsufficientData, InvalidRequest
from domain.hours.clocks import WEEK_MS
from domain.job_kinds import JobKind
from domain.jobs import Job
from domain.market import Timeframe
from rules.evidence.measured import MeasuredEvidence
from services.evidence.job import CheckedEvidence, EvidenceJobParameters
from services.evidence.parameters import EvidenceTask, MeasuringOptions, MeasuringParameters
from services.job_candles.requested import CandleNeed, RequestedCandles
from services.job_candles.series import JobSeries
from services.jobs.service import JobService


@dataclass(frozen=True)
class EvidenceJobRequest:
    """A client's request.

    Attributes:
        symbols: At least one, each once.
        candles: Of the one symbol; None where the service is to find them.
    """

    task: EvidenceTask
    symbols: tuple[str, ...]
    options: MeasuringOptions
    candles: Sequence[CandleLike] | None = None


class EvidenceService:
    """Queues jobs that measure evidence, and refuses those that could only fail."""

    def __init__(
        self, jobs: JobService, candles: RequestedCandles, evidence: MeasuredEvidence | None, settings: Settings
    ) -> None:
        """Keep the parts.

        Args:
            jobs: Runs the job.
            candles: Finds them.
            evidence: The configured evidence, which a check compares with plans.
            settings: How markets are read, and the costs of a plan.
        """
        self._jobs = jobs
        self._candles = candles
        self._evidence = evidence
        self._settings = settings

    async def submit(self, request: EvidenceJobRequest, key: str | None = None) -> Job:
        """Queue a job and return it; with a key, the job that has the key already.

        Raises:
            InvalidRequest: the time has no length, no evidence is configured that could be checked, or candles of
                several symbols are sent.
            InvalidMarketData: the client's candles break a rule of the market, or a timeframe cannot be made from them.
            InsufficientData: too few closed candles for any plan, or for plans of enough weeks, with the numbers.
            UnknownSymbol, MarketDataUnavailable: no source has candles of a symbol.
            JobQueueFull: the greatest number of jobs waits already.
            StorageUnavailable: the job could not be recorded.
        """
        options, checked = request.options, self._checked(request.task)
        if options.since_ms is not None and options.until_ms is not None and options.since_ms >= options.until_ms:
            raise InvalidRequest("since has to be before until")
        job = EvidenceJobParameters(
            task=request.task,
            symbols=", ".join(request.symbols),
            measuring=MeasuringParameters.of(options, self._settings),
            checked=checked,
            series=await self._series(request),
        )
        # Parameters that are None are shown with the job; this one was not asked for by the client.
        left_out = {"checked"} if checked is None else None
        parameters = await asyncio.to_thread(job.model_dump, mode="json", exclude=left_out)
        return await self._jobs.submit(JobKind.EVIDENCE, parameters, key)

    def _checked(self, task: EvidenceTask) -> CheckedEvidence | None:
        if task is EvidenceTask.BUILD:
            return None
        trading = self._settings.trading
        if self._evidence is None:
            raise InvalidRequest("no evidence is configured (trading.evidence_file) that could be checked")
        return CheckedEvidence(name=trading.evidence_file, evidence=self._evidence, costs=trading.costs)

    async def _series(self, request: EvidenceJobRequest) -> tuple[JobSeries, ...]:
        """Return the candles of each symbol: of the shortest timeframe, or those that were sent."""
        if request.candles and len(request.symbols) > 1:
            raise InvalidRequest(f"candles are those of one symbol, received {len(request.symbols)} symbols")
        shortest = request.options.timeframes[0] if request.options.timeframes and not request.candles else None
        need = CandleNeed("evidence", self._settings.analysis.min_candles + 2)
        found = []
        for symbol in request.symbols:
            series = await self._candles.one(symbol, shortest, request.candles, need)
            measured = request.options.of_candles(series.timeframe)
            if request.task is EvidenceTask.BUILD:
                _require_weeks(series, measured[0])
            found.append(series)
        return tuple(found)


def _require_weeks(series: JobSeries, shortest: Timeframe) -> None:
    """Refuse candles too short for a record; of several timeframes the shortest needs the fewest weeks."""
    if series.history is not None:  # the job reads them
        return
    weeks = cluster_weeks(shortest)
    spanned = (series.candles[-1][0] - series.candles[0][0]) / WEEK_MS
    # The plans of MIN_CLUSTERS clusters span all of them but the first and the last, in which they may begin and end.
    if spanned < (MIN_CLUSTERS - 2) * weeks:
        raise InsufficientData(
            f"evidence of {shortest} candles needs plans of {MIN_CLUSTERS * weeks} weeks, "
            f"the candles of {series.symbol} are of {spanned:.1f}"
        )
