"""Forecasts on request, from given or fetched candles, and the trend of a symbol."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from domain.analysis import AnalysisQuery, DataSource, MarketSnapshot
from domain.errors import MarketDataUnavailable
from domain.forecasting import Forecast
from domain.market import Timeframe
from domain.values import Signal
from rules.judgement import judge
from rules.strategies import STRATEGY_NAMES
from rules.technical import TechnicalAnalyst
from services.forecasts.forecasting import Forecasting
from services.market_data.market_data import MarketData
from services.market_reader import MarketReader
from utils.clock import Clock

# Clients wait 2 s for a trend: 0.5 s are left for the model or the rules.
FETCH_SECONDS = 1.5


@dataclass(frozen=True)
class RequestedForecast:
    """A forecast, the source of its candles, and its time by the server's clock."""

    forecast: Forecast
    source_data: DataSource
    at: datetime


@dataclass(frozen=True)
class Trend:
    """Direction of a symbol, its confidence (0..1), and its model: a version, or the rules."""

    symbol: str
    timeframe: Timeframe
    signal: Signal
    confidence: float
    model: str
    source_data: DataSource
    at: datetime


class ForecastRequests:
    """Answers requests for a forecast, or for the direction alone."""

    def __init__(
        self,
        forecasting: Forecasting,
        market_data: MarketData,
        reader: MarketReader,
        rules: TechnicalAnalyst,
        clock: Clock,
        *,
        fetch_seconds: float = FETCH_SECONDS,
    ) -> None:
        """Keep the parts, and the time that a trend waits for candles."""
        self._forecasting = forecasting
        self._market_data = market_data
        self._reader = reader
        self._rules = rules
        self._clock = clock
        self._fetch_seconds = fetch_seconds

    async def forecast(self, query: AnalysisQuery) -> RequestedForecast:
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
        return RequestedForecast(forecast, snapshot.source_data, self._clock.now())

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
        analysis = self._rules.assess(judge(await self._reader.measure(snapshot, STRATEGY_NAMES)))
        return Trend(symbol, timeframe, analysis.signal, analysis.confidence, analysis.model_type, source, now)

    async def _fetched(self, symbol: str, timeframe: Timeframe) -> MarketSnapshot:
        # One of them may still be forming.
        candles = 1 + await self._forecasting.wanted_candles(symbol, timeframe)
        return await self._market_data.snapshot(symbol, (timeframe,), candles)

    async def _fetched_in_time(self, symbol: str, timeframe: Timeframe) -> MarketSnapshot:
        """Return the market, if it is read within `fetch_seconds`.

        A slower read continues, so that its source counts as slow and the next request asks the next source.
        """
        try:
            return await asyncio.wait_for(self._market_data.snapshot(symbol, (timeframe,)), self._fetch_seconds)
        except TimeoutError:
            raise MarketDataUnavailable(
                f"no source gave {timeframe} candles of {symbol} within {self._fetch_seconds:g} s; "
                "try again in a moment"
            ) from None
