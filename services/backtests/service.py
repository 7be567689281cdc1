"""Backtests on request: candles found and checked, and a job queued."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Generic, TypeVar

from domain.errors import InvalidRequest
from domain.job_kinds import JobKind
from domain.jobs import Job
from models.registry.metadata import ModelMetadata
from models.registry.registries import Registries
from rules.evidence.measured import MeasuredEvidence
from services.backtests.job import BacktestJobParameters
from services.backtests.lane_models import version_of
from services.backtests.parameters import BacktestOptions, BacktestParameters, lane_of
from services.job_candles.leaders import JobLeaders
from services.job_candles.requested import CandleNeed, GivenCandles, RequestedCandles
from services.job_candles.series import JobSeries
from services.jobs.service import JobService

Options = TypeVar("Options", bound=BacktestOptions)


@dataclass(frozen=True)
class PastJobRequest(Generic[Options]):
    """A client's request for a job that trades the past.

    Attributes:
        symbols: At least one, each once.
        candles: By timeframe, of the one symbol; empty where the service is to find them.
    """

    symbols: tuple[str, ...]
    options: Options
    candles: GivenCandles


class BacktestService:
    """Queues backtests, and refuses those that could only fail."""

    def __init__(
        self,
        jobs: JobService,
        candles: RequestedCandles,
        leaders: JobLeaders,
        registries: Registries,
        evidence: MeasuredEvidence | None,
    ) -> None:
        """Keep the parts.

        Args:
            jobs: Runs the backtest.
            candles: Finds them.
            leaders: Finds those that a model reads beside them.
            registries: Have the versions of lanes, and the settings for what a request leaves open.
            evidence: What plans are weighed by.
        """
        self._jobs = jobs
        self._candles = candles
        self._leaders = leaders
        self._registries = registries
        self._evidence = evidence
        self._settings = registries.settings

    async def submit(self, request: PastJobRequest[BacktestOptions], key: str | None = None) -> Job:
        """Queue a backtest and return its job; with a key, the job that has the key already.

        Raises:
            InvalidRequest: the lane needs a file or names a plan model, or candles of several symbols are sent.
            ModelNotFound, ModelUnusable: the version of the lane cannot be opened.
            InvalidMarketData: the client's candles break a rule of the market.
            InsufficientData: fewer closed candles than a backtest needs, with the numbers.
            UnknownSymbol, MarketDataUnavailable: no source has candles of a symbol.
            JobQueueFull: the greatest number of jobs waits already.
            StorageUnavailable: the job could not be recorded.
        """
        lane = lane_of(request.options.lane)
        if lane.kind == "llm":
            raise InvalidRequest("recorded answers are a file: test them by cli.py backtest --lane llm:FILE")
        own = await asyncio.to_thread(version_of, self._registries, lane)
        options = request.options if own is None else request.options.model_copy(update={"lane": own.lane})
        need = CandleNeed("a backtest", self._settings.analysis.min_candles + 3)
        series = await self._candles.series(request.symbols, request.options.timeframes, request.candles, need)
        parameters = BacktestJobParameters(
            symbols=", ".join(request.symbols),
            lane=options.lane,
            backtest=BacktestParameters.of(options, own.settings if own else self._settings, self._evidence),
            series=series,
            leaders=await self._led_by(own.model, request, series) if own else (),
        )
        return await self._jobs.submit(
            JobKind.BACKTEST, await asyncio.to_thread(parameters.model_dump, mode="json"), key
        )

    async def _led_by(
        self, model: ModelMetadata, request: PastJobRequest[BacktestOptions], series: Sequence[JobSeries]
    ) -> tuple[JobSeries, ...]:
        """Return the candles of the leaders that a model reads and that are not traded, as far as there are any."""
        found: dict[str, tuple[JobSeries, ...]] = {}
        for symbol in request.symbols:
            leader = model.leader(symbol)
            if leader is None or leader in found or leader in request.symbols:
                continue
            market = min((own for own in series if own.symbol == symbol), key=lambda own: own.timeframe.ms)
            found[leader] = await self._leaders.beside(leader, market, sent=bool(request.candles))
        return tuple(chain.from_iterable(found.values()))
