"""Answers about the state of a market and the strategies that suit it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import RootModel

from trading_signal_client.answers.answer import Answer, Timeframe


class StrategyRecommendation(Answer):
    strategy_name: str
    suitability_score: float
    reasoning: str
    recommended_config: dict[str, str | int | float]


class StrategyRecommendations(RootModel[list[StrategyRecommendation]]):
    """The answer of `/ai/strategy-recommendations`, best first, in `root`."""


class MarketCondition(Answer):
    """The answer of `/ai/market-condition`; the direction is -1 (down) to 1 (up)."""

    symbol: str
    condition_type: Literal["Bullish", "Bearish", "Sideways", "Uncertain"]
    confidence: float
    characteristics: list[str]
    recommended_strategies: list[str]
    market_phase: str
    direction: float
    trend_strength: float
    timeframe_analysis: dict[Timeframe, dict[str, float]]
    indicators_summary: dict[str, str | float]
    source_data: str
    timestamp: int


class MarketConditionHealth(Answer):
    status: Literal["healthy"]
    pipeline: str
    test_direction: float
    candles_fetched: int
    timestamp: datetime
