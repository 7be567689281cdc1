"""Calls for operators; those marked (admin) need the administrator's token."""

from __future__ import annotations

from typing import Literal

from trading_signal_client import answers
from trading_signal_client.calls.call import Call


def strategy_records(timeframe: answers.Timeframe | None = None) -> Call[answers.StrategyRecords]:
    """What came after the strategies leaned to a side; without a timeframe, on the shortest that was measured."""
    query = {} if timeframe is None else {"timeframe": timeframe}
    return Call("strategy_records", "GET", "/ai/strategies/records", answers.StrategyRecords, query=query)


def strategies() -> Call[answers.Strategies]:
    """Ask for the names of the strategies."""
    return Call("strategies", "GET", "/ai/strategies", answers.Strategies)


def info() -> Call[answers.ServiceInfo]:
    """Ask for name, version and routes of the service."""
    return Call("info", "GET", "/ai/info", answers.ServiceInfo)


def health() -> Call[answers.Health]:
    """Ask which parts of the service work."""
    return Call("health", "GET", "/health", answers.Health)


def log(lines: int = 100, level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "DEBUG") -> Call[answers.Log]:
    """Ask for the newest lines of the log, of this level and above, at most 1,000 (admin)."""
    return Call("log", "GET", "/ai/log", answers.Log, query={"lines": lines, "level": level})


def safe_mode() -> Call[answers.SafeMode]:
    """Ask whether safe mode is on, and why."""
    return Call("safe_mode", "GET", "/ai/safe-mode", answers.SafeMode)


def switch_safe_mode(enabled: bool, reason: str = "") -> Call[answers.SafeMode]:
    """Switch safe mode on, which needs a reason, or off (admin)."""
    body = {"enabled": enabled, "reason": reason}
    return Call("switch_safe_mode", "POST", "/ai/safe-mode", answers.SafeMode, body)


def disabled_parts() -> Call[answers.DisabledParts]:
    """Ask which lanes and strategies are disabled, and why."""
    return Call("disabled_parts", "GET", "/ai/disabled", answers.DisabledParts)


def switch_part(name: str, disabled: bool, reason: str = "") -> Call[answers.DisabledPart]:
    """Disable a lane or strategy, which needs a reason, or enable it (admin)."""
    body = {"disabled": disabled, "reason": reason}
    return Call("switch_part", "POST", "/ai/disabled/{name}", answers.DisabledPart, body, parameters={"name": name})


def clear_cache() -> Call[answers.CacheCleared]:
    """Clear the cache of analyses (admin)."""
    return Call("storage_clear", "POST", "/ai/storage/clear", answers.CacheCleared, {})


def remove_candles(symbol: str, timeframe: answers.Timeframe | None = None) -> Call[answers.CandlesRemoved]:
    """Remove the posted candles of a symbol, so that other prices are accepted (admin)."""
    path, parameters = "/ai/storage/candles/{symbol}", {"symbol": symbol}
    query = {"timeframe": timeframe} if timeframe else {}
    return Call("storage_candles_remove", "DELETE", path, answers.CandlesRemoved, parameters=parameters, query=query)


def storage_stats() -> Call[answers.StorageStats]:
    """Ask for the statistics of the store."""
    return Call("storage_stats", "GET", "/ai/storage/stats", answers.StorageStats)


def forecast_cache() -> Call[answers.ForecastCacheStats]:
    """Ask for the statistics of the cache of `forecast`."""
    return Call("ml_cache_stats", "GET", "/api/v1/ml/cache/stats", answers.ForecastCacheStats)


def clear_forecast_cache(ticker: str) -> Call[answers.ForecastCacheCleared]:
    """Remove the fetched candles of a ticker from the cache (admin)."""
    path, parameters = "/api/v1/ml/cache/{ticker}", {"ticker": ticker}
    return Call("ml_cache_clear", "DELETE", path, answers.ForecastCacheCleared, parameters=parameters)


def costs() -> Call[answers.Costs]:
    """Ask for the costs of the LLM."""
    return Call("cost_statistics", "GET", "/ai/cost/statistics", answers.Costs)


def probe_llm() -> Call[answers.LlmProbe]:
    """Test the LLM with one paid call (admin)."""
    return Call("debug_gpt4", "GET", "/debug/gpt4", answers.LlmProbe)


def config() -> Call[answers.ServiceConfig]:
    """Ask for the settings in force."""
    return Call("config", "GET", "/config", answers.ServiceConfig)
