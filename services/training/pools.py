"""Trainings of one model on several markets: the first of all, and those that repeat a version."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

from config.settings import Settings
from domain.errors import AppError, InsufficientData, MarketDataUnavailable
from domain.forecasting import ANY_SYMBOL, ModelType
from domain.job_kinds import JobKind
from domain.jobs import Job
from domain.market import Timeframe
from models.registry.metadata import ModelMetadata
from models.registry.registries import USUAL, RegistryKey, settings_at
from models.training.learner import needed_candles
from services.following.coverage import shadows_first
from services.job_candles.finding import JobCandles
from services.job_candles.series import JobSeries, candle_rows
from services.jobs.service import JobService
from services.market_data.history.answers import MarketHistory
from services.training.histories import TrainingHistories, count_new, require_new
from services.training.parameters import PlanParameters, TrainingParameters
from services.training.repeating import RepeatedTraining, repeated

# Of all markets together that the parameters bring: a document of the store has 16 MiB at most.
MAX_POOL_CANDLES = 100_000


class Pool(NamedTuple):
    """What is trained on several markets, with which settings, and into which registry."""

    kind: ModelType
    timeframe: Timeframe
    run: RepeatedTraining
    key: RegistryKey


class PooledTraining:
    """Queues trainings of models for `*`, and refuses those that could only fail."""

    def __init__(self, jobs: JobService, histories: TrainingHistories, candles: JobCandles, settings: Settings) -> None:
        """Keep the parts.

        Args:
            jobs: Runs the training.
            histories: Finds the candles.
            candles: Makes the requests for those that the job reads itself.
            settings: Of models and features, and the configured symbols.
        """
        self._jobs = jobs
        self._histories = histories
        self._candles = candles
        self._settings = settings
        self._most = settings.models.training.history_candles

    async def repeat(
        self, model: ModelMetadata, newer_than_ms: int | None, least_new: int, key: RegistryKey = USUAL
    ) -> Job:
        """Queue the training of a pooled model once more: its markets and settings, with the candles of now.

        Args:
            model: A version for `*`.
            newer_than_ms: Open time of the newest candle of the training before; None without one.
            least_new: Candles that have to have closed since then in one of its markets at least.
            key: The registry of the version.

        Raises:
            ModelUnusable: the version does not tell what has to be repeated.
            InsufficientData, MarketDataUnavailable: a market has fewer closed candles than training needs, or none has
                enough new ones, or the parameters would be too long.
            JobQueueFull, StorageUnavailable: as `submit`.
        """
        settings = settings_at(self._settings, key)
        run = repeated(model, settings.models, settings.features)
        pool = Pool(model.type, model.timeframe, run, key)
        found = {symbol: await self._find(symbol, pool, len(run.markets)) for symbol in run.markets}
        return await self._submit(pool, found, newer_than_ms, least_new)

    async def begin(
        self, timeframe: Timeframe, newer_than_ms: int | None, least_new: int, key: RegistryKey = USUAL
    ) -> Job:
        """Queue the first training of all: of the default type, for `*`, on every configured symbol that has candles.

        Args:
            timeframe: Of its candles.
            newer_than_ms: Open time of the newest candle of the training before, which did not pass; None without one.
            least_new: Candles that have to have closed since then in one of the markets at least.
            key: Of which horizon.

        Raises:
            InsufficientData, MarketDataUnavailable: no symbol has candles enough, as the first of them says; or none
                has enough new ones, or the parameters would be too long.
            JobQueueFull, StorageUnavailable: as `submit`.
        """
        settings, symbols = settings_at(self._settings, key), self._settings.analysis.symbols
        run = RepeatedTraining(symbols, settings.models, settings.features)
        pool = Pool(settings.models.default_type, timeframe, run, key)
        found, refusals = dict[str, MarketHistory](), list[AppError]()
        for symbol in symbols:
            try:
                found[symbol] = await self._find(symbol, pool, len(symbols))
            except (InsufficientData, MarketDataUnavailable) as refusal:
                refusals.append(refusal)
        if not found:
            raise refusals[0]
        return await self._submit(pool, found, newer_than_ms, least_new)

    async def _find(self, symbol: str, pool: Pool, markets: int) -> MarketHistory:
        return await self._histories.find(symbol, pool.kind, pool.timeframe, pool.run, MAX_POOL_CANDLES // markets)

    async def _submit(
        self, pool: Pool, found: Mapping[str, MarketHistory], newer_than_ms: int | None, least_new: int
    ) -> Job:
        needed = needed_candles(pool.kind, pool.run.models, pool.run.features)
        newest = max(found.values(), key=lambda history: count_new(history, newer_than_ms))
        require_new(ANY_SYMBOL, newest, newer_than_ms, least_new)
        brought = sum(not history.more for history in found.values())
        most = MAX_POOL_CANDLES // max(brought, 1)
        if most < needed:
            raise InsufficientData(
                f"{brought} markets of {needed} candles are more than the {MAX_POOL_CANDLES} that a job brings: "
                "train the model by cli.py train"
            )
        return await self._jobs.submit(JobKind.TRAIN, await asyncio.to_thread(self._pool_parameters, pool, found, most))

    def _pool_parameters(self, pool: Pool, found: Mapping[str, MarketHistory], most: int) -> dict[str, Any]:
        """Return the parameters for several markets, each with its `most` newest candles or with where to read them."""
        return TrainingParameters(
            symbol=ANY_SYMBOL,
            timeframe=pool.timeframe,
            model_type=pool.kind,
            shadow=shadows_first(self._settings, pool.key, ANY_SYMBOL, pool.timeframe),
            pool=tuple(
                JobSeries(
                    symbol=symbol,
                    timeframe=pool.timeframe,
                    candles=() if history.more else candle_rows(history.series)[-most:],
                    history=self._candles.history_request(history, self._most) if history.more else None,
                )
                for symbol, history in found.items()
            ),
            features=pool.run.features,
            indicators=self._settings.indicators,
            models=pool.run.models,
            target=pool.key.target,
            horizon_candles=pool.key.horizon,
            plans=PlanParameters.of(self._settings) if pool.key.target == "plan" else None,
        ).parameters()
