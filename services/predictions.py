"""Predictions on request: what the model says of given or fetched candles, and the trend of a symbol."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime

from config.settings import AnalysisSettings
from domain.analysis import AnalysisQuery, DataSource, MarketSnapshot
from domain.errors import MarketDataUnavailable
from domain.forecasting import Forecast
from domain.market import Timeframe
from domain.values import Signal
from features.technical_indicators import TechnicalIndicators
from services.analysts.analyst import Analyst
from services.analysts.context import build_context
from services.forecasting import Forecasting
from services.market_data.market_data import MarketData
from services.strategies import STRATEGY_NAMES
from utils.clock import Clock
from utils.concurrency import run_blocking

# Those who ask for a trend leave after 2 s; the rest is for the model or the rules.
FETCH_SECONDS = 1.5


@dataclass(frozen=True)
class Prediction:
    """A forecast, whose candles it is made of, and when it was made by the server's clock."""

    forecast: Forecast
    source_data: DataSource
    at: datetime


@dataclass(frozen=True)
class Trend:
    """Which way a symbol goes, how sure that is (0..1), and who says so: a version, or the rules."""

    symbol: str
    timeframe: Timeframe
    signal: Signal
    confidence: float
    model: str
    source_data: DataSource
    at: datetime


class Predictions:
    """Answers those who ask for a model's word, or just for the direction."""

    def __init__(
        self,
        forecasting: Forecasting,
        market_data: MarketData,
        rules: Analyst,
        indicators: TechnicalIndicators,
        settings: AnalysisSettings,
        clock: Clock,
        executor: Executor,
    ) -> None:
        self._forecasting = forecasting
        self._market_data = market_data
        self._rules = rules
        self._indicators = indicators
        self._settings = settings
        self._clock = clock
        self._executor = executor

    async def predict(self, query: AnalysisQuery) -> Prediction:
        """Return the forecast for a query, on the preferred of its timeframes that have a model in production.

        Without candles in the query they are fetched.

        Raises:
            ModelUnavailable: no model is in production for any of the timeframes, or it cannot be loaded.
            InsufficientData: too few candles for the model.
            MarketDataUnavailable: the query has no candles and no source gave any.
        """
        offered = query.snapshot.series if query.snapshot else Timeframe
        timeframe = await self._forecasting.choose(query.symbol, offered)
        snapshot = query.snapshot or await self._fetched(query.symbol, timeframe)
        forecast = await self._forecasting.forecast(snapshot, timeframe)
        return Prediction(forecast, snapshot.source_data, self._clock.now())

    async def trend(self, symbol: str, timeframe: Timeframe) -> Trend:
        """Return the direction by the model in production, or by the rules where no model can answer.

        Raises:
            MarketDataUnavailable: no source gave candles in time.
        """
        snapshot = await self._fetched_in_time(symbol, timeframe)
        forecast = (await self._forecasting.opinion(snapshot, timeframe)).forecast
        now, source = self._clock.now(), snapshot.source_data
        if forecast is not None:
            by = forecast.model_version
            return Trend(symbol, timeframe, forecast.signal, forecast.confidence, by, source, now)
        context = await run_blocking(
            self._executor, build_context, snapshot, STRATEGY_NAMES, self._settings, self._indicators, now
        )
        analysis = await self._rules.analyze(context)
        return Trend(symbol, timeframe, analysis.signal, analysis.confidence, analysis.model_type, source, now)

    async def _fetched(self, symbol: str, timeframe: Timeframe) -> MarketSnapshot:
        # One of them may still be forming.
        candles = 1 + await self._forecasting.wanted_candles(symbol, timeframe)
        return await self._market_data.snapshot(symbol, (timeframe,), candles)

    async def _fetched_in_time(self, symbol: str, timeframe: Timeframe) -> MarketSnapshot:
        """Return the market as far as a client waits for it.

        What takes longer goes on: a source that does not answer is then known as such, and the next
        request goes on to the next one.
        """
        try:
            return await asyncio.wait_for(self._market_data.snapshot(symbol, (timeframe,)), FETCH_SECONDS)
        except TimeoutError:
            raise MarketDataUnavailable(
                f"no source gave {timeframe} candles of {symbol} within {FETCH_SECONDS:g} s; try again in a moment"
            ) from None
