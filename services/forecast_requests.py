"""Forecasts on request, from given or fetched candles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from domain.analysis import DataSource, MarketSnapshot
from domain.forecasting import Forecast
from domain.ledger.entries import Origin
from domain.market import Timeframe
from domain.queries import AnalysisQuery
from domain.timeframe_data import ended_early
from services.forecasts.forecasting import Forecasting
from services.guards.safe_mode import WhyOn
from services.ledger.recording.recorder import Recorder
from services.ledger.recording.statements import of_forecast
from services.market_data.market_data import MarketData
from utils.clock import Clock


@dataclass(frozen=True)
class RequestedForecast:
    """A forecast as it is answered.

    Attributes:
        source_data: Of its candles.
        at: Its time by the server's clock.
        as_of_ms: The moment of a replay; None of a forecast of now.
        safe_mode: The operator's reason while safe mode is on, which makes the signal Neutral; None otherwise.
    """

    forecast: Forecast
    source_data: DataSource
    at: datetime
    as_of_ms: int | None
    safe_mode: str | None


class ForecastRequests:
    """Answers requests for a forecast."""

    def __init__(
        self, forecasting: Forecasting, market_data: MarketData, recorder: Recorder, why_safe_mode: WhyOn, clock: Clock
    ) -> None:
        """Keep the parts.

        Args:
            forecasting: The models in production.
            market_data: Has candles where none are given.
            recorder: Writes down what is said.
            why_safe_mode: Gives the operator's reason while safe mode is on.
            clock: The server's.
        """
        self._forecasting = forecasting
        self._market_data = market_data
        self._recorder = recorder
        self._why_safe_mode = why_safe_mode
        self._clock = clock

    async def forecast(self, query: AnalysisQuery) -> RequestedForecast:
        """Return the forecast for a query, on the preferred of its timeframes that have a model in production.

        Timeframes whose candles ended long before those of others are left out. Without candles in the query they are
        fetched.

        Raises:
            ModelUnavailable: no model is in production for any of the timeframes, or it cannot be loaded.
            InsufficientData: too few candles for the model.
            MarketDataUnavailable: the query has no candles and no source gave any.
        """
        timeframe = await self._forecasting.choose(query.symbol, _offered(query))
        snapshot = query.snapshot or await self._fetched(query.symbol, timeframe)
        forecast = await self._forecasting.forecast(snapshot, timeframe, query.costs)
        said = of_forecast(forecast, given=True)
        # A replay is of the past.
        reason = self._why_safe_mode() if snapshot.as_of_ms is None else None
        if reason is not None:
            said, forecast = said.refused(), forecast.refused()
        self._recorder.record_statements(
            [said], snapshot, timeframe, Origin.PREDICT, trusted=query.trusted, costs=query.costs
        )
        return RequestedForecast(forecast, snapshot.source_data, self._clock.now(), snapshot.as_of_ms, reason)

    async def _fetched(self, symbol: str, timeframe: Timeframe) -> MarketSnapshot:
        # One of them may still be forming.
        candles = 1 + await self._forecasting.wanted_candles(symbol, timeframe)
        return await self._market_data.snapshot(symbol, (timeframe,), candles)


def _offered(query: AnalysisQuery) -> Iterable[Timeframe]:
    if query.snapshot is None:
        return Timeframe
    closed = query.snapshot.closed(query.received_ms)
    return closed.keys() - ended_early(closed).keys()
