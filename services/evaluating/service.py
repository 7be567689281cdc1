"""Evaluations on request: the version chosen, candles found and checked, and a job queued."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from config.settings import Settings
from domain.candles.columns import CandleLike
from domain.errors import ModelUnavailable
from domain.job_kinds import JobKind
from domain.jobs import Job
from domain.market import Timeframe
from features.datasets.candle_checks import usual_timeframe
from models.registry.metadata import ModelMetadata
from models.registry.registry import Registry
from services.backtests.candles import BacktestCandles, CandleNeed
from services.evaluating.order import TRADED_CANDLES, EvaluationJobOrder, EvaluationOrder
from services.job_candles.leaders import JobLeaders
from services.jobs.service import JobService


@dataclass(frozen=True)
class EvaluationAsked:
    """A client's request; the service fills in what is None.

    Attributes:
        version: None takes the one in production for the symbol and timeframe.
        candles: None lets the service find them.
    """

    symbol: str
    version: str | None = None
    timeframe: Timeframe | None = None
    fee_bps: float | None = None
    slippage_bps: float | None = None
    candles: Sequence[CandleLike] | None = None


class EvaluationService:
    """Queues evaluations, and refuses those that could only fail."""

    def __init__(
        self,
        jobs: JobService,
        candles: BacktestCandles,
        leaders: JobLeaders,
        registry: Registry,
        settings: Settings,
    ) -> None:
        """Keep the parts.

        Args:
            jobs: Runs the evaluation.
            candles: Finds them.
            leaders: Finds those of what leads the market.
            registry: Has the versions.
            settings: What a request leaves open.
        """
        self._jobs = jobs
        self._candles = candles
        self._leaders = leaders
        self._registry = registry
        self._settings = settings

    async def submit(self, asked: EvaluationAsked, key: str | None = None) -> Job:
        """Queue an evaluation and return its job, with a key that which has it already.

        Raises:
            ModelNotFound, ModelUnusable: the version cannot be opened.
            ModelUnavailable: none is named, and none is in production for the market.
            InvalidRequest: the version forecasts another market or timeframe, or was imported.
            InvalidMarketData: the client's candles break a rule of the market.
            InsufficientData: fewer closed candles than the version needs, with the numbers.
            UnknownSymbol, MarketDataUnavailable: no source has candles of the symbol.
            JobQueueFull: the greatest number of jobs waits already.
            StorageUnavailable: the job could not be recorded.
        """
        model = await asyncio.to_thread(self._model, asked)
        window = model.graph.sequence_length if model.graph else 0
        need = CandleNeed("an evaluation", window + model.horizon_candles + TRADED_CANDLES)
        series = await self._candles.one(asked.symbol, model.timeframe, asked.candles, need)
        leaders = await self._leaders.beside(model.leader(asked.symbol), series, sent=bool(asked.candles))
        job = EvaluationJobOrder(
            version=model.version,
            symbol=asked.symbol,
            timeframe=model.timeframe,
            order=EvaluationOrder.of(model.version, asked.symbol, asked.fee_bps, asked.slippage_bps, self._settings),
            series=series,
            leaders=leaders,
        )
        return await self._jobs.submit(JobKind.EVALUATE, await asyncio.to_thread(job.model_dump, mode="json"), key)

    def _model(self, asked: EvaluationAsked) -> ModelMetadata:
        version, timeframe = asked.version, asked.timeframe
        if version is None:
            timeframe = timeframe or self._usual_timeframe(asked.candles)
            version = self._registry.resolve(asked.symbol, timeframe)
        if version is None:
            raise ModelUnavailable(
                f"no model is in production for {asked.symbol} {timeframe}: name a version, or train one"
            )
        model = self._registry.open(version).metadata
        model.require_market(asked.symbol, timeframe)
        model.require_data()
        return model

    def _usual_timeframe(self, candles: Sequence[CandleLike] | None) -> Timeframe:
        if not candles:
            return self._settings.analysis.primary_timeframes[0]
        return usual_timeframe(np.array([candle.timestamp for candle in candles], dtype=np.int64))
