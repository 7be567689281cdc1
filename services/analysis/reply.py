"""The LLM's reply to an analysis."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from domain.analysis import TrendDirection
from domain.values import Signal
from services.llm.replies import Number, Prose, ReplyModel, Share, schema_of, word_of

_WORDS = {
    "long": Signal.LONG,
    "buy": Signal.LONG,
    "short": Signal.SHORT,
    "sell": Signal.SHORT,
    "neutral": Signal.NEUTRAL,
    "hold": Signal.NEUTRAL,
}


def _signal(value: Any) -> Any:
    """Take the signal in any case, and the words of an order for it."""
    return word_of(_WORDS, value, "needs Long, Short or Neutral")


def _direction(value: Any) -> Any:
    """Take the direction in any case."""
    known = {direction.lower(): direction for direction in TrendDirection}
    return word_of(known, value, f"needs {', '.join(TrendDirection)}")


def _scores(value: Any) -> Any:
    """Take a map of scores by name for a list of them."""
    return [{"name": name, "score": score} for name, score in value.items()] if isinstance(value, dict) else value


class StrategyScore(ReplyModel):
    """One strategy's score: 0 speaks for Short, 1 for Long."""

    name: str
    score: Share


class AnalysisReply(ReplyModel):
    """The reply of the model to a market, not yet checked against the facts."""

    signal: Annotated[Signal, BeforeValidator(_signal)]
    confidence: Share
    reasoning: Prose
    strategy_scores: Annotated[list[StrategyScore], BeforeValidator(_scores)]
    trend_direction: Annotated[TrendDirection, BeforeValidator(_direction)]
    trend_strength: Share
    support_levels: Annotated[list[Number], Field(description="Below the price.")]
    resistance_levels: Annotated[list[Number], Field(description="Above the price.")]
    stop_loss: Number | None
    take_profit: Number | None


ANALYSIS_SCHEMA = schema_of(AnalysisReply, "market_analysis")
