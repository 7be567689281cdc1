"""Training on request: candles found and checked, and a training job queued."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from config.settings import Settings
from domain.analysis import DataSource
from domain.candles.columns import CandleLike
from domain.forecasting import ModelTarget, ModelType
from domain.job_kinds import JobKind
from domain.jobs import Job
from domain.market import Timeframe
from models.registry.registries import RegistryKey, key_of, settings_at
from models.training.learner import needed_candles
from services.following.coverage import shadows_first
from services.job_candles.finding import JobCandles
from services.job_candles.series import candle_rows
from services.jobs.service import JobService
from services.market_data.history.answers import MarketHistory
from services.market_data.market_data import MarketData
from services.training.histories import TrainingHistories, require_new, too_few
from services.training.parameters import PlanParameters, TrainingParameters
from services.training.plan_types import chosen_type
from services.training.pools import PooledTraining
from storage.ports import CandleStore
from utils.clock import Clock


@dataclass(frozen=True)
class TrainingJobRequest:
    """A client's request for a training; the service fills in what is None.

    Attributes:
        newer_than_ms: Open time of the newest candle of the training before; None without one.
        least_new: Candles that have to have closed since then.
        by_itself: Whether the service trains without being asked: then the model shadows the one in production.
        target: What the model forecasts.
        horizon: Candles ahead, of a further horizon; None is the usual one.
    """

    symbol: str
    timeframe: Timeframe | None
    type: ModelType | None
    epochs: int | None = None
    candles: Sequence[CandleLike] | None = None
    newer_than_ms: int | None = None
    least_new: int = 0
    by_itself: bool = False
    target: ModelTarget = "close"
    horizon: int | None = None


@dataclass(frozen=True)
class TrainingAccepted:
    """The queued job, and the source and number of its closed candles.

    Attributes:
        candles: Those that the job has or, with `fetches`, at most reads from the source itself.
    """

    job: Job
    symbol: str
    timeframe: Timeframe
    type: ModelType
    source: DataSource
    candles: int
    fetches: bool


class TrainingService:
    """Queues trainings, and refuses those that could only fail."""

    def __init__(
        self, jobs: JobService, market_data: MarketData, stored: CandleStore, settings: Settings, clock: Clock
    ) -> None:
        """Keep the parts.

        Args:
            jobs: Runs the training.
            market_data: Knows who has candles where neither the client nor the store has enough.
            stored: Has the candles that trusted clients posted.
            settings: Of models and features, and the defaults.
            clock: Decides which candles have closed.
        """
        self._jobs = jobs
        self._candles = JobCandles(stored, settings, clock)
        self._settings = settings
        self._most = settings.models.training.history_candles
        self._histories = TrainingHistories(self._candles, market_data, self._most)
        self.pools = PooledTraining(jobs, self._histories, self._candles, settings)

    async def submit(self, request: TrainingJobRequest, key: str | None = None) -> TrainingAccepted:
        """Queue a training, unless one has the key already.

        Raises:
            InvalidRequest: a plan model of a type that cannot learn from plans, or a horizon that no setting names.
            InvalidMarketData: the client's candles break a rule of the market.
            InsufficientData: fewer closed candles than training needs, or too few new ones, with the numbers.
            JobQueueFull: the greatest number of jobs waits already.
            StorageUnavailable: the job could not be recorded.
        """
        kind = chosen_type(request.type, request.target, self._settings.models.default_type)
        registry = key_of(self._settings, request.target, request.horizon)
        settings = settings_at(self._settings, registry)
        if request.candles is not None:
            needed = needed_candles(kind, settings.models, settings.features)
            refusal = partial(too_few, needed)
            series = await asyncio.to_thread(
                self._candles.given, request.symbol, request.timeframe, request.candles, needed, refusal
            )
            history = MarketHistory(DataSource.CLIENT, series)
        else:
            timeframe = request.timeframe or self._settings.analysis.primary_timeframes[0]
            history = await self._histories.find(request.symbol, kind, timeframe, settings, self._most)
        require_new(request.symbol, history, request.newer_than_ms, request.least_new)
        parameters = await asyncio.to_thread(self._parameters, request, kind, history, registry)
        job = await self._jobs.submit(JobKind.TRAIN, parameters, key)
        return TrainingAccepted(
            job,
            request.symbol,
            history.series.timeframe,
            kind,
            history.source,
            self._most if history.more else len(history.series),
            history.more,
        )

    def _parameters(
        self, request: TrainingJobRequest, kind: ModelType, history: MarketHistory, registry: RegistryKey
    ) -> dict[str, Any]:
        settings, timeframe = settings_at(self._settings, registry), history.series.timeframe
        return TrainingParameters(
            symbol=request.symbol,
            timeframe=timeframe,
            model_type=kind,
            epochs=request.epochs,
            shadow=request.by_itself and shadows_first(self._settings, registry, request.symbol, timeframe),
            candles=() if history.more else candle_rows(history.series),
            history=self._candles.history_request(history, self._most) if history.more else None,
            features=settings.features,
            indicators=settings.indicators,
            models=settings.models,
            target=registry.target,
            horizon_candles=registry.horizon,
            plans=PlanParameters.of(self._settings) if registry.target == "plan" else None,
        ).parameters()
