"""Which models in production are trained anew, and why; the trainings are queued as any other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from loguru import logger

from config.model_settings import ModelSettings
from config.settings import Settings
from domain.errors import InvalidMarketData, JobQueueFull, MarketDataUnavailable, ModelUnusable
from domain.forecasting import ANY_SYMBOL, ModelType
from domain.job_kinds import JobKind
from domain.market import Timeframe
from services.jobs.service import JobService
from services.training.model_admin import ModelAdmin, ServingModel
from services.training.service import TrainingAsked, TrainingService
from utils.clock import Clock

# A training ends hours after the look that began it: without this share of the interval a daily look would find the
# version of the day before a little too young, and train every second day.
_SLACK = 0.1
# Enough to see every job that has not ended.
_JOBS = 1_000
# Gives the models that drift, by version, with the reason in words; it does not wait.
Drifting = Callable[[], Mapping[str, str]]


class RetrainCause(StrEnum):
    """Why a model is trained anew; `first` is the training where nothing serves yet, `full` the one of all."""

    FIRST = "first"
    AGE = "age"
    DRIFT = "drift"
    SELF_ANALYSIS = "self_analysis"
    FULL = "full"


@dataclass(frozen=True)
class RetrainReason:
    """A model to train anew, and why; `text` is for a person."""

    symbol: str
    timeframe: Timeframe
    model_type: ModelType
    reason: RetrainCause
    text: str


class RetrainingPolicy:
    """Decides by age and alarms; pure."""

    def __init__(self, settings: ModelSettings) -> None:
        """Keep the interval."""
        self._interval = timedelta(hours=settings.retrain_interval_hours)

    def due(self, now: datetime, trained: datetime | None) -> bool:
        """Return whether a training is old enough for the next one, or was never."""
        return trained is None or now - trained >= (1 - _SLACK) * self._interval

    def needed(
        self, now: datetime, models: Sequence[ServingModel], drifting: Mapping[str, str], *, full: bool = False
    ) -> list[RetrainReason]:
        """Return what has to be trained, each model once.

        Args:
            now: Aware UTC time.
            models: In production.
            drifting: Versions with an alarm, and the reason in words.
            full: Whether all are trained, whatever their age.
        """
        found = []
        for model in models:
            metadata, age = model.metadata, now - model.last_trained
            if metadata.version in drifting:
                cause, text = RetrainCause.DRIFT, drifting[metadata.version]
            elif full:
                cause, text = RetrainCause.FULL, "every model is trained anew"
            elif self.due(now, model.last_trained):
                hours = age.total_seconds() / 3600
                cause = RetrainCause.AGE
                text = f"trained {hours:.1f} hours ago, every {self._interval.total_seconds() / 3600:g} hours it is due"
            else:
                continue
            found.append(RetrainReason(metadata.symbol, metadata.timeframe, metadata.type, cause, text))
        return found


class Retraining:
    """Queues the trainings that are needed; a market is left out that is trained already, or has no new candles.

    So is one whose candidate shadows the model in production: a newer one would begin anew, and none would ever end.
    Where nothing that was trained here is in production, the first training is that of a model for `*`, on all symbols
    of the configuration.
    """

    def __init__(
        self,
        models: ModelAdmin,
        training: TrainingService,
        jobs: JobService,
        drifting: Drifting,
        settings: Settings,
        clock: Clock,
    ) -> None:
        """Keep the parts.

        Args:
            models: Knows what is in production.
            training: Queues trainings.
            jobs: Knows which trainings wait or run.
            drifting: Tells which versions drift.
            settings: Switch, interval and number of new candles.
            clock: Tells the age of versions.
        """
        self._policy = RetrainingPolicy(settings.models)
        self._models = models
        self._training = training
        self._jobs = jobs
        self._drifting = drifting
        self._settings = settings.models
        self._first = ANY_SYMBOL, settings.analysis.primary_timeframes[0]
        self._clock = clock
        self._lock = asyncio.Lock()

    async def retrain_if_needed(self, *, full: bool = False) -> dict[str, Any]:
        """Queue a training for each model in production that needs one.

        Args:
            full: Train all, whatever their age.

        Returns:
            `submitted`, each with its job, and `skipped`, each with `why`; `auto_retrain` is off where nothing may be
            trained by itself.

        Raises:
            StorageUnavailable: the store does not answer.
            ModelCorrupt: the registry's file of aliases cannot be read.
        """
        if not self._settings.auto_retrain:
            return {"auto_retrain": False, "full": full, "submitted": [], "skipped": []}
        serving = await asyncio.to_thread(self._models.serving)
        needed = self._policy.needed(self._clock.now(), serving, self._drifting(), full=full)
        if not serving:
            needed = await asyncio.to_thread(self._first_of_all, full)
        return {"auto_retrain": True, "full": full, **await self._submit(needed, serving)}

    async def because(self, text: str) -> dict[str, Any]:
        """Queue a training of the model in production for the default market, as the self-analysis advises.

        Args:
            text: The advice, for a person.

        Raises:
            StorageUnavailable, ModelCorrupt: as `retrain_if_needed`.
        """
        model = await asyncio.to_thread(self._models.production)
        if model is None or model.shipped:
            return {"submitted": [], "skipped": []}
        reason = RetrainReason(model.symbol, model.timeframe, model.type, RetrainCause.SELF_ANALYSIS, text)
        return await self._submit([reason], await asyncio.to_thread(self._models.serving))

    async def _submit(self, needed: Sequence[RetrainReason], serving: Sequence[ServingModel]) -> dict[str, Any]:
        submitted, skipped = [], []
        models = {model.metadata.scope: model for model in serving}
        shadows = {model.metadata.scope: model.shadow for model in serving}
        async with self._lock:
            under_way = await self._under_way()
            for reason in needed:
                scope = reason.symbol, reason.timeframe
                job_id = under_way.get((reason.symbol, reason.timeframe.value))
                if job_id is not None:
                    skipped.append({**asdict(reason), "why": f"its training is under way: job {job_id}"})
                    continue
                if shadow := shadows.get(scope):
                    skipped.append({**asdict(reason), "why": f"its candidate {shadow} shadows it, and is not decided"})
                    continue
                try:
                    submitted.append({**asdict(reason), "job_id": await self._queue(reason, models.get(scope))})
                except (InvalidMarketData, MarketDataUnavailable, ModelUnusable, JobQueueFull) as refusal:
                    skipped.append({**asdict(reason), "why": refusal.message})
        for each in submitted:
            logger.bind(**each).info("a model in production is trained anew")
        for each in skipped:
            logger.bind(**each).warning("a model in production is due and is not trained")
        return {"submitted": submitted, "skipped": skipped}

    def _first_of_all(self, full: bool) -> list[RetrainReason]:
        """Return the training where nothing serves; one that did not pass the gate is repeated as others are."""
        newest = self._models.newest(*self._first)
        if not full and not self._policy.due(self._clock.now(), newest.created_at if newest else None):
            return []
        text = "nothing that was trained here is in production: one model of all configured symbols"
        return [RetrainReason(*self._first, self._settings.default_type, RetrainCause.FIRST, text)]

    async def _queue(self, reason: RetrainReason, model: ServingModel | None) -> str:
        newest_ms = None if model is None else model.last_candle_ms
        least_new, pools = self._settings.retrain_min_candles, self._training.pools
        if reason.reason is RetrainCause.FIRST:
            newest = await asyncio.to_thread(self._models.newest, *self._first)
            before_ms = newest.data.last_ms if newest and newest.data else None
            return (await pools.begin(reason.timeframe, before_ms, least_new)).job_id
        if model is not None and reason.symbol == ANY_SYMBOL:
            return (await pools.repeat(model.metadata, newest_ms, least_new)).job_id
        asked = TrainingAsked(
            symbol=reason.symbol,
            timeframe=reason.timeframe,
            type=reason.model_type,
            newer_than_ms=newest_ms,
            least_new=least_new,
            by_itself=True,
        )
        return (await self._training.submit(asked)).job.job_id

    async def _under_way(self) -> dict[tuple[str, str], str]:
        """Return the trainings that wait or run, by symbol and timeframe."""
        return {
            (str(job.parameters.get("symbol")), str(job.parameters.get("timeframe"))): job.job_id
            for job in (await self._jobs.newest(_JOBS, kind=JobKind.TRAIN)).jobs
            if not job.finished
        }
