"""Training on request: candles found and checked, and a training job queued."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from config.settings import Settings
from domain.analysis import DataSource
from domain.candles.columns import CandleLike
from domain.errors import InsufficientData, MarketDataUnavailable, UnknownSymbol
from domain.forecasting import ANY_SYMBOL, ModelType
from domain.job_kinds import JobKind
from domain.jobs import Job
from domain.market import Timeframe
from models.registry.metadata import ModelMetadata
from models.training.learner import needed_candles, promotable_candles
from services.job_candles.finding import JobCandles
from services.job_candles.order import SeriesOrder, candle_rows
from services.jobs.service import JobService
from services.market_data.history.answers import MarketHistory
from services.market_data.market_data import MarketData
from services.training.order import TrainingOrder
from services.training.repeating import RepeatedTraining, repeated
from storage.ports import CandleStore
from utils.clock import Clock

# Of all markets together that an order brings: a document of the store has 16 MiB at most.
MAX_POOL_CANDLES = 100_000


@dataclass(frozen=True)
class TrainingAsked:
    """A client's request for a training; the service fills in what is None.

    Attributes:
        newer_than_ms: Open time of the newest candle of the training before; None without one.
        least_new: Candles that have to have closed since then.
        by_itself: Whether the service trains without being asked: then the model shadows the one in production.
    """

    symbol: str
    timeframe: Timeframe | None = None
    type: ModelType | None = None
    epochs: int | None = None
    candles: Sequence[CandleLike] | None = None
    newer_than_ms: int | None = None
    least_new: int = 0
    by_itself: bool = False


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
        self._market_data = market_data
        self._candles = JobCandles(stored, settings, clock)
        self._settings = settings
        self._most = settings.models.training.history_candles

    async def repeat(self, model: ModelMetadata, newer_than_ms: int | None, least_new: int) -> Job:
        """Queue the training of a pooled model once more: its markets and settings, with the candles of now.

        Args:
            model: A version for `*`.
            newer_than_ms: Open time of the newest candle of the training before; None without one.
            least_new: Candles that have to have closed since then in one of its markets at least.

        Raises:
            ModelUnusable: the version does not tell what has to be repeated.
            InsufficientData, MarketDataUnavailable: a market has fewer closed candles than training needs, or none has
                enough new ones, or the orders of all would be too long.
            JobQueueFull, StorageUnavailable: as `submit`.
        """
        run = repeated(model, self._settings.models, self._settings.features)
        needed = needed_candles(model.type, run.models, run.features)
        found = {symbol: await self._find(symbol, model.timeframe, model.type, needed, run) for symbol in run.markets}
        newest = max(found.values(), key=lambda history: _count_new(history, newer_than_ms))
        _require_new(ANY_SYMBOL, newest, newer_than_ms, least_new)
        brought = sum(not history.more for history in found.values())
        most = MAX_POOL_CANDLES // max(brought, 1)
        if most < needed:
            raise InsufficientData(
                f"{brought} markets of {needed} candles are more than the {MAX_POOL_CANDLES} that an order brings: "
                "train the model by cli.py train"
            )
        return await self._jobs.submit(
            JobKind.TRAIN, await asyncio.to_thread(self._pool_order, model, run, found, most)
        )

    async def submit(self, asked: TrainingAsked, key: str | None = None) -> TrainingAccepted:
        """Queue a training, unless one has the key already.

        Raises:
            InvalidMarketData: the client's candles break a rule of the market.
            InsufficientData: fewer closed candles than training needs, or too few new ones, with the numbers.
            JobQueueFull: the greatest number of jobs waits already.
            StorageUnavailable: the job could not be recorded.
        """
        kind = asked.type or self._settings.models.default_type
        needed = needed_candles(kind, self._settings.models, self._settings.features)
        if asked.candles is not None:
            too_few = partial(_too_few, needed)
            series = await asyncio.to_thread(
                self._candles.given, asked.symbol, asked.timeframe, asked.candles, needed, too_few
            )
            history = MarketHistory(DataSource.CLIENT, series)
        else:
            timeframe = asked.timeframe or self._settings.analysis.primary_timeframes[0]
            history = await self._find(asked.symbol, timeframe, kind, needed, self._settings)
        _require_new(asked.symbol, history, asked.newer_than_ms, asked.least_new)
        job = await self._jobs.submit(JobKind.TRAIN, await asyncio.to_thread(self._order, asked, kind, history), key)
        return TrainingAccepted(
            job,
            asked.symbol,
            history.series.timeframe,
            kind,
            history.source,
            self._most if history.more else len(history.series),
            history.more,
        )

    def _order(self, asked: TrainingAsked, kind: ModelType, history: MarketHistory) -> dict[str, Any]:
        order = TrainingOrder(
            symbol=asked.symbol,
            timeframe=history.series.timeframe,
            model_type=kind,
            epochs=asked.epochs,
            shadow=asked.by_itself and self._settings.models.shadow_forecasts > 0,
            candles=() if history.more else candle_rows(history.series),
            history=self._candles.history_order(history, self._most) if history.more else None,
            features=self._settings.features,
            indicators=self._settings.indicators,
            models=self._settings.models,
        )
        # Parameters that are None are shown with the job; this one is no wish of the client.
        return order.model_dump(mode="json", exclude={"pool"} if history.more else {"pool", "history"})

    def _pool_order(
        self, model: ModelMetadata, run: RepeatedTraining, found: Mapping[str, MarketHistory], most: int
    ) -> dict[str, Any]:
        """Return the order for several markets, each with its `most` newest candles or with where to read them."""
        order = TrainingOrder(
            symbol=ANY_SYMBOL,
            timeframe=model.timeframe,
            model_type=model.type,
            shadow=self._settings.models.shadow_forecasts > 0,
            pool=tuple(
                SeriesOrder(
                    symbol=symbol,
                    timeframe=model.timeframe,
                    candles=() if history.more else candle_rows(history.series)[-most:],
                    history=self._candles.history_order(history, self._most) if history.more else None,
                )
                for symbol, history in found.items()
            ),
            features=run.features,
            indicators=self._settings.indicators,
            models=run.models,
        )
        return order.model_dump(mode="json", exclude={"history"})

    async def _find(
        self, symbol: str, timeframe: Timeframe, kind: ModelType, needed: int, settings: Settings | RepeatedTraining
    ) -> MarketHistory:
        """Return the candles that were posted or, if no promotion is to be expected of those, more of a real source.

        Of a source with pages these are only its newest: the job reads the others.
        """
        stored, note = await self._candles.stored(symbol, timeframe, self._most)
        if len(stored) >= promotable_candles(kind, settings.models, settings.features):
            return MarketHistory(DataSource.STORED, stored)
        try:
            return await self._market_data.history(symbol, timeframe, max(needed, len(stored) + 1), self._most)
        except MarketDataUnavailable as refusal:
            if isinstance(refusal, UnknownSymbol):
                raise
            if len(stored) >= needed:
                return MarketHistory(DataSource.STORED, stored)
            found = f" of {symbol} {timeframe} (stored: {note}; {refusal.message}); send candles"
            raise _too_few(needed, len(stored), found) from refusal


def _count_new(history: MarketHistory, newer_than_ms: int | None) -> int:
    """Return how many candles have closed since the training before; of a source with pages the newest page tells."""
    return int((history.series.times_ms > (newer_than_ms or 0)).sum())


def _require_new(symbol: str, history: MarketHistory, newer_than_ms: int | None, least_new: int) -> None:
    """Refuse a training on what was trained on before."""
    if newer_than_ms is not None and (new := _count_new(history, newer_than_ms)) < least_new:
        raise InsufficientData(
            f"{new} candles of {symbol} {history.series.timeframe} have closed since the training before, "
            f"{least_new} are needed"
        )


def _too_few(needed: int, count: int, found: str = "") -> InsufficientData:
    return InsufficientData(f"training needs {needed} closed candles at least, there are {count}{found}")
