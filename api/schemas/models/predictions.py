"""Requests for forecasts, and their answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field

from api.schemas.requests import AnalyzeRequest, RequestModel, StrategyContext
from api.schemas.responses import ResponseModel
from domain.analysis import DataSource
from domain.forecasting import Driver, Forecast, ForecastVerdict, ModelType, VersionName, VolatilityForecast
from domain.market import Timeframe
from domain.naming.symbols import SymbolName
from domain.trading.forecast_plans import WeighedPlan
from domain.values import Share, Signal, epoch_ms
from services.forecast_requests import RequestedForecast
from services.trends import Trend


class PredictRequest(AnalyzeRequest):
    """The body of an analysis; `strategy_context` may be missing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "symbol": "BTCUSDT",
                    "timeframe_data": {},
                    "current_price": 0,
                    "volume_24h": 0,
                    "timestamp": 1769860800000,
                }
            ]
        }
    )

    strategy_context: Annotated[
        StrategyContext, BeforeValidator(lambda value: StrategyContext() if value is None else value)
    ] = Field(default_factory=StrategyContext)


class TrendRequest(RequestModel):
    """The symbol whose direction is asked for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"symbol": "ETHUSDT", "timeframe": "4h"}]})

    symbol: SymbolName
    timeframe: Timeframe | None = Field(None, description="4h when missing.")


PlanDescription = Field(
    description="Of the likelier side, Neutral forecasts included, with the rules' stop, target and time limit, and "
    "what it is worth after costs by the plans of the model's predictions out of sample. Null of versions that were "
    "trained by an earlier release or imported, and in a market without room for a plan."
)


DriversDescription = Field(
    description="The inputs that moved the probability most, at most five, greatest first, by what they add to its log "
    "odds. Null of models that explain nothing: networks, random forests, ensembles, and earlier versions."
)


VolatilityDescription = Field(
    description="How far the price may move over the horizon, whichever way: standard deviations of the log return, as "
    "fractions, by the forecast and by the last 20 candles, and how much better the forecast was out of sample."
)


class ForecastBody(ResponseModel):
    """Fields that all forecasts share."""

    symbol: str
    timeframe: Timeframe
    probability_up: Annotated[Share, Field(description="Calibrated, that the close is higher after the horizon.")]
    individual_predictions: Annotated[dict[str, Share], Field(description="Probability of each member, by its type.")]
    disagreement: Annotated[float, Field(ge=0, le=0.5, description="Standard deviation of the members.")]
    model_type: ModelType
    model_version: VersionName
    horizon_candles: Annotated[int, Field(ge=1)]
    expected_returns: Annotated[dict[int, float], Field(description="By horizon in candles, where the model has them.")]
    expected_drawdowns: dict[int, float]
    expected_rallies: dict[int, float]
    plan: Annotated[WeighedPlan | None, PlanDescription]
    calibrated_at: Annotated[
        int | None,
        Field(
            description="When the calibration of the version was renewed from its settled forecasts, epoch ms; null: "
            "the probability is by the calibration of its training."
        ),
    ]
    shipped: Annotated[bool, Field(description="The version came with the service and was not trained here.")]
    trained_until: Annotated[
        int | None,
        Field(description="Close of the newest candle that it was trained on, epoch ms; null of imported versions."),
    ]
    verdict: Annotated[
        ForecastVerdict | None,
        Field(
            description="Whether the version was surely better than the share of rises so far, on candles that it was "
            "not trained on; null if it was not judged by itself."
        ),
    ]
    drivers: Annotated[list[Driver] | None, DriversDescription]
    leader: Annotated[
        str | None,
        Field(
            description="Market whose candles were read beside those of the symbol, bitcoin for other coins. Null "
            "where the service has no such candles of the same moment, and of versions that read none."
        ),
    ]
    volatility_forecast: Annotated[VolatilityForecast | None, VolatilityDescription]
    source_data: DataSource
    timestamp: Annotated[int, Field(description="When the forecast was made, epoch ms by the server's clock.")]
    as_of: Annotated[int | None, Field(description="The moment of a replay, epoch ms; null of a forecast of now.")]
    safe_mode: Annotated[str | None, Field(description="Why safe mode is on: the signal is Neutral; null while off.")]


class PredictResponse(ForecastBody):
    """A forecast; Long from 0.6 on and Short up to 0.4 by default, else Neutral."""

    signal: Signal
    confidence: Annotated[Share, Field(description="Distance of the probability from 0.5, less for disagreement.")]

    @classmethod
    def of(cls, requested: RequestedForecast) -> Self:
        """Return the answer for a requested forecast."""
        forecast = requested.forecast
        return cls(**_common(requested), signal=forecast.signal, confidence=forecast.confidence)


class PercentPredictResponse(ForecastBody):
    """A forecast in the words of `/api/v1`."""

    signal: Literal["long", "short", "neutral"]
    confidence: Annotated[float, Field(ge=0, le=100)]

    @classmethod
    def of(cls, requested: RequestedForecast) -> Self:
        """Return the answer for a requested forecast."""
        forecast = requested.forecast
        percent = round(100 * forecast.confidence, 2)
        return cls(**_common(requested), signal=forecast.signal.lower(), confidence=percent)


class TrendResponse(ResponseModel):
    """The direction of a symbol, and who says so."""

    symbol: str
    timeframe: Timeframe
    trend: Literal["Uptrend", "Downtrend", "Neutral"]
    confidence: Share
    model: Annotated[str, Field(description="technical-rules, and after a + the version that had a say.")]
    forecast: Annotated[
        Forecast | None, Field(description="Of the model in production, of the same candles; null without one in time.")
    ]
    forecast_note: Annotated[str | None, Field(description="Why there is no forecast; null where there is one.")]
    source_data: DataSource
    timestamp: Annotated[int, Field(description="When it was found, epoch ms by the server's clock.")]
    safe_mode: Annotated[str | None, Field(description="Why safe mode is on: the trend is Neutral; null while off.")]

    @classmethod
    def of(cls, trend: Trend) -> Self:
        """Return the answer for a trend."""
        return cls(
            symbol=trend.symbol,
            timeframe=trend.timeframe,
            trend=_TRENDS[trend.signal],
            confidence=trend.confidence,
            model=trend.model,
            forecast=trend.opinion.forecast,
            forecast_note=trend.opinion.note,
            source_data=trend.source_data,
            timestamp=epoch_ms(trend.at),
            safe_mode=trend.safe_mode,
        )


_TRENDS: dict[Signal, Literal["Uptrend", "Downtrend", "Neutral"]] = {
    Signal.LONG: "Uptrend",
    Signal.SHORT: "Downtrend",
    Signal.NEUTRAL: "Neutral",
}


def _common(requested: RequestedForecast) -> dict[str, Any]:
    """Return the fields that all forecasts share."""
    forecast = requested.forecast.model_dump(exclude={"signal", "confidence"})
    return {
        **forecast,
        "source_data": requested.source_data,
        "timestamp": epoch_ms(requested.at),
        "as_of": requested.as_of_ms,
        "safe_mode": requested.safe_mode,
    }
