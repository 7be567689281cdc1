"""Forecasts of the models in production: a market in, a forecast out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from copy import copy
from datetime import datetime
from time import perf_counter
from typing import TypeVar

from domain.analysis import MarketSnapshot
from domain.errors import ModelUnavailable
from domain.forecasting import Forecast
from domain.market import Timeframe
from domain.trading.costs import Costs
from domain.trading.disabled import MODEL, WhyDisabled
from models.registry.metadata import ModelMetadata
from models.serving.forecaster import Forecaster
from models.serving.loaded_models import LoadedModels
from rules.context import MarketContext
from services.forecasts.answers import ForecastAnswers, ForecastRequest
from services.forecasts.model_candles import ModelCandles, ModelMarket, best_candles
from services.forecasts.opinions import Opinion, find_model, none_in_production, opinion_of
from services.forecasts.plan_forecasts import PlanForecasts
from utils.concurrency import run_blocking

T = TypeVar("T")


class Forecasting:
    """Asks the model in production of a symbol and timeframe.

    Loading, features and the run of the model are done in the executor.
    """

    def __init__(
        self,
        *,
        models: LoadedModels,
        candles: ModelCandles,
        answers: ForecastAnswers,
        preferred: Sequence[Timeframe],
        executor: Executor,
        why_disabled: WhyDisabled,
        plan_forecasts: PlanForecasts,
        further: Mapping[int, LoadedModels],
    ) -> None:
        """Keep the parts; nothing is loaded yet.

        Args:
            models: Versions in production.
            candles: Finds the candles that a model reads.
            answers: Asks a model.
            preferred: Timeframes to forecast, first choice first.
            executor: For work off the event loop.
            why_disabled: Tells whether models take part now.
            plan_forecasts: Asks plan models.
            further: Versions in production of other horizons, by candles ahead.
        """
        self._models = models
        self._candles = candles
        self._preferred: tuple[Timeframe, ...] = tuple(dict.fromkeys((*preferred, *Timeframe)))
        self._executor = executor
        self._answers = answers
        self._why_disabled = why_disabled
        self._plan_forecasts = plan_forecasts
        self.further = further
        self._horizon: int | None = None

    def by(self, models: LoadedModels, moment: datetime) -> Forecasting:
        """Return the same with other models, which no candidates shadow, and with the plan models of a moment."""
        other = copy(self)
        other._models = models
        other._answers = self._answers.unshadowed()
        other._plan_forecasts = self._plan_forecasts.at(moment)
        other.further = {}
        return other

    async def with_plan(self, snapshot: MarketSnapshot, context: MarketContext) -> MarketContext:
        """Return the context with what the plan model that takes part, if any, says of the plan that the rules give."""
        if self._why_none(snapshot):
            return context
        return await self._plan_forecasts.with_forecast(snapshot, context)

    async def plan_models(self) -> list[ModelMetadata]:
        """Return the plan models in production; raises as `PlanForecasts.in_production`."""
        return await run_blocking(self._executor, self._plan_forecasts.in_production)

    def at(self, horizon: int) -> Forecasting:
        """Return the same with the models of one of the horizons in `further`, which no candidates shadow."""
        other = self.asking(self.further[horizon])
        other._horizon = horizon
        return other

    def asking(self, models: LoadedModels) -> Forecasting:
        """Return the same with other models, which no candidates shadow."""
        other = copy(self)
        other._models, other._answers = models, self._answers.unshadowed()
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
        (answer,) = await self._asked([(snapshot, timeframe)], costs)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def model(self, snapshot: MarketSnapshot, timeframe: Timeframe) -> Forecaster:
        """Return what serves a market, for `bare`; raises ModelUnavailable as `forecast`."""
        if reason := self._why_none(snapshot):
            raise ModelUnavailable(reason)
        return await self._model(snapshot.symbol, timeframe)

    async def bare(self, model: Forecaster, snapshot: MarketSnapshot, timeframe: Timeframe) -> Forecast:
        """Return the forecast of a model without drivers and plan, no entry of the ledger; raises as `forecast`."""
        return await self._answers.bare(model, snapshot, await self._candles.of(model, snapshot, timeframe))

    async def opinion(self, snapshot: MarketSnapshot, timeframe: Timeframe, costs: Costs | None = None) -> Opinion:
        """Return the forecast, or the reason why there is none, for callers that work without one."""
        (answer,) = await self._asked([(snapshot, timeframe)], costs)
        return opinion_of(snapshot, timeframe, answer)

    async def opinions(self, markets: Sequence[tuple[MarketSnapshot, Timeframe]]) -> list[Opinion]:
        """Return what `opinion` does, for each of several markets; a model computes those that it serves at once."""
        answers = await self._asked(markets, None)
        return [opinion_of(*market, answer) for market, answer in zip(markets, answers, strict=True)]

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
            raise ModelUnavailable(none_in_production(self._models, symbol, timeframes, self._horizon))
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

    async def _asked(
        self, markets: Sequence[tuple[MarketSnapshot, Timeframe]], costs: Costs | None
    ) -> list[Forecast | Exception]:
        """Return the forecast of each market, or the error of one that cannot have any, as `forecast` raises them."""
        began = perf_counter()
        answers, requests = dict[int, Forecast | Exception](), dict[int, ModelMarket]()
        for at, market in enumerate(markets):
            model = await _outcome(self.model(*market))
            if isinstance(model, Exception):
                answers[at] = model
            else:
                requests[at] = ModelMarket(model, *market)
        if not requests:
            return [*answers.values()]
        found = _each(await _outcome(self._candles.of_all([*requests.values()])), len(requests))
        by_model = defaultdict[Forecaster, dict[int, ForecastRequest]](dict)
        for (at, request), candles in zip(requests.items(), found, strict=True):
            if isinstance(candles, Exception):
                answers[at] = candles
            else:
                by_model[request.model][at] = request.snapshot, candles
        for model, asked in by_model.items():
            told = await _outcome(self._answers.of(model, [*asked.values()], costs, began))
            answers |= zip(asked, _each(told, len(asked)), strict=True)
        return [answers[at] for at in range(len(markets))]

    async def _model(self, symbol: str, timeframe: Timeframe) -> Forecaster:
        if self._models.known_absent(symbol, timeframe):  # the common case: an analysis without models costs nothing
            raise ModelUnavailable(none_in_production(self._models, symbol, (timeframe,), self._horizon))
        known = self._models.known(symbol, timeframe)
        if known is not None:
            return known
        return await run_blocking(self._executor, find_model, self._models, symbol, timeframe, self._horizon)


async def _outcome(answer: Awaitable[T]) -> T | Exception:
    """Return the answer, or the error of one that failed: the others have theirs."""
    try:
        return await answer
    except Exception as error:  # noqa: BLE001 - `opinion_of` words it, or logs it
        return error


def _each(answers: list[T] | Exception, count: int) -> list[T | Exception]:
    """Return the answer to each of several requests; an error of all of them is that of each."""
    return [answers] * count if isinstance(answers, Exception) else [*answers]
