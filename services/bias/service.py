"""Bias on request: candles found and checked, and a job queued."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from backtesting.bias import lookahead, recursive
from domain.analysis import DataSource
from domain.candles.columns import CandleLike
from domain.errors import InsufficientData, InvalidRequest
from domain.job_kinds import JobKind
from domain.jobs import Job
from domain.market import Timeframe
from models.registry.metadata import ModelMetadata
from models.registry.registries import USUAL, Registries, RegistryKey, settings_at
from services.bias.parameters import BiasParameters
from services.job_candles.finding import JobCandles
from services.job_candles.histories import CandleCounts, find_history
from services.job_candles.leaders import JobLeaders
from services.job_candles.series import candle_rows
from services.jobs.service import JobService
from services.market_data.history.answers import MarketHistory
from services.market_data.market_data import MarketData
from storage.ports import CandleStore
from utils.clock import Clock

LEAST = {JobKind.BIAS_LOOKAHEAD: lookahead.LEAST_CANDLES, JobKind.BIAS_RECURSIVE: recursive.LEAST_CANDLES}
# Twice the longest history that is compared with the longest: with as many, the store's candles do.
ENOUGH_CANDLES = 2 * recursive.LENGTHS[-1]


@dataclass(frozen=True)
class BiasJobRequest:
    """A client's request; the service fills in what is None. `horizon` is that of the version, of a further horizon."""

    kind: JobKind
    symbol: str
    timeframe: Timeframe | None = None
    version: str | None = None
    moments: int | None = None
    candles: Sequence[CandleLike] | None = None
    horizon: int | None = None


@dataclass(frozen=True)
class BiasAccepted:
    """The queued job, and the source and number of its closed candles; a maximum where the job fetches them."""

    job: Job
    symbol: str
    timeframe: Timeframe
    source: DataSource
    candles: int


class BiasService:
    """Queues jobs against bias, and refuses those that could only fail."""

    def __init__(
        self,
        jobs: JobService,
        market_data: MarketData,
        stored: CandleStore,
        leaders: JobLeaders,
        registries: Registries,
        clock: Clock,
    ) -> None:
        """Keep the parts.

        Args:
            jobs: Runs the job.
            market_data: Knows who has candles where neither the client nor the store has enough.
            stored: Has the candles that trusted clients posted.
            leaders: Finds candles that a version reads beside those of a market.
            registries: Have the versions that can be checked, and the settings of the rules and their indicators.
            clock: Decides which candles have closed.
        """
        self._jobs = jobs
        self._market_data = market_data
        self._candles = JobCandles(stored, registries.settings, clock)
        self._leaders = leaders
        self._registries = registries
        self._settings = registries.settings

    async def submit(self, request: BiasJobRequest, key: str | None = None) -> BiasAccepted:
        """Queue a job, unless one has the key already.

        Raises:
            InvalidMarketData: the client's candles break a rule of the market.
            InsufficientData: too few closed candles, with the numbers.
            InvalidRequest: the version forecasts another market or timeframe, is a plan model, or has no valid name.
            ModelNotFound: there is no such version.
            JobQueueFull: the greatest number of jobs waits already.
            StorageUnavailable: the job could not be recorded.
        """
        needed = LEAST[request.kind]
        timeframe, registry, model = request.timeframe, USUAL, None
        if request.version is not None:
            registry = await asyncio.to_thread(self._registries.of_close, request.version, request.horizon)
            model = await asyncio.to_thread(self._model, registry, request, request.version)
            timeframe = model.timeframe
        elif request.horizon is not None:
            raise InvalidRequest("horizon_candles is that of a version: name one, or leave it out")
        if request.candles is not None:
            too_few = partial(_too_few, needed)
            series = await asyncio.to_thread(
                self._candles.given, request.symbol, timeframe, request.candles, needed, too_few
            )
            found = MarketHistory(DataSource.CLIENT, series)
        else:
            found = await self._find(request.symbol, timeframe or self._settings.analysis.primary_timeframes[0], needed)
        parameters = await asyncio.to_thread(self._parameters, registry, request, found)
        if model is not None:
            leaders = await self._leaders.beside(
                model.leader(request.symbol), parameters, sent=request.candles is not None
            )
            parameters = parameters.model_copy(update={"leaders": leaders})
        job = await self._jobs.submit(request.kind, parameters.model_dump(mode="json"), key)
        count = self._settings.bias.history_candles if found.more else len(found.series)
        return BiasAccepted(job, request.symbol, found.series.timeframe, found.source, count)

    def _model(self, registry: RegistryKey, request: BiasJobRequest, version: str) -> ModelMetadata:
        """Return a version that forecasts what is asked for."""
        model = self._registries.at(registry).open(version).metadata
        model.require_market(request.symbol, request.timeframe)
        return model

    def _parameters(self, registry: RegistryKey, request: BiasJobRequest, found: MarketHistory) -> BiasParameters:
        most = self._settings.bias.history_candles
        history = self._candles.history_request(found, most) if found.more else None
        return BiasParameters(
            symbol=request.symbol,
            timeframe=found.series.timeframe,
            version=request.version,
            moments=request.moments or self._settings.bias.moments,
            candles=() if history else candle_rows(found.series),
            history=history,
            analysis=self._settings.analysis,
            indicators=self._settings.indicators,
            models=settings_at(self._settings, registry).models,
        )

    async def _find(self, symbol: str, timeframe: Timeframe, needed: int) -> MarketHistory:
        """Return the candles that were posted or, where these are few, more of a real source."""
        most = self._settings.bias.history_candles

        def refused(count: int, note: str, reason: str) -> InsufficientData:
            return _too_few(needed, count, f" of {symbol} {timeframe} (stored: {note}; {reason}); send candles")

        counts = CandleCounts(needed, enough=min(ENOUGH_CANDLES, most), most=most, posted=most)
        return await find_history(self._candles, self._market_data, (symbol, timeframe), counts, refused)


def _too_few(needed: int, count: int, found: str = "") -> InsufficientData:
    return InsufficientData(f"it takes {needed} closed candles at least, there are {count}{found}")
