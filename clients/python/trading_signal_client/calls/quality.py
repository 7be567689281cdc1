"""Calls about outcomes of signals, reviews of trades and of the settings."""

from __future__ import annotations

import time
from typing import Literal

from trading_signal_client import answers
from trading_signal_client.calls.call import Call


def feedback(
    signal_id: str,
    symbol: str,
    predicted_signal: Literal["Long", "Short", "Neutral"],
    actual_outcome: Literal["success", "failure", "neutral"],
    *,
    profit_loss: float,
    confidence_was_accurate: bool,
    notes: str | None = None,
) -> Call[answers.FeedbackKept]:
    """Report the outcome of a signal; it counts once per `signal_id`, the `analysis_id` of an analysis."""
    body = {
        "signal_id": signal_id,
        "symbol": symbol,
        "predicted_signal": predicted_signal,
        "actual_outcome": actual_outcome,
        "profit_loss": profit_loss,
        "confidence_was_accurate": confidence_was_accurate,
        "feedback_notes": notes,
        "timestamp": time.time_ns() // 1_000_000,
    }
    return Call("feedback", "POST", "/ai/feedback", answers.FeedbackKept, body)


def analyze_trade(
    trade_id: str,
    symbol: str,
    side: Literal["Long", "Short"],
    *,
    entry_price: float,
    exit_price: float,
    quantity: float,
    leverage: float,
    pnl_usdt: float,
    pnl_percentage: float,
    duration_seconds: float | None = None,
    close_reason: str | None = None,
    open_time: int | str | None = None,
    close_time: int | str | None = None,
    strategy_name: str | None = None,
    ai_confidence: float | None = None,
    ai_reasoning: str | None = None,
) -> Call[answers.TradeAccepted]:
    """Report a closed trade, reviewed in the background, once per `trade_id`; times are epoch ms or ISO 8601."""
    body = {
        "trade_id": trade_id,
        "symbol": symbol,
        "side": side,
        "entry_price": entry_price,
        "exit_price": exit_price,
        "quantity": quantity,
        "leverage": leverage,
        "pnl_usdt": pnl_usdt,
        "pnl_percentage": pnl_percentage,
        "duration_seconds": duration_seconds,
        "close_reason": close_reason,
        "open_time": open_time,
        "close_time": close_time,
        "strategy_name": strategy_name,
        "ai_confidence": ai_confidence,
        "ai_reasoning": ai_reasoning,
    }
    return Call("analyze_trade", "POST", "/ai/analyze-trade", answers.TradeAccepted, body)


def performance() -> Call[answers.Performance]:
    """Ask for the hit rates of the signals."""
    return Call("performance", "GET", "/ai/performance", answers.Performance)


def signal_quality(limit: int = 50) -> Call[answers.SignalQuality]:
    """Ask for the counts of the newest signals."""
    return Call("signal_quality", "GET", "/ai/signal-quality", answers.SignalQuality, query={"limit": limit})


def analyze_config() -> Call[answers.ConfigAnalysis]:
    """Start a review of settings and models by the measured figures (admin)."""
    return Call("trigger_config_analysis", "POST", "/ai/config-analysis/trigger", answers.ConfigAnalysis, {})


def config_suggestions(limit: int = 20, days: int = 30) -> Call[answers.ConfigSuggestions]:
    """Ask for the suggestions of the last days, newest first."""
    query = {"limit": limit, "days": days}
    return Call("config_suggestions", "GET", "/ai/config-suggestions", answers.ConfigSuggestions, query=query)


def decide_suggestion(suggestion_id: str, accept: bool) -> Call[answers.DecidedSuggestion]:
    """Accept or reject a suggestion for the settings (admin); nothing is changed in the running service."""
    path, parameters = "/ai/config-suggestions/{suggestion_id}", {"suggestion_id": suggestion_id}
    body = {"accept": accept}
    return Call("decide_config_suggestion", "POST", path, answers.DecidedSuggestion, body, parameters=parameters)


def self_analyses(limit: int = 20, days: int = 30) -> Call[answers.SelfAnalyses]:
    """Ask for the advice of the last days, newest first."""
    query = {"limit": limit, "days": days}
    return Call("self_analysis_history", "GET", "/ai/gpt4-analysis-history", answers.SelfAnalyses, query=query)
