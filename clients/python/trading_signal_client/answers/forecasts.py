"""Forecasts of models: probabilities 0 to 1, times epoch ms."""

from __future__ import annotations

from typing import Literal

from trading_signal_client.answers.answer import Answer, ModelType, Timeframe


class WeighedPlan(Answer):
    """The plan of a forecast's likelier side, and what it is worth by the plans of the model, after costs."""

    side: Literal["Long", "Short"]
    entry: float
    stop: float
    target: float
    horizon_candles: int
    target_first: float
    break_even: float
    expected_r: float
    gross_bps: float
    cost_bps: float
    net_bps: float
    plans: int
    low: float
    high: float
    verdict: Literal["insufficient", "inverted", "none", "weak", "positive"]


class Driver(Answer):
    """An input that moved a forecast, and what it adds to the log odds of a rise."""

    column: str
    statistic: Literal["last", "mean", "deviation", "change"] | None
    description: str | None
    value: float
    contribution: float


class VolatilitySkill(Answer):
    """How forecasts of volatility did out of sample; `skill` is the share of the loss that they save."""

    predictions: int
    loss: float
    last_20_loss: float
    skill: float
    low: float | None
    high: float | None


class VolatilityForecast(Answer):
    """Standard deviations of the log return over the horizon of a forecast, as fractions."""

    deviation: float
    last_20_candles: float
    skill: VolatilitySkill | None


class Forecast(Answer):
    """What a model in production says of a market; `leader` is the market that it read beside it, None without one."""

    symbol: str
    timeframe: Timeframe
    probability_up: float
    signal: Literal["Long", "Short", "Neutral"]
    confidence: float
    individual_predictions: dict[str, float]
    disagreement: float
    model_type: ModelType
    model_version: str
    horizon_candles: int
    plan: WeighedPlan | None
    calibrated_at: int | None
    shipped: bool
    trained_until: int | None
    verdict: Literal["better", "not_better"] | None
    drivers: list[Driver] | None
    leader: str | None
    volatility_forecast: VolatilityForecast | None


class Prediction(Forecast):
    """The answer of `/ai/predict`."""

    source_data: str
    timestamp: int
    as_of: int | None
    safe_mode: str | None
