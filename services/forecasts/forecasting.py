"""Forecasts of the models in production: a market in, a forecast out."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from copy import copy
from datetime import datetime
from functools import partial
from time import perf_counter

from config.model_settings import ServingSettings
from domain.analysis import MarketSnapshot
from domain.errors import ModelUnavailable
from domain.forecasting import Driver, Forecast, VolatilityForecast
from domain.market import CandleSeries, Timeframe
from domain.trading.costs import Costs
from domain.trading.disabled import MODEL, WhyDisabled, nothing_is_disabled
from models.registry.metadata import ModelMetadata
from models.serving.forecaster import FeatureRows, Forecaster
from models.serving.forecasts import newest_volatility, to_forecast
from models.serving.loaded_models import LoadedModels
from rules.context import MarketContext
from services.forecasts.finding import find_model, none_in_production
from services.forecasts.leader_candles import LeaderCandles
from services.forecasts.micro_batching import MicroBatcher
from services.forecasts.model_candles import ModelCandles, best_candles
from services.forecasts.newest_rows import Market, NewestRows
from services.forecasts.opinions import Opinion, told
from services.forecasts.plan_forecasts import PlanForecasts
from services.forecasts.plans import ForecastPlans
from services.forecasts.shadow_forecasts import ShadowForecasts
from utils import metrics
from utils.concurrency import run_blocking

# A model, and the candles that it reads.
_Found = tuple[Forecaster, Market]


class Forecasting:
    """Asks the model in production of a symbol and timeframe.

    Loading, features and the run of the model are done in the executor.
    """

    def __init__(
        self,
        *,
        models: LoadedModels,
        batcher: MicroBatcher,
        candles: ModelCandles,
        leaders: LeaderCandles,
        rows: NewestRows,
        plans: ForecastPlans,
        settings: ServingSettings,
        preferred: Sequence[Timeframe],
        executor: Executor,
        why_disabled: WhyDisabled = nothing_is_disabled,
        shadows: ShadowForecasts | None = None,
        plan_forecasts: PlanForecasts | None = None,
        further: Mapping[int, LoadedModels] | None = None,
    ) -> None:
        """Keep the parts; nothing is loaded yet.

        Args:
            models: Versions in production.
            batcher: Runs the models.
            candles: Finds the candles that a model reads.
            leaders: Finds those of what leads the market.
            rows: Features of these candles.
            plans: Adds the plan of a forecast.
            settings: Probabilities from which the signal is Long or Short.
            preferred: Timeframes to forecast, first choice first.
            executor: For work off the event loop.
            why_disabled: Tells whether models take part now.
            shadows: Asks candidates the same after the answer; None asks none.
            plan_forecasts: Asks plan models; None asks none.
            further: Versions in production of other horizons, by candles ahead.
        """
        self._models = models
        self._batcher = batcher
        self._candles = candles
        self._leaders = leaders
        self._settings = settings
        self._preferred: tuple[Timeframe, ...] = tuple(dict.fromkeys((*preferred, *Timeframe)))
        self._executor = executor
        self._rows = rows
        self._plans = plans
        self._why_disabled = why_disabled
        self._shadows = shadows
        self._plan_forecasts = plan_forecasts
        self.further = further or {}

    def by(self, models: LoadedModels, moment: datetime) -> Forecasting:
        """Return the same with other models, which no candidates shadow, and with the plan models of a moment."""
        other = copy(self)
        other._models = models
        other._shadows = None
        other._plan_forecasts = self._plan_forecasts and self._plan_forecasts.at(moment)
        other.further = {}
        return other

    async def with_plan(self, snapshot: MarketSnapshot, context: MarketContext) -> MarketContext:
        """Return the context with what the plan model that takes part, if any, says of the plan that the rules give."""
        if self._plan_forecasts is None or self._why_none(snapshot):
            return context
        return await self._plan_forecasts.added(snapshot, context)

    async def plan_models(self) -> list[ModelMetadata]:
        """Return the plan models in production; raises as `PlanForecasts.in_production`."""
        if self._plan_forecasts is None:
            return []
        return await run_blocking(self._executor, self._plan_forecasts.in_production)

    def at(self, horizon: int) -> Forecasting:
        """Return the same with the models of one of the horizons in `further`, which no candidates shadow."""
        other = copy(self)
        other._models, other._shadows = self.further[horizon], None
        return other

    async def forecast(self, snapshot: MarketSnapshot, timeframe: Timeframe, costs: Costs | None = None) -> Forecast:
        """Return the forecast of the model in production for a market, from its closed candles.

        Args:
            snapshot: The market.
            timeframe: To forecast.
            costs: Of the client's trades; None are the usual ones.

        Raises:
            ModelUnavailable: no model is in production, none can be loaded, or models are disabled.
            InsufficientData: too few candles, stored ones included; the message has the numbers.
            InvalidMarketData: the model has no finite answer to candles that far from any market.
        """
        started = perf_counter()
        return await self._answer(snapshot, await self._found(snapshot, timeframe), costs, started)

    async def _answer(self, snapshot: MarketSnapshot, found: _Found, costs: Costs | None, started: float) -> Forecast:
        symbol, (model, (history, leader)) = snapshot.symbol, found
        rows, drivers, volatility = await run_blocking(self._executor, self._read, model, history, leader)
        asked = perf_counter()
        forecasts = await self._batcher.forecast(model, rows)
        metrics.INFERENCE_DURATION.observe(perf_counter() - asked)
        led, by = leader is not None, model.recalibration
        bare = to_forecast(symbol, model.metadata, forecasts, self._settings, volatility, drivers, led=led, by=by)
        forecast = self._plans.added(bare, model.metadata.plans, history, snapshot.price, costs)
        if self._shadows is not None and snapshot.as_of_ms is None:
            find_leader = partial(self._leaders.of, snapshot=snapshot, history=history)
            self._shadows.begin(model.metadata, forecast, history, find_leader, snapshot.price, costs)
        metrics.PREDICTION_DURATION.labels(forecast.model_type).observe(perf_counter() - started)
        metrics.MODEL_PREDICTIONS.labels(forecast.model_type, forecast.signal).inc()
        metrics.ML_PREDICTIONS.inc()
        metrics.ML_CONFIDENCE.observe(forecast.confidence)
        return forecast

    async def model(self, snapshot: MarketSnapshot, timeframe: Timeframe) -> Forecaster:
        """Return what serves a market, for `bare`; raises ModelUnavailable as `forecast`."""
        if reason := self._why_none(snapshot):
            raise ModelUnavailable(reason)
        return await self._model(snapshot.symbol, timeframe)

    async def bare(self, model: Forecaster, snapshot: MarketSnapshot, timeframe: Timeframe) -> Forecast:
        """Return the forecast of a model without drivers and plan, which nothing counts; raises as `forecast`."""
        history = await self._candles.history(model, snapshot, timeframe)
        leader = await self._leaders.of(model, snapshot, history)
        rows = await run_blocking(self._executor, self._rows.of, model, history, leader)
        forecasts = await self._batcher.forecast(model, rows)
        volatility, led, by = newest_volatility(model.metadata, history), leader is not None, model.recalibration
        return to_forecast(snapshot.symbol, model.metadata, forecasts, self._settings, volatility, led=led, by=by)

    async def opinion(self, snapshot: MarketSnapshot, timeframe: Timeframe, costs: Costs | None = None) -> Opinion:
        """Return the forecast, or the reason why there is none, for callers that work without one."""
        return await told(snapshot, timeframe, self.forecast(snapshot, timeframe, costs))

    async def opinions(self, markets: Sequence[tuple[MarketSnapshot, Timeframe]]) -> list[Opinion]:
        """Return what `opinion` does, for each of several markets; their features are computed in one call."""
        started = perf_counter()
        found = await asyncio.gather(*(self._found(*market) for market in markets), return_exceptions=True)
        by_model = defaultdict[Forecaster, list[Market]](list)
        for one in found:
            if not isinstance(one, BaseException):
                model, candles = one
                by_model[model].append(candles)
        for model, some in by_model.items():
            await run_blocking(self._executor, self._rows.read_ahead, model, some)

        async def forecast(snapshot: MarketSnapshot, one: _Found | BaseException) -> Forecast:
            if isinstance(one, BaseException):
                raise one
            return await self._answer(snapshot, one, None, started)

        both = zip(markets, found, strict=True)
        return await asyncio.gather(*(told(*market, forecast(market[0], one)) for market, one in both))

    async def choose(self, symbol: str, offered: Iterable[Timeframe]) -> Timeframe:
        """Return the preferred one of the offered timeframes that have a model in production.

        Raises:
            ModelUnavailable: none has.
        """
        timeframes = tuple(sorted(offered, key=lambda timeframe: timeframe.ms))
        served = await run_blocking(self._executor, self._models.timeframes, symbol)
        usable = served.intersection(timeframes)
        chosen = next((timeframe for timeframe in self._preferred if timeframe in usable), None)
        if chosen is None:
            raise ModelUnavailable(none_in_production(self._models, symbol, timeframes))
        return chosen

    async def wanted_candles(self, symbol: str, timeframe: Timeframe) -> int:
        """Return the number of closed candles with which the model answers as with any longer history.

        Raises:
            ModelUnavailable: no model is in production, or none can be loaded.
        """
        return best_candles(await self._model(symbol, timeframe))

    async def in_production(self) -> dict[str, str | None]:
        """Return the version that serves each symbol (or `*`) and timeframe; None where none can be loaded."""
        served = await run_blocking(self._executor, self._models.in_production)
        return {f"{symbol} {timeframe}": version for (symbol, timeframe), version in served.items()}

    def known_production(self) -> dict[str, str | None]:
        """Return the last known result of `in_production` without waiting."""
        served = self._models.known_production()
        return {f"{symbol} {timeframe}": version for (symbol, timeframe), version in served.items()}

    def _why_none(self, snapshot: MarketSnapshot) -> str | None:
        """Return why models take no part in a market; None where they do, as in replays of a time when they did."""
        return self._why_disabled(MODEL) if snapshot.as_of_ms is None else None

    async def _found(self, snapshot: MarketSnapshot, timeframe: Timeframe) -> _Found:
        """Return the model in production and what it reads; raises as `forecast`."""
        model = await self.model(snapshot, timeframe)
        history = await self._candles.history(model, snapshot, timeframe)
        self._leaders.keep(snapshot, history)
        return model, (history, await self._leaders.of(model, snapshot, history))

    async def _model(self, symbol: str, timeframe: Timeframe) -> Forecaster:
        if self._models.known_absent(symbol, timeframe):  # the common case: an analysis without models costs nothing
            raise ModelUnavailable(none_in_production(self._models, symbol, (timeframe,)))
        return await run_blocking(self._executor, find_model, self._models, symbol, timeframe)

    def _read(
        self, model: Forecaster, history: CandleSeries, leader: CandleSeries | None
    ) -> tuple[FeatureRows, tuple[Driver, ...] | None, VolatilityForecast]:
        rows = self._rows.of(model, history, leader)
        return rows, model.drivers(rows), newest_volatility(model.metadata, history)
