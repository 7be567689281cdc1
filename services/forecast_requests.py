"""Forecasts on request, from given or fetched candles, and the trend of a symbol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from domain.analysis import DataSource, MarketSnapshot
from domain.errors import MarketDataUnavailable
from domain.forecasting import Forecast
from domain.ledger.entries import Origin
from domain.market import Timeframe
from domain.queries import AnalysisQuery
from domain.trading.disabled import RULES, WhyDisabled, nothing_is_disabled
from domain.values import Signal
from rules.blending import horizon_support
from rules.judgement import judge
from rules.strategies import STRATEGY_NAMES
from rules.technical import TechnicalAnalyst
from services.forecasts.forecasting import Forecasting
from services.forecasts.opinions import Opinion
from services.guards.safe_mode import SafeModeState
from services.ledger.recording.recorder import Recorder
from services.ledger.recording.statements import of_forecast, of_trend
from services.market_data.market_data import MarketData
from services.market_reader import MarketReader
from utils.clock import Clock

# Clients wait 2 s for a trend: 0.2 s are left for the rules.
FETCH_SECONDS = 1.5
MODEL_SECONDS = 0.3


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


@dataclass(frozen=True)
class Trend:
    """Direction of a symbol, its confidence (0..1), and who says so: the rules, or the rules and a version.

    While safe mode is on, or the rules are disabled, the direction is Neutral, and `safe_mode` is the reason.

    Attributes:
        opinion: Of the model in production, of the same candles, whether or not it had a say.
    """

    symbol: str
    timeframe: Timeframe
    signal: Signal
    confidence: float
    model: str
    source_data: DataSource
    at: datetime
    safe_mode: str | None
    opinion: Opinion


class ForecastRequests:
    """Answers requests for a forecast, or for the direction alone."""

    def __init__(
        self,
        forecasting: Forecasting,
        market_data: MarketData,
        reader: MarketReader,
        rules: TechnicalAnalyst,
        recorder: Recorder,
        safe_mode: Callable[[], SafeModeState],
        clock: Clock,
        *,
        why_disabled: WhyDisabled = nothing_is_disabled,
        fetch_seconds: float = FETCH_SECONDS,
        model_seconds: float = MODEL_SECONDS,
    ) -> None:
        """Keep the parts.

        Args:
            forecasting: The models in production.
            market_data: Has candles where none are given.
            reader: Reads them.
            rules: Tell the trend.
            recorder: Writes down what is said.
            safe_mode: Gives the state of safe mode.
            clock: The server's.
            why_disabled: Tells whether the rules take part now.
            fetch_seconds: How long a trend waits for candles.
            model_seconds: How long it waits for a model.
        """
        self._forecasting = forecasting
        self._market_data = market_data
        self._reader = reader
        self._rules = rules
        self._recorder = recorder
        self._safe_mode = safe_mode
        self._why_disabled = why_disabled
        self._clock = clock
        self._fetch_seconds = fetch_seconds
        self._model_seconds = model_seconds

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
        forecast = await self._forecasting.forecast(snapshot, timeframe, query.costs)
        said = [of_forecast(forecast, given=True)]
        # A replay is of the past.
        reason = self._reason if snapshot.as_of_ms is None else None
        if reason is not None:
            said = [said[0].refused()]
            forecast = forecast.model_copy(update={"signal": Signal.NEUTRAL, "confidence": 0.0})
        self._recorder.said(said, snapshot, timeframe, Origin.PREDICT, trusted=query.trusted, costs=query.costs)
        return RequestedForecast(forecast, snapshot.source_data, self._clock.now(), snapshot.as_of_ms, reason)

    async def trend(self, symbol: str, timeframe: Timeframe, *, trusted: bool) -> Trend:
        """Return the direction by the rules; a model that looks as far as a trend reaches may lower its confidence.

        Such a model has expected returns over `rules.blending.TREND_CANDLES` or more. Where all of them are against
        the trend half of the confidence is left; the direction stays.

        Args:
            symbol: Market.
            timeframe: Of the candles.
            trusted: Whether the caller is trusted: the ledger keeps what strangers are told apart.

        Raises:
            MarketDataUnavailable: no source gave candles in time.
        """
        snapshot = await self._fetched_in_time(symbol, timeframe)
        found = self._rules.assess(judge(await self._reader.measure(snapshot, STRATEGY_NAMES)))
        confidence, by = found.confidence, found.model_type
        opinion = await self._opinion_in_time(snapshot, timeframe)
        forecast = opinion.forecast if found.signal is not Signal.NEUTRAL else None
        support = horizon_support(found.signal, forecast) if forecast else None
        if forecast is not None and support is not None:
            confidence, by = round(confidence * (1 + support) / 2, 4), f"{by}+{forecast.model_version}"
        said = [*of_trend(found, confidence, opinion.forecast, blended=support is not None)]
        signal, reason = found.signal, self._reason or self._why_disabled(RULES)
        if reason is not None:
            said = [statement.refused() if statement.given else statement for statement in said]
            signal, confidence = Signal.NEUTRAL, 0.0
        self._recorder.said(said, snapshot, timeframe, Origin.TREND, trusted=trusted)
        return Trend(
            symbol, timeframe, signal, confidence, by, snapshot.source_data, self._clock.now(), reason, opinion
        )

    @property
    def _reason(self) -> str | None:
        state = self._safe_mode()
        return state.reason if state.enabled else None

    async def _opinion_in_time(self, snapshot: MarketSnapshot, timeframe: Timeframe) -> Opinion:
        """Return the forecast, if it is there within `model_seconds`: a model may have to be loaded first."""
        try:
            return await asyncio.wait_for(self._forecasting.opinion(snapshot, timeframe), self._model_seconds)
        except TimeoutError:
            return Opinion(None, f"the model gave no forecast within {self._model_seconds:g} s; try again in a moment")

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
