"""Signals for many symbols: request and answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field

from api.schemas.requests import CandlesByTimeframe, RequestModel
from api.schemas.responses import ResponseModel
from domain.analysis import AnalysisSource, DataSource, MarketAnalysis, RiskAssessment
from domain.forecasting import Forecast
from domain.market import Timeframe
from domain.naming.symbols import SymbolName
from domain.trading.evidence import Evidence
from domain.trading.gates import Abstention, Gate
from domain.trading.lanes import Lanes
from domain.values import Price, Share, Signal, epoch_ms
from services.forecasts.horizon_returns import ReturnsByTime
from services.signals.filters import RETURN_TIMES_MS, Delivery, StreamSignal

MAX_SYMBOLS = 50
_EXAMPLE: dict[str, Any] = {"symbols": ["BTCUSDT", "ETHUSDT"]}
_DIRECTIONS: dict[Signal, Literal["LONG", "SHORT", "NEUTRAL"]] = {
    Signal.LONG: "LONG",
    Signal.SHORT: "SHORT",
    Signal.NEUTRAL: "NEUTRAL",
}
_TIMES_MS = dict(zip(("15m", "1h", "4h", "12h"), RETURN_TIMES_MS, strict=True))


def _each_once(symbols: list[str]) -> list[str]:
    return list(dict.fromkeys(symbols))


class SignalsRequest(RequestModel):
    """Symbols, and candles of those that the service shall not fetch."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    symbols: Annotated[
        list[SymbolName],
        Field(fail_fast=True),
        AfterValidator(_each_once),
        Field(min_length=1, max_length=MAX_SYMBOLS),
    ]
    timeframe_data: Annotated[dict[SymbolName, CandlesByTimeframe], Field(fail_fast=True)] = Field(
        {}, description="Candles by symbol and timeframe, oldest first. Symbols without are fetched."
    )


class MlSignal(ResponseModel):
    """A signal of the stream."""

    symbol: str
    direction: Literal["LONG", "SHORT", "NEUTRAL"]
    confidence: Share
    predicted_return_15m: float | None
    predicted_return_1h: float | None
    predicted_return_4h: float | None
    predicted_return_12h: float | None
    predicted_return_notes: Annotated[
        dict[Literal["15m", "1h", "4h", "12h"], str], Field(description="Why returns are null, by their time.")
    ]
    risk_metrics: Annotated[dict[str, float], Field(description="Shares and fractions; stop and target are prices.")]
    timestamp: Annotated[int, Field(description="When it was made, epoch milliseconds, UTC.")]
    features_hash: Annotated[int, Field(description="Equal for equal features of the symbol, under 2^53.")]
    timeframe: Timeframe
    model_type: str
    source_data: DataSource
    cached: Annotated[bool, Field(description="It went out before, with this timestamp.")]
    forecast: Annotated[Forecast | None, Field(description="Of the model in production, as in /ai/analyze.")]
    forecast_note: Annotated[str | None, Field(description="Why there is no forecast.")]

    @classmethod
    def of(cls, signal: StreamSignal, *, cached: bool) -> Self:
        """Return the signal as it goes out."""
        forecast_returns = signal.predicted_returns or ReturnsByTime({}, {})
        returns = {
            f"predicted_return_{name}": forecast_returns.expected.get(time_ms) for name, time_ms in _TIMES_MS.items()
        }
        return cls(
            symbol=signal.symbol,
            direction=_DIRECTIONS[signal.direction],
            confidence=signal.confidence,
            risk_metrics=dict(signal.risk_metrics),
            timestamp=epoch_ms(signal.at),
            features_hash=signal.features_hash,
            timeframe=signal.timeframe,
            model_type=signal.model_type,
            source_data=signal.source_data,
            cached=cached,
            forecast=signal.answer.forecast,
            forecast_note=signal.answer.forecast_note,
            predicted_return_notes={
                name: forecast_returns.notes[time_ms]
                for name, time_ms in _TIMES_MS.items()
                if time_ms in forecast_returns.notes
            },
            **returns,
        )


class Withheld(ResponseModel):
    """A symbol without a signal, and why."""

    symbol: str
    reason: str


class SignalsResponse(ResponseModel):
    """The signals that passed the filters, surest sides first, and the symbols that have none."""

    signals: list[MlSignal]
    withheld: list[Withheld]

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """Return the answer to a batch."""
        return cls(
            signals=[MlSignal.of(signal, cached=repeated) for signal, repeated in delivery.signals],
            withheld=[Withheld(symbol=symbol, reason=reason) for symbol, reason in delivery.withheld.items()],
        )


class BroadcastSignal(ResponseModel):
    """The data of an `AISignalReceived` event."""

    symbol: str
    signal: Literal["long", "short", "neutral"]
    confidence: Share
    timestamp: Annotated[int, Field(description="When the analysis was made, epoch milliseconds.")]
    timeframe: Timeframe
    price: Price
    reasoning: str
    strategy_scores: dict[str, Share]
    market_analysis: MarketAnalysis
    risk_assessment: RiskAssessment
    source: AnalysisSource
    model_type: str
    source_data: DataSource
    analysis_id: str
    gates: list[Gate]
    abstention: Abstention | None
    evidence: Evidence | None
    lanes: Lanes | None
    # Replicas of an earlier release send events without them.
    forecast: Forecast | None = None
    forecast_note: str | None = None


class NewestSignals(ResponseModel):
    """The newest signal of each symbol."""

    signals: list[BroadcastSignal]
