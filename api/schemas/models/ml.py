"""Forecasts by ticker under `/api/v1/ml`: requests and answers."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field

from api.schemas.analysis.version_one import Percent
from api.schemas.models.models import FurtherModels, ModelSummary
from api.schemas.models.training import MAX_EPOCHS, TrainingQueued
from api.schemas.requests import RequestModel
from api.schemas.responses import ResponseModel
from domain.analysis import DataSource
from domain.forecasting import ModelType, VersionName
from domain.market import Timeframe
from domain.naming.symbols import SymbolName
from domain.values import Price, Share, Signal, epoch_ms
from models.volatility.volatility_model import MAX_STEPS
from services.forecasts.price_paths import Basis, PriceStep
from services.market_data.recent_markets import CacheStatistics
from services.outlooks import Outlook

DISCLAIMER = (
    "Forecasts of this service are statistics of past prices, for education and research. They are no financial "
    "advice and no offer to trade. Past results say nothing certain about the future, and markets can move beyond "
    "any interval given here. You trade at your own risk."
)
METHOD = (
    "Expected price: the model's return at its horizons, straight lines between them, unchanged after the last; "
    "without a model the last close. Interval: the volatility that is forecast for the step (a heterogeneous "
    "autoregression over 1 to 480 candles), times quantiles of past moves in such volatilities, which are corrected "
    "after every candle given so that they hold as often as is said."
)
DEFAULT_STEPS = 5
DEFAULT_COVERAGE = 0.9
_ACTIONS: dict[Signal, Literal["buy", "sell", "hold"]] = {
    Signal.LONG: "buy",
    Signal.SHORT: "sell",
    Signal.NEUTRAL: "hold",
}


class MlRequest(RequestModel):
    """The ticker whose next candles are forecast; the service fetches the past ones."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"ticker": "BTCUSDT", "timeframe": "1h"}]})

    ticker: Annotated[SymbolName, Field(examples=["BTCUSDT", "PETR4.SA"])]
    timeframe: Timeframe | None = Field(
        None, description="Length of a step. Without it: one that has a model in production, or else 1d."
    )


class MlPriceRequest(MlRequest):
    """The ticker, the number of steps, and the coverage of the intervals."""

    steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] = DEFAULT_STEPS
    coverage: Annotated[
        float, Field(ge=0.5, le=0.99, description="Share of outcomes that an interval is meant to hold.")
    ] = DEFAULT_COVERAGE


