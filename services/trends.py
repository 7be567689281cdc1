"""The trend of a symbol, within the two seconds that clients wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from domain.analysis import DataSource, MarketSnapshot
from domain.errors import MarketDataUnavailable
from domain.ledger.entries import Origin
from domain.market import Timeframe
from domain.values import Signal
from rules.blending import horizon_support
from rules.judgement import judge
from rules.strategies import STRATEGY_NAMES
from rules.technical import TechnicalAnalyst
from services.forecasts.forecasting import Forecasting
from services.forecasts.opinions import Opinion
from services.ledger.recording.recorder import Recorder
from services.ledger.recording.statements import of_trend
from services.market_data.market_data import MarketData
from services.market_reader import MarketReader
from utils.clock import Clock

# Of the 2 s, 0.2 s are left for the rules.
FETCH_SECONDS = 1.5
MODEL_SECONDS = 0.3


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


class Trends:
    """Tells the direction of a symbol."""

    def __init__(
        self,
        forecasting: Forecasting,
        market_data: MarketData,
        reader: MarketReader,
        rules: TechnicalAnalyst,
        recorder: Recorder,
        why_neutral: Callable[[], str | None],
        clock: Clock,
        *,
        fetch_seconds: float = FETCH_SECONDS,
        model_seconds: float = MODEL_SECONDS,
    ) -> None:
        """Keep the parts.

        Args:
            forecasting: The models in production.
            market_data: Has the candles.
            reader: Reads them.
            rules: Tell the trend.
            recorder: Writes down what is said.
            why_neutral: Gives the reason while the direction is to be Neutral: safe mode, or disabled rules.
            clock: The server's.
            fetch_seconds: How long a trend waits for candles.
            model_seconds: How long it waits for a model.
        """
        self._forecasting = forecasting
        self._market_data = market_data
        self._reader = reader
        self._rules = rules
        self._recorder = recorder
        self._why_neutral = why_neutral
        self._clock = clock
        self._fetch_seconds = fetch_seconds
        self._model_seconds = model_seconds

    async def of(self, symbol: str, timeframe: Timeframe, *, trusted: bool) -> Trend:
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
        found = self._rules.signal(judge(await self._reader.measure(snapshot, STRATEGY_NAMES)))
        confidence, by = found.confidence, found.model_type
        opinion = await self._opinion_in_time(snapshot, timeframe)
        forecast = opinion.forecast if found.signal is not Signal.NEUTRAL else None
        support = horizon_support(found.signal, forecast) if forecast else None
        if forecast is not None and support is not None:
            confidence, by = round(confidence * (1 + support) / 2, 4), f"{by}+{forecast.model_version}"
        said = [*of_trend(found, confidence, opinion.forecast, blended=support is not None)]
        signal, reason = found.signal, self._why_neutral()
        if reason is not None:
            said = [statement.refused() if statement.given else statement for statement in said]
            signal, confidence = Signal.NEUTRAL, 0.0
        self._recorder.record_statements(said, snapshot, timeframe, Origin.TREND, trusted=trusted)
        return Trend(
            symbol, timeframe, signal, confidence, by, snapshot.source_data, self._clock.now(), reason, opinion
        )

    async def _opinion_in_time(self, snapshot: MarketSnapshot, timeframe: Timeframe) -> Opinion:
        """Return the forecast, if it is there within `model_seconds`: a model may have to be loaded first."""
        try:
            return await asyncio.wait_for(self._forecasting.opinion(snapshot, timeframe), self._model_seconds)
        except TimeoutError:
            return Opinion(None, f"the model gave no forecast within {self._model_seconds:g} s; try again in a moment")

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
