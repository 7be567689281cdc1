"""Answers about markets: times are epoch ms, confidences 0 to 1 unless stated otherwise."""

from __future__ import annotations

from typing import Literal

from trading_signal_client.answers.answer import Answer, ModelType, Timeframe
from trading_signal_client.answers.forecasts import Forecast


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


class Lane(Answer):
    """What rules, model or LLM say by themselves; the probability of a rise is None where there is none."""

    side: Literal["Long", "Short", "Neutral"]
    probability: float | None
    confidence: float


class Lanes(Answer):
    """All views of a market; None: the model or the LLM gave none."""

    rules: Lane
    model: Lane | None
    llm: Lane | None


class Evidence(Answer):
    """Results of plans like one: probabilities 0 to 1, results in units of the risk and in bps."""

    target_first: float
    break_even: float
    expected_r: float
    gross_bps: float
    cost_bps: float
    net_bps: float
    plans: int
    low: float
    high: float
    built_from: str
    verdict: Literal["insufficient", "inverted", "none", "weak", "positive"]


class Gate(Answer):
    """A guard: whether a Long or Short may pass, what was measured and the bound; None where there is none."""

    name: str
    passed: bool
    value: float | None
    needed: float | None


Abstention = Literal["no edge", "no data", "refused"]


class Analysis(Answer):
    """The answer of `/ai/analyze`; times are epoch ms, the confidence 0 to 1."""

    symbol: str
    timeframe: Timeframe
    price: float
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
    forecast: Forecast | None
    forecast_note: str | None
    fallback_reason: str | None
    data_age_seconds: int | None
    as_of: int | None
    lanes: Lanes | None
    evidence: Evidence | None
    gates: list[Gate]
    abstention: Abstention | None


class Trend(Answer):
    """The answer of `/predict-trend`."""

    symbol: str
    timeframe: Timeframe
    trend: Literal["Uptrend", "Downtrend", "Neutral"]
    confidence: float
    model: str
    forecast_note: str | None
    source_data: str
    timestamp: int
    safe_mode: str | None


class PricePoint(Answer):
    """The price `step` candles ahead."""

    step: int
    closes_at: int
    expected_price: float
    lower: float
    upper: float
    basis: Literal["model", "interpolated", "held", "last_close"]
    volatility: float
    settled: int
    held: int


class PriceForecast(Answer):
    last_close: float
    last_close_at: int
    coverage: float
    returns_seen: int
    forecasts: list[PricePoint]


class SignalForecast(Answer):
    """The model's signal; its confidence is 0 to 100."""

    signal: Literal["buy", "sell", "hold"]
    confidence: float
    probabilities: dict[Literal["up", "down"], float]
    horizon_candles: int
    model_type: ModelType
    safe_mode: str | None


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
    gates: list[Gate]
    abstention: Abstention | None
    price: float
    evidence: Evidence | None
    lanes: Lanes | None
    forecast: Forecast | None
    forecast_note: str | None


class NewestSignals(Answer):
    """The newest signal of each symbol that was broadcast."""

    signals: list[Signal]


class BatchSignal(Answer):
    """A signal of `/ai/signals`; predicted returns are fractions, None with their reason in the notes."""

    symbol: str
    direction: Literal["LONG", "SHORT", "NEUTRAL"]
    confidence: float
    predicted_return_15m: float | None
    predicted_return_1h: float | None
    predicted_return_4h: float | None
    predicted_return_12h: float | None
    predicted_return_notes: dict[str, str]
    risk_metrics: dict[str, float]
    timestamp: int
    features_hash: int
    timeframe: Timeframe
    model_type: str
    source_data: str
    cached: bool
    forecast: Forecast | None
    forecast_note: str | None


class Withheld(Answer):
    """A symbol without a signal, with the reason."""

    symbol: str
    reason: str


class BatchSignals(Answer):
    """The answer of `/ai/signals`, highest confidence first."""

    signals: list[BatchSignal]
    withheld: list[Withheld]
