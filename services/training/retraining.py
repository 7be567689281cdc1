"""Retraining of the models in production that need it; the trainings are queued as any other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from loguru import logger

from config.settings import Settings
from domain.errors import InvalidMarketData, JobQueueFull, MarketDataUnavailable, ModelUnusable
from domain.forecasting import ANY_SYMBOL
from domain.job_kinds import JobKind
from models.registry.registries import PLANS, USUAL, RegistryKey, keys_of
from services.jobs.service import JobService
from services.training.known_models import ServingModel
from services.training.model_admin import ModelAdmin
from services.training.retraining_policy import Place, RetrainCause, RetrainingPolicy, RetrainReason
from services.training.service import TrainingJobRequest, TrainingService
from utils.clock import Clock

# Enough to see every job that has not ended.
_JOBS = 1_000
# Gives the models that drift, by registry and version, with the reason in words; it does not wait.
Drifting = Callable[[], Mapping[tuple[RegistryKey, str], str]]


class Retraining:
    """Queues the trainings that are needed; a market is left out that is trained already, or has no new candles.

    So is a market with a candidate that shadows the model in production: if newer ones replaced it, none would ever
    be decided.
    Where nothing that was trained here is in production of a horizon, the first training is that of a model for `*`, on
    all symbols of the configuration. Plan models are retrained where one is in production, and never trained first.
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
        self._keys = keys_of(settings.models)
        self._first = ANY_SYMBOL, settings.analysis.primary_timeframes[0]
        self._clock = clock
        self._lock = asyncio.Lock()

    async def retrain_if_needed(self, *, full: bool) -> dict[str, Any]:
        """Queue a training for each model in production that needs one.

        Args:
            full: Train all, whatever their age.

        Returns:
            `submitted`, each with its job, and `skipped`, each with `why`; `auto_retrain` is off where nothing may be
            trained by itself.

        Raises:
            StorageUnavailable: the store does not answer.
            ModelCorrupt: the file of aliases of the usual horizon cannot be read.
        """
        if not self._settings.auto_retrain:
            return {"auto_retrain": False, "full": full, "submitted": [], "skipped": []}
        needed, serving = list[RetrainReason](), list[ServingModel]()
        for key in self._keys:
            try:
                own = await asyncio.to_thread(self._models.serving, key)
            except ModelUnusable as error:
                if key == USUAL:
                    raise
                logger.bind(models=key.models, reason=error.message).error("models cannot be retrained")
                continue
            needed += self._policy.needed(self._clock.now(), own, self._drifting(), full=full)
            if not own and key != PLANS:
                needed += await asyncio.to_thread(self._first_of_all, key, full)
            serving += own
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
        models = {(model.key, model.metadata.symbol, model.metadata.timeframe.value): model for model in serving}
        async with self._lock:
            under_way = await self._under_way()
            for reason in needed:
                model = models.get(reason.place)
                if (job_id := under_way.get(reason.place)) is not None:
                    skipped.append({**asdict(reason), "why": f"its training is under way: job {job_id}"})
                    continue
                if model is not None and (shadow := model.shadow):
                    skipped.append({**asdict(reason), "why": f"its candidate {shadow} shadows it, and is not decided"})
                    continue
                try:
                    submitted.append({**asdict(reason), "job_id": await self._queue(reason, model)})
                except (InvalidMarketData, MarketDataUnavailable, ModelUnusable, JobQueueFull) as refusal:
                    skipped.append({**asdict(reason), "why": refusal.message})
        for training in submitted:
            logger.bind(**training).info("a model in production is retrained")
        for training in skipped:
            logger.bind(**training).warning("a model in production is due and is not trained")
        return {"submitted": submitted, "skipped": skipped}

    def _first_of_all(self, key: RegistryKey, full: bool) -> list[RetrainReason]:
        """Return the training where nothing serves; one that did not pass the gate is repeated as others are."""
        newest = self._models.newest(*self._first, key)
        if not full and not self._policy.due(self._clock.now(), newest.created_at if newest else None):
            return []
        text = "nothing that was trained here is in production: one model of all configured symbols"
        kind = self._settings.default_type
        return [RetrainReason(*self._first, kind, RetrainCause.FIRST, text, horizon_candles=key.horizon)]

    async def _queue(self, reason: RetrainReason, model: ServingModel | None) -> str:
        newest_ms = None if model is None else model.last_candle_ms
        least_new, pools, key = self._settings.retrain_min_candles, self._training.pools, reason.key
        if reason.reason is RetrainCause.FIRST:
            newest = await asyncio.to_thread(self._models.newest, *self._first, key)
            before_ms = newest.data.last_ms if newest and newest.data else None
            return (await pools.begin(reason.timeframe, before_ms, least_new, key)).job_id
        if model is not None and reason.symbol == ANY_SYMBOL:
            return (await pools.repeat(model.metadata, newest_ms, least_new, key)).job_id
        request = TrainingJobRequest(
            symbol=reason.symbol,
            timeframe=reason.timeframe,
            type=reason.model_type,
            newer_than_ms=newest_ms,
            least_new=least_new,
            by_itself=True,
            target=reason.target,
            horizon=reason.horizon_candles,
        )
        return (await self._training.submit(request)).job.job_id

    async def _under_way(self) -> dict[Place, str]:
        """Return the trainings that wait or run, by what they train."""
        jobs = (await self._jobs.newest(_JOBS, kind=JobKind.TRAIN)).jobs
        return {_place_of(job.parameters): job.job_id for job in jobs if not job.finished}


def _place_of(parameters: Mapping[str, Any]) -> Place:
    key = RegistryKey(parameters.get("target", "close"), parameters.get("horizon_candles"))
    return key, str(parameters.get("symbol")), str(parameters.get("timeframe"))
