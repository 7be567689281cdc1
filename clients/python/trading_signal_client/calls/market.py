"""Calls about markets."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from trading_signal_client import answers
from trading_signal_client.calls.call import Call, Candles, Costs


def analyze(
    symbol: str,
    candles: Candles | None = None,
    *,
    price: float | None = None,
    volume_24h: float = 0,
    strategies: Sequence[str] = (),
    costs: Costs | None = None,
    as_of: int | None = None,
) -> Call[answers.Analysis]:
    """Analyze a market; without candles the service fetches them.

    Args:
        symbol: Such as BTCUSDT.
        candles: By timeframe, oldest first, one of them with 60 closed ones or more.
        price: Now; without it the newest close of the shortest timeframe.
        volume_24h: In base currency.
        strategies: Those that have a say; all, if none is named.
        costs: Of your trades, which the confidence is after; by default those of the service's settings.
        as_of: Epoch ms of a replay: the answer is that of this moment, and no later candle, price or volume is used.
    """
    body = _market(symbol, candles, price, volume_24h) | {"strategy_context": {"selected_strategies": list(strategies)}}
    body |= {"costs": costs, "as_of": as_of}
    return Call("analyze", "POST", "/ai/analyze", answers.Analysis, body)


def predict(
    symbol: str,
    candles: Candles | None = None,
    *,
    price: float | None = None,
    volume_24h: float = 0,
    costs: Costs | None = None,
    as_of: int | None = None,
) -> Call[answers.Prediction]:
    """Ask the model in production; the arguments are those of `analyze`."""
    body = _market(symbol, candles, price, volume_24h) | {"costs": costs, "as_of": as_of}
    return Call("predict", "POST", "/ai/predict", answers.Prediction, body)


def predict_trend(symbol: str, timeframe: answers.Timeframe = "4h") -> Call[answers.Trend]:
    """Ask for the trend of a symbol."""
    body = {"symbol": symbol, "timeframe": timeframe}
    return Call("predict_trend", "POST", "/predict-trend", answers.Trend, body)


def forecast(
    ticker: str, timeframe: answers.Timeframe | None = None, *, steps: int = 5, coverage: float = 0.9
) -> Call[answers.TickerForecast]:
    """Ask for prices 1 to `steps` (at most 30) candles ahead, and for the signal of the model."""
    body = {"ticker": ticker, "timeframe": timeframe, "steps": steps, "coverage": coverage}
    path = "/api/v1/ml/predict/comprehensive"
    return Call("ml_predict_comprehensive", "POST", path, answers.TickerForecast, body)


def signals(symbols: Sequence[str], candles: Mapping[str, Candles] | None = None) -> Call[answers.BatchSignals]:
    """Ask for the signals of up to 50 symbols; the service fetches candles that are not given."""
    body = {"symbols": list(symbols), "timeframe_data": candles or {}}
    return Call("signals", "POST", "/ai/signals", answers.BatchSignals, body)


def newest_signals() -> Call[answers.NewestSignals]:
    """Ask for the newest signal of each symbol, as the socket broadcast it."""
    return Call("newest_signals", "GET", "/ai/signals", answers.NewestSignals)


def market_condition(
    symbol: str, candles: Candles | None = None, *, price: float | None = None
) -> Call[answers.MarketCondition]:
    """Ask for the state of a market; without candles the service fetches them."""
    body = _market(symbol, candles, price, 0)
    return Call("market_condition", "POST", "/ai/market-condition", answers.MarketCondition, body)


def market_condition_health() -> Call[answers.MarketConditionHealth]:
    """Ask for the state of the first configured market on fresh candles; a Problem with status 503 without any."""
    path = "/ai/health/market-condition"
    return Call("market_condition_health", "GET", path, answers.MarketConditionHealth)


def strategy_recommendations(
    symbol: str, candles: Candles | None = None, *, price: float | None = None, strategies: Sequence[str] = ()
) -> Call[answers.StrategyRecommendations]:
    """Ask how well strategies suit a market: the given ones, or all."""
    body = _market(symbol, candles, price, 0) | {"available_strategies": list(strategies)}
    path = "/ai/strategy-recommendations"
    return Call("strategy_recommendations", "POST", path, answers.StrategyRecommendations, body)


def _market(symbol: str, candles: Candles | None, price: float | None, volume_24h: float) -> dict[str, Any]:
    frames = candles or {}
    newest = max(
        (frame[-1] for frame in frames.values() if frame), key=lambda candle: candle["timestamp"], default=None
    )
    known = price if price is not None else newest["close"] if newest else 0
    return {
        "symbol": symbol,
        "timeframe_data": frames,
        "current_price": known,
        "volume_24h": volume_24h,
        "timestamp": time.time_ns() // 1_000_000,
    }
