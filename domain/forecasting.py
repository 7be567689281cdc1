"""Types of models, names of versions, and forecasts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from domain.arrays import FloatArray, IntArray
from domain.market import CandleSeries, Timeframe
from domain.naming.symbols import MAX_SYMBOL_LENGTH, SYMBOL_PATTERN, Symbol, SymbolKind, checked_symbol
from domain.trading.forecast_plans import WeighedPlan
from domain.values import Frozen, Share, Signal, TextForm

# A pooled model serves every symbol that has none of its own.
ANY_SYMBOL = "*"


def market_in_words(market: str) -> str:
    """Return what a model forecasts for people who never typed a `*`: `* 1h` as `any market, 1h`."""
    return market.replace(f"{ANY_SYMBOL} ", "any market, ")


class ModelType(StrEnum):
    """The architectures that can be trained, and the ensemble over several of them."""

    LSTM = "lstm"
    GRU = "gru"
    TRANSFORMER = "transformer"
    PATCHTST = "patchtst"
    RANDOM_FOREST = "random_forest"
    XGBOOST = "xgboost"
    LIGHTGBM = "lightgbm"
    LOGISTIC = "logistic"
    ENSEMBLE = "ensemble"


# What a model forecasts: the close some candles ahead, or of a plan whether its target comes before its stop.
ModelTarget = Literal["close", "plan"]

# `_2` and on: a second version of the same type within the same second.
VersionName = Annotated[
    str,
    TextForm(
        r"^[a-z_]{1,30}_model_[0-9]{8}_[0-9]{6}(_[0-9]{1,3})?$",
        "needs the name of a version, such as lstm_model_20260131_120000",
    ),
]


def scope_name(text: str) -> str:
    """Return the text if it is a symbol, or `*`.

    Raises:
        ValueError: it is neither; the message has the right spelling, or the rule.
    """
    return text if text == ANY_SYMBOL else checked_symbol(text)


ModelScope = Annotated[
    str,
    AfterValidator(scope_name),
    Field(json_schema_extra={"pattern": rf"{SYMBOL_PATTERN}|^\*$", "maxLength": MAX_SYMBOL_LENGTH}),
]


# Whether a version was surely better than the share of rises so far, on candles that it was not trained on.
ForecastVerdict = Literal["better", "not_better"]


def is_shipped_market(symbol: str) -> bool:
    """Return whether the models that come with the service forecast a symbol: they know coins, and nothing else.

    Args:
        symbol: Of a market, or `*`.
    """
    return symbol == ANY_SYMBOL or Symbol.of(symbol).kind is SymbolKind.CRYPTO


# Of a column over a window; `change` is the last value less the first.
Statistic = Literal["last", "mean", "deviation", "change"]


class Driver(Frozen):
    """An input of a model, and what it adds to a forecast.

    Attributes:
        column: Name of a column of the model's feature set.
        statistic: Of the column over the window, where the model reads statistics; None of its newest value.
        description: Formula of the column; None where it has no other words than its name.
        value: Unscaled, in the unit of the column.
        contribution: To the log odds of a rise, positive towards a rise.
    """

    column: str
    statistic: Statistic | None
    description: str | None
    value: float
    contribution: float


class VolatilitySkill(Frozen):
    """How forecasts of volatility did out of sample.

    The loss of a forecast v of the variance, after a return r, is QLIKE: r^2 / v - log(r^2 / v) - 1, which orders
    forecasts rightly however noisy r is. Source: Patton, Volatility Forecast Comparison Using Imperfect Volatility
    Proxies (2011).

    Attributes:
        predictions: Their number; returns of exactly zero are left out.
        loss: Mean loss.
        last_20_loss: Mean loss of the plain volatility of the last 20 candles on the same rows.
        skill: 1 - loss / last_20_loss; above zero where the forecast is better.
        low: Lower end of its 95 % interval; None of too few predictions.
        high: Upper end.
    """

    predictions: Annotated[int, Field(ge=1)]
    loss: float
    last_20_loss: float
    skill: float
    low: float | None
    high: float | None


class VolatilityForecast(Frozen):
    """Standard deviations of the log return over the horizon of a forecast: as fractions, 0.01 is about 1 %.

    Attributes:
        deviation: Forecast of a heterogeneous autoregression over the last 1, 6, 24, 120 and 480 candles.
        last_20_candles: By the last 20 returns of one candle, times the root of the horizon, for comparison.
        skill: Of the former against the latter, on candles after those that it was fitted on; None where the version
            was made by an earlier release or imported, or has no such candles.
    """

    deviation: Annotated[float, Field(ge=0)]
    last_20_candles: Annotated[float, Field(ge=0)]
    skill: VolatilitySkill | None


class Forecast(Frozen):
    """What a model in production expects of the close `horizon_candles` ahead.

    Attributes:
        probability_up: Calibrated probability, 0..1, that it is higher than now.
        confidence: 0..1, |2 p - 1| of that probability, lowered by the disagreement.
        individual_predictions: The probability of each member by model type; a single model is its own member.
        disagreement: Standard deviation of the members' probabilities, 0..0.5.
        expected_returns: Forecast return by horizon in candles, as fractions; empty where the model has none.
        expected_drawdowns: Worst fall below the close by horizon, fractions <= 0; empty where the model has none.
        expected_rallies: Best rise above the close by horizon, fractions >= 0; empty where the model has none.
        plan: Of the likelier side, also where the signal is Neutral. None of versions whose plans were not measured,
            where no plan is possible, and in forecasts of an earlier release.
        calibrated_at: When its calibration was renewed from settled forecasts, epoch ms; None: it is by that of the
            training.
        shipped: Whether the version came with the service and was not trained here.
        trained_until: Close of the newest candle that it was trained on, epoch ms; None of imported versions and in
            forecasts of an earlier release.
        verdict: How it did out of sample; None of versions that were not judged by themselves.
        drivers: The inputs that moved it most, at most five, greatest first: exact Shapley values of trees of
            boosting, and of logistic regression coefficient times scaled value. None of what explains nothing:
            networks, random forests, ensembles, imported files, and versions of earlier releases.
        leader: Market whose candles it read too; None where they were not known, and of versions that read none.
        volatility_forecast: How far the price may move over the horizon, whichever way; None in forecasts of an earlier
            release.
    """

    symbol: str
    timeframe: Timeframe
    probability_up: Share
    signal: Signal
    confidence: Share
    individual_predictions: dict[str, Share]
    disagreement: Annotated[float, Field(ge=0, le=0.5)]
    horizon_candles: Annotated[int, Field(ge=1)]
    model_type: ModelType
    model_version: VersionName
    expected_returns: dict[int, float]
    expected_drawdowns: dict[int, float]
    expected_rallies: dict[int, float]
    plan: WeighedPlan | None = None
    calibrated_at: int | None = None
    shipped: bool = False
    trained_until: int | None = None
    verdict: ForecastVerdict | None = None
    drivers: tuple[Driver, ...] | None = None
    leader: str | None = None
    volatility_forecast: VolatilityForecast | None = None

    def refused(self) -> Forecast:
        """Return it as safe mode makes it: Neutral, without confidence."""
        return self.model_copy(update={"signal": Signal.NEUTRAL, "confidence": 0.0})


@dataclass(frozen=True)
class PastForecasts:
    """What a model said of a market in the past, of candles that it had not seen.

    Attributes:
        symbol: The market.
        series: Its candles.
        positions: Candles at whose close it was asked, ascending, shape (n,).
        probability: Of a rise, calibrated, 0..1, shape (n,).
    """

    symbol: str
    series: CandleSeries
    positions: IntArray
    probability: FloatArray
