"""Answers about outcomes of signals, reviews of trades and of the settings."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from trading_signal_client.answers.answer import Answer
from trading_signal_client.answers.track_record import Verdict


class FeedbackKept(Answer):
    message: str
    signal_id: str
    timestamp: datetime


class TradeAccepted(Answer):
    status: str
    trade_id: str
    message: str


class Figures(Answer):
    """Figures of signals; zeros while there is nothing to measure."""

    overall_accuracy: float
    precision: float
    recall: float
    f1_score: float
    predictions_made: int
    successful_predictions: int
    average_confidence: float


class HitRate(Answer):
    """Figures of settled calls of one timeframe and horizon; None without calls."""

    timeframe: str
    horizon: int | Literal["plan"]
    horizon_hours: float | None
    signals: int
    effective: float
    hits: int
    hit_rate: float | None
    low: float | None
    high: float | None
    baseline: float | None
    mean_return: float | None
    verdict: Verdict


class Measured(Answer):
    since: datetime
    signals_read: int
    horizons: list[HitRate]
    by_source: dict[str, list[HitRate]]


class ReportedFigures(Figures):
    """By outcomes that clients reported."""

    by_source: dict[str, Figures]


class Performance(Figures):
    """The answer of `/ai/performance`: settled calls one candle later."""

    timeframe: str | None
    horizon: int
    by_source: dict[str, Figures]
    feedback: ReportedFigures
    measured: Measured
    model_uptime: str
    last_updated: str


class SignalSummary(Answer):
    symbol: str
    signal: Literal["Long", "Short", "Neutral"]
    confidence: float
    timestamp: datetime


class SignalQuality(Answer):
    """The answer of `/ai/signal-quality`."""

    total: int
    bull_count: int
    bear_count: int
    neutral_count: int
    neutral_pct: float
    avg_confidence: float
    consecutive_neutral: int
    signals: list[SignalSummary]
    pipeline_settings: dict[str, Any]


class ConfigAnalysis(Answer):
    """A review of settings and models; `error` says what is missing if there are too few figures."""

    success: bool
    status: Literal["completed", "insufficient_data"]
    message: str
    error: str | None
    suggestions: dict[str, Any] | None
    trade_stats: dict[str, Any]
    timestamp: datetime


class KeptDocument(Answer):
    """A stored document; its other fields are in `model_extra`."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    id: str = Field(alias="_id")
    created_at: datetime


class ConfigSuggestions(Answer):
    count: int
    suggestions: list[KeptDocument]


class HowToApply(Answer):
    """Lines of configuration, as YAML and as environment."""

    yaml: str
    environment: str
    note: str


class DecidedSuggestion(Answer):
    """A suggestion that was accepted or rejected; `how_to_apply` is None of a rejected one."""

    id: str = Field(alias="_id")
    status: str
    decided_at: datetime
    decided_by: str
    how_to_apply: HowToApply | None
    applied_changes: list[str]


class SelfAnalyses(Answer):
    count: int
    analyses: list[KeptDocument]


class MeanWithInterval(Answer):
    """A mean with the ends of its 95 % interval, and the number of cases; None without cases."""

    mean: float | None
    low: float | None
    high: float | None
    cases: int


class StrategyRecord(Answer):
    """What came after a strategy leaned: share that was right by distance in candles, and results of its plans."""

    name: str
    right: dict[int, MeanWithInterval]
    target_first: MeanWithInterval
    expected_r: MeanWithInterval


class StrategyRecords(Answer):
    """Records of all strategies on one of the measured timeframes; `built_from` is None where nothing was measured."""

    built_from: str | None
    built_at: str | None
    timeframe: str | None
    timeframes: list[str]
    strategies: list[StrategyRecord]
