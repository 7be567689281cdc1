"""What a model answers to markets: features and model run once for all of them, and the plan of each forecast."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from copy import copy
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from time import perf_counter

import numpy as np

from config.model_settings import ServingSettings
from domain.analysis import MarketSnapshot
from domain.errors import AppError
from domain.forecasting import Driver, Forecast, VolatilityForecast
from domain.trading.costs import Costs
from models.serving.forecaster import FeatureRows, Forecaster, Forecasts
from models.serving.forecasts import newest_volatilities, to_forecast
from services.forecasts.micro_batching import MicroBatcher
from services.forecasts.model_candles import Market, ModelCandles
from services.forecasts.newest_rows import NewestRows
from services.forecasts.plans import ForecastPlans
from services.forecasts.shadow_forecasts import ShadowForecasts
from utils import metrics
from utils.concurrency import run_blocking

# A market, and the candles of it that the model reads.
ForecastRequest = tuple[MarketSnapshot, Market]


@dataclass(frozen=True, eq=False)
class _Read:
    """What a model reads in a market beside its newest rows: what moves the answer most, and its volatility."""

    drivers: tuple[Driver, ...] | None
    volatility: VolatilityForecast


class ForecastAnswers:
    """Asks a model about markets; features and the run of the model are computed in the executor."""

    def __init__(
        self,
        batcher: MicroBatcher,
        candles: ModelCandles,
        rows: NewestRows,
        plans: ForecastPlans,
        settings: ServingSettings,
        executor: Executor,
        shadows: ShadowForecasts | None,
    ) -> None:
        """Keep the parts.

        Args:
            batcher: Runs the models.
            candles: Finds those of what leads a market, for the shadows.
            rows: Features of candles.
            plans: Adds the plan of a forecast.
            settings: Probabilities from which the signal is Long or Short.
            executor: For work off the event loop.
            shadows: Asks candidates the same after the answer; None asks none.
        """
        self._batcher = batcher
        self._candles = candles
        self._rows = rows
        self._plans = plans
        self._settings = settings
        self._executor = executor
        self._shadows = shadows

    def unshadowed(self) -> ForecastAnswers:
        """Return the same without candidates."""
        other = copy(self)
        other._shadows = None
        return other

    async def of(
        self, model: Forecaster, requests: Sequence[ForecastRequest], costs: Costs | None, began: float
    ) -> list[Forecast | Exception]:
        """Return the forecast of each market, or the error of one that cannot have any.

        Args:
            model: The model.
            requests: One market or more.
            costs: Of the client's trades; None are the usual ones.
            began: When they were asked for, by `perf_counter`.
        """
        reads, rows = await run_blocking(self._executor, self._read, model, [market for _, market in requests])
        forecasts = await self._run(model, rows) if rows else None
        answers, at = list[Forecast | Exception](), 0
        for read, request in zip(reads, requests, strict=True):
            if isinstance(read, Exception):
                answers.append(read)
            elif forecasts is not None:
                answers.append(self._answer(model, request, read, forecasts.part(at, at + 1), costs))
                at += 1
        for answer in answers:
            if isinstance(answer, Forecast):
                metrics.PREDICTION_DURATION.labels(answer.model_type).observe(perf_counter() - began)
        return answers

    async def bare(self, model: Forecaster, snapshot: MarketSnapshot, market: Market) -> Forecast:
        """Return the forecast of a market without drivers and plan, which is no entry of the ledger.

        Raises:
            InsufficientData, InvalidMarketData: as `Forecasting.forecast`.
        """
        history, leader = market
        rows = await run_blocking(self._executor, self._rows.of, model, history, leader)
        forecasts = await self._batcher.forecast(model, rows)
        (volatility,) = newest_volatilities(model.metadata, [history])
        return to_forecast(snapshot.symbol, model, forecasts, self._settings, volatility, led=leader is not None)

    def _read(self, model: Forecaster, markets: Sequence[Market]) -> tuple[list[_Read | Exception], FeatureRows]:
        """Return each market as the model reads it, or its error, and the rows of all that can be read."""
        if len(markets) > 1:
            self._rows.read_ahead(model, markets)
        found = [self._rows_of(model, market) for market in markets]
        readable = [rows for rows in found if not isinstance(rows, Exception)]
        if not readable:
            return [error for error in found if isinstance(error, Exception)], {}
        together = {name: np.concatenate([rows[name] for rows in readable]) for name in model.needs}
        histories = [
            history for rows, (history, _) in zip(found, markets, strict=True) if not isinstance(rows, Exception)
        ]
        drivers = model.drivers(together) or repeat(None)
        reads = map(_Read, drivers, newest_volatilities(model.metadata, histories))
        return [rows if isinstance(rows, Exception) else next(reads) for rows in found], together

    def _rows_of(self, model: Forecaster, market: Market) -> FeatureRows | Exception:
        try:
            rows = self._rows.of(model, *market)
            model.check(rows)
            return rows
        except Exception as error:  # noqa: BLE001 - it is the answer of this market: the others have theirs
            return error

    async def _run(self, model: Forecaster, rows: FeatureRows) -> Forecasts:
        started = perf_counter()
        forecasts = await self._batcher.forecast(model, rows)
        metrics.INFERENCE_DURATION.observe(perf_counter() - started)
        return forecasts

    def _answer(
        self, model: Forecaster, request: ForecastRequest, read: _Read, forecasts: Forecasts, costs: Costs | None
    ) -> Forecast | AppError:
        metadata, (snapshot, (history, leader)) = model.metadata, request
        symbol, settings, led = snapshot.symbol, self._settings, leader is not None
        try:
            bare = to_forecast(symbol, model, forecasts, settings, read.volatility, read.drivers, led=led)
        except AppError as error:
            return error
        forecast = self._plans.with_plan(bare, metadata.plans, history, snapshot.price, costs)
        if snapshot.as_of_ms is not None:  # a replay: nothing is measured by it
            return forecast
        if self._shadows is not None:
            find_leader = partial(self._candles.leader, snapshot=snapshot, history=history)
            self._shadows.begin(metadata, forecast, history, find_leader, snapshot.price, costs)
        metrics.MODEL_PREDICTIONS.labels(forecast.model_type, forecast.signal).inc()
        metrics.ML_PREDICTIONS.inc()
        metrics.ML_CONFIDENCE.observe(forecast.confidence)
        return forecast
