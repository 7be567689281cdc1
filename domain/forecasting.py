"""Types of models, names of versions, and forecasts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from domain.arrays import FloatArray, IntArray
from domain.market import CandleSeries, Timeframe
from domain.naming.symbols import MAX_SYMBOL_LENGTH, SYMBOL_PATTERN, checked_symbol
from domain.trading.forecast_plans import WeighedPlan
from domain.values import Frozen, Share, Signal

# A pooled model serves every symbol that has none of its own.
ANY_SYMBOL = "*"


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


# `_2` and on: a second version of the same type within the same second.
VersionName = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,30}_model_[0-9]{8}_[0-9]{6}(_[0-9]{1,3})?$")]


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
