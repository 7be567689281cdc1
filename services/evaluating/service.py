"""Evaluations on request: the version chosen, candles found and checked, and a job queued."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.candles.columns import CandleLike
from domain.errors import ModelNotFound
from domain.forecasting import ModelTarget
from domain.job_kinds import JobKind
from domain.jobs import Job
from domain.market import Timeframe
from features.datasets.candle_checks import usual_timeframe
from models.registry.metadata import ModelMetadata
from models.registry.registries import Registries, RegistryKey, key_of
from services.evaluating.parameters import TRADED_CANDLES, EvaluationJobParameters, EvaluationParameters
from services.job_candles.leaders import JobLeaders
from services.job_candles.requested import CandleNeed, RequestedCandles
from services.jobs.service import JobService


@dataclass(frozen=True)
class EvaluationJobRequest:
    """A client's request; the service fills in what is None.

    Attributes:
        version: None takes the one in production for the symbol and timeframe.
        target, horizon: Of which models; with a version only where two horizons have one of its name.
        candles: None lets the service find them.
    """

    symbol: str
    version: str | None
    timeframe: Timeframe | None = None
    fee_bps: float | None = None
    slippage_bps: float | None = None
    candles: Sequence[CandleLike] | None = None
    target: ModelTarget | None = None
    horizon: int | None = None


class EvaluationService:
    """Queues evaluations, and refuses those that could only fail."""

    def __init__(
        self, jobs: JobService, candles: RequestedCandles, leaders: JobLeaders, registries: Registries
    ) -> None:
        """Keep the parts.

        Args:
            jobs: Runs the evaluation.
            candles: Finds them.
            leaders: Finds those of what leads the market.
            registries: Have the versions; their settings say what a request leaves open.
        """
        self._jobs = jobs
        self._candles = candles
        self._leaders = leaders
        self._registries = registries
        self._settings = registries.settings

    async def submit(self, request: EvaluationJobRequest, key: str | None = None) -> Job:
        """Queue an evaluation and return its job; with a key, the job that has the key already.

        Raises:
            ModelNotFound: there is no such version, or none is named and none is in production for the market.
            ModelUnusable: the version cannot be opened.
            InvalidRequest: the version forecasts another market or timeframe, or was imported; or nobody asks models of
                that horizon.
            InvalidMarketData: the client's candles break a rule of the market.
            InsufficientData: fewer closed candles than the version needs, with the numbers.
            UnknownSymbol, MarketDataUnavailable: no source has candles of the symbol.
            JobQueueFull: the greatest number of jobs waits already.
            StorageUnavailable: the job could not be recorded.
        """
        model, registry = await asyncio.to_thread(self._model, request)
        window = model.graph.sequence_length if model.graph else 0
        need = CandleNeed("an evaluation", window + model.horizon_candles + TRADED_CANDLES)
        series = await self._candles.one(request.symbol, model.timeframe, request.candles, need)
        leaders = await self._leaders.beside(model.leader(request.symbol), series, sent=bool(request.candles))
        costs = request.fee_bps, request.slippage_bps
        # That of a plan model reads the evidence.
        evaluation = await asyncio.to_thread(
            EvaluationParameters.of, model.version, request.symbol, *costs, self._settings, registry
        )
        job = EvaluationJobParameters(
            version=model.version,
            symbol=request.symbol,
            timeframe=model.timeframe,
            evaluation=evaluation,
            series=series,
            leaders=leaders,
        )
        return await self._jobs.submit(JobKind.EVALUATE, await asyncio.to_thread(job.model_dump, mode="json"), key)

    def _model(self, request: EvaluationJobRequest) -> tuple[ModelMetadata, RegistryKey]:
        version, timeframe = request.version, request.timeframe
        if version is None:
            registry = key_of(self._settings, request.target, request.horizon)
            timeframe = timeframe or self._usual_timeframe(request.candles)
            version = self._registries.at(registry).resolve(request.symbol, timeframe)
        else:
            registry = self._registries.holder(version, request.horizon)
        if version is None:
            market = registry.market(f"{request.symbol} {timeframe}")
            raise ModelNotFound(f"no model is in production for {market}: name a version, or train one")
        model = self._registries.at(registry).open(version).metadata
        model.require_market(request.symbol, timeframe)
        model.require_data()
        return model, registry

    def _usual_timeframe(self, candles: Sequence[CandleLike] | None) -> Timeframe:
        if not candles:
            return self._settings.analysis.primary_timeframes[0]
        return usual_timeframe(np.array([candle.timestamp for candle in candles], dtype=np.int64))