class MlTrainRequest(RequestModel):
    """A model to train, on candles that are stored or that a source has."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"ticker": "BTCUSDT", "timeframe": "1h", "model_type": "logistic"}]}
    )

    ticker: SymbolName
    timeframe: Timeframe | None = Field(None, description="Without it: the first primary timeframe.")
    model_type: ModelType | None = Field(None, description="Without it: models.default_type.")
    epochs: Annotated[int, Field(ge=1, le=MAX_EPOCHS)] | None = None


class Disclaimer(ResponseModel):
    """The disclaimer of every forecast."""

    disclaimer: str = DISCLAIMER


class PricePoint(ResponseModel):
    """The price after a step."""

    step: Annotated[int, Field(ge=1, le=MAX_STEPS)]
    closes_at: Annotated[int, Field(description="Epoch ms, if the market trades without a pause.")]
    expected_price: Price
    lower: Price
    upper: Price
    basis: Annotated[Basis, Field(description="What the expected price rests on.")]
    volatility: Annotated[
        float, Field(ge=0, description="Forecast standard deviation of the log return over the step, a fraction.")
    ]
    settled: Annotated[
        int, Field(ge=0, description="Earlier intervals of this step on this market's newest candles, price known.")
    ]
    held: Annotated[int, Field(ge=0, description="How many of them contained the price.")]


class PriceForecast(ResponseModel):
    """Where the price may be, candle by candle."""

    last_close: Price
    last_close_at: Annotated[int, Field(description="Close of the newest closed candle, epoch ms.")]
    coverage: Share
    returns_seen: Annotated[int, Field(description="One-candle returns of the candles that the intervals rest on.")]
    forecasts: list[PricePoint]
    method: str = METHOD


class SignalForecast(ResponseModel):
    """The forecast of the model in production."""

    signal: Literal["buy", "sell", "hold"]
    confidence: Percent
    probabilities: Annotated[dict[Literal["up", "down"], Share], Field(description="Calibrated; they add up to 1.")]
    individual_predictions: Annotated[dict[str, Share], Field(description="Probability up of each member, by type.")]
    horizon_candles: Annotated[int, Field(ge=1)]
    model_type: ModelType
    safe_mode: Annotated[str | None, Field(description="Why safe mode is on: the signal is hold; null while off.")]

    @classmethod
    def of(cls, outlook: Outlook) -> Self:
        """Return the signal of an outlook.

        Raises:
            ModelUnavailable: it has no forecast.
        """
        forecast = outlook.required_forecast()
        up = forecast.probability_up
        return cls(
            signal=_ACTIONS[forecast.signal],
            confidence=round(100 * forecast.confidence, 2),
            probabilities={"up": up, "down": 1 - up},
            individual_predictions=forecast.individual_predictions,
            horizon_candles=forecast.horizon_candles,
            model_type=forecast.model_type,
            safe_mode=outlook.safe_mode,
        )


class MlAnswer(Disclaimer):
    """Fields that all forecasts share."""

    ticker: str
    timeframe: Timeframe
    model_version: VersionName | None
    model_note: Annotated[str | None, Field(description="Why no model answered; null where one did.")]
    source_data: Annotated[DataSource, Field(description="Whose candles; synthetic ones are for demonstration.")]
    timestamp: Annotated[int, Field(description="When it was made, epoch ms by the server's clock.")]


class MlPriceResponse(MlAnswer, PriceForecast):
    """The price forecast of a ticker."""


class MlSignalResponse(MlAnswer, SignalForecast):
    """The signal of a ticker."""


class MlComprehensiveResponse(MlAnswer):
    """Both forecasts, of the same candles."""

    price: PriceForecast
    signal: Annotated[SignalForecast | None, Field(description="Null where no model answered.")]


class MlTrainingQueued(TrainingQueued, Disclaimer):
    """The job that was queued."""


class MlModels(Disclaimer):
    """Every version, newest first; those of the usual horizon are `models`."""

    models: list[ModelSummary]
    further: Annotated[list[FurtherModels], Field(description="Of further horizons and of plan models, if any.")]


class MlCacheStats(ResponseModel):
    """Markets that were fetched a moment ago."""

    cached_markets: int
    max_markets: int
    max_age_seconds: float
    hits: int
    misses: int
    hit_rate: Share

    @classmethod
    def of(cls, statistics: CacheStatistics) -> Self:
        """Return the answer for the statistics of the cache."""
        counts = asdict(statistics)
        return cls(cached_markets=counts.pop("markets"), **counts, hit_rate=statistics.hit_rate)


class MlCacheCleared(ResponseModel):
    """The markets of a ticker that were forgotten."""

    message: str
    ticker: str
    invalidated: int


def price_of(outlook: Outlook, prices: list[PriceStep], coverage: float) -> PriceForecast:
    """Return the price forecast of an outlook: its prices at this coverage."""
    return PriceForecast(
        last_close=outlook.closes[-1],
        last_close_at=outlook.series.last_close_ms,
        coverage=coverage,
        returns_seen=outlook.returns_seen,
        forecasts=[
            PricePoint(
                step=price.step,
                closes_at=outlook.closes_at_ms(price.step),
                expected_price=price.expected,
                lower=price.lower,
                upper=price.upper,
                basis=price.basis,
                volatility=price.volatility,
                settled=price.settled,
                held=price.held,
            )
            for price in prices
        ],
    )


def answer_of(outlook: Outlook) -> MlAnswer:
    """Return the fields that all forecasts of an outlook share."""
    return MlAnswer(
        ticker=outlook.ticker,
        timeframe=outlook.timeframe,
        model_version=outlook.forecast.model_version if outlook.forecast else None,
        model_note=outlook.note,
        source_data=outlook.source_data,
        timestamp=epoch_ms(outlook.at),
    )
