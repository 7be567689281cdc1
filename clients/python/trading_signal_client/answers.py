"""What the service answers; keys that a newer service adds are ignored."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Timeframe = Literal["1m", "3m", "5m", "15m", "30m", "1h", "4h", "1d"]
ModelType = Literal["lstm", "gru", "transformer", "patchtst", "random_forest", "xgboost", "logistic", "ensemble"]


class Answer(BaseModel):
    """Base of the answers."""

    # `model_type` and others are names of the service.
    model_config = ConfigDict(extra="ignore", frozen=True, protected_namespaces=())


class MarketAnalysis(Answer):
    trend_direction: Literal["Bullish", "Bearish", "Sideways", "Uncertain"]
    trend_strength: float
    support_levels: list[float]
    resistance_levels: list[float]
    volatility_level: Literal["Very Low", "Low", "Medium", "High", "Very High"]
    volume_analysis: str


class RiskAssessment(Answer):
    overall_risk: Literal["Low", "Medium", "High"]
    technical_risk: float
    market_risk: float
    recommended_position_size: float
    stop_loss_suggestion: float | None
    take_profit_suggestion: float | None


class Analysis(Answer):
    """The answer of `/ai/analyze`; times are epoch ms, the confidence 0 to 1."""

    symbol: str
    timeframe: Timeframe
    signal: Literal["Long", "Short", "Neutral"]
    confidence: float
    reasoning: str
    strategy_scores: dict[str, float]
    market_analysis: MarketAnalysis
    risk_assessment: RiskAssessment
    timestamp: int
    source: str
    model_type: str
    source_data: str
    analysis_id: str
    cached: bool
    forecast_note: str | None
    fallback_reason: str | None


class Prediction(Answer):
    """The answer of `/ai/predict`."""

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
    source_data: str
    timestamp: int


class Trend(Answer):
    """The answer of `/predict-trend`."""

    symbol: str
    timeframe: Timeframe
    trend: Literal["Uptrend", "Downtrend", "Neutral"]
    confidence: float
    model: str
    source_data: str
    timestamp: int


class PricePoint(Answer):
    """The price `step` candles ahead."""

    step: int
    closes_at: int
    expected_price: float
    lower: float
    upper: float
    basis: Literal["model", "interpolated", "held", "last_close"]


class PriceForecast(Answer):
    last_close: float
    last_close_at: int
    coverage: float
    returns_seen: int
    forecasts: list[PricePoint]


class SignalForecast(Answer):
    """What the model says; the confidence is 0 to 100 here."""

    signal: Literal["buy", "sell", "hold"]
    confidence: float
    probabilities: dict[Literal["up", "down"], float]
    horizon_candles: int
    model_type: ModelType


class TickerForecast(Answer):
    """The answer of `/api/v1/ml/predict/comprehensive`; the signal is None without a model."""

    ticker: str
    timeframe: Timeframe
    model_version: str | None
    model_note: str | None
    price: PriceForecast
    signal: SignalForecast | None
    source_data: str
    timestamp: int
    disclaimer: str


class Strategies(Answer):
    strategies: list[str]


class ServiceInfo(Answer):
    service_name: str
    version: str
    supported_timeframes: list[Timeframe]
    supported_symbols: list[str]
    capabilities: list[str]


class Health(Answer):
    status: Literal["healthy", "degraded"]
    version: str
    timestamp: datetime
    model_loaded: bool
    models: dict[str, str | None]
    supported_symbols: list[str]
    degraded: list[str]
    warnings: list[str]


class Model(Answer):
    version: str
    model_type: ModelType
    symbol: str
    timeframe: Timeframe
    created_at: datetime
    loaded: bool
    reasons: list[str]


class Models(Answer):
    models: list[Model]
    unusable: dict[str, str]


class TrainingQueued(Answer):
    message: str
    job_id: str
    status: Literal["queued"]
    symbol: str
    timeframe: Timeframe
    model_type: ModelType
    training_samples: int


class Progress(Answer):
    stage: str
    share: float
    seconds_left: float | None


class Job(Answer):
    """A job; `result` is there once it has succeeded, `error` once it has failed."""

    job_id: str
    kind: str
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    created_at: datetime
    finished_at: datetime | None
    progress: Progress | None
    result: dict[str, Any] | None
    error: str | None


class CacheCleared(Answer):
    message: str
    cleared_analyses: int


class Signal(Answer):
    """A signal of the socket: lower case, times in epoch ms, the confidence 0 to 1."""

    symbol: str
    signal: Literal["long", "short", "neutral"]
    confidence: float
    timestamp: int
    model_type: str
    timeframe: Timeframe
    reasoning: str
    strategy_scores: dict[str, float]
    market_analysis: MarketAnalysis
    risk_assessment: RiskAssessment
    source_data: str
    analysis_id: str
