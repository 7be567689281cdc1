"""The prompt of an analysis: which signal do these facts give?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from domain.forecasting import Forecast
from domain.queries import ClientContext
from rules.context import MarketContext, TimeframeContext
from services.analysis.reply import ANALYSIS_SCHEMA
from services.llm.prompt import Prompt, make_prompt

INSTRUCTIONS = Path(__file__).with_name("analysis_v2.txt")
# The newest closes show the path behind the indicators.
CLOSES = 12
# Running totals depend on the first candle and have no meaning by themselves.
_LEFT_OUT = frozenset({"on_balance_volume"})


def prompt_parts() -> dict[str, Any]:
    """Return what every prompt has in common: the version, the instructions and the form of the reply."""
    return {
        "version": INSTRUCTIONS.stem,
        "instructions": INSTRUCTIONS.read_text(encoding="utf-8"),
        "reply": ANALYSIS_SCHEMA.schema,
    }


def analysis_prompt(context: MarketContext) -> Prompt:
    """Return the question about a market; no date and no time is in it."""
    facts = {
        "symbol": context.symbol,
        "price": context.price,
        "volume_24h": context.volume_24h,
        "primary_timeframe": context.primary.value,
        "strategies": list(context.strategies),
        "missing_candles": context.missing_candles,
        "timeframes": {timeframe.value: _timeframe(part) for timeframe, part in context.timeframes.items()},
        "model_forecast": _forecast(context.forecast) if context.forecast else None,
    }
    return make_prompt(INSTRUCTIONS, facts, _said(context.client), ANALYSIS_SCHEMA)


def _timeframe(part: TimeframeContext) -> dict[str, Any]:
    series = part.series
    return {
        "candles": len(series),
        "highest": float(series.highs.max()),
        "lowest": float(series.lows.min()),
        "last_closes": series.closes[-CLOSES:].tolist(),
        "indicators": {name: value for name, value in part.latest.items() if name not in _LEFT_OUT},
        "support_levels": list(part.levels.supports),
        "resistance_levels": list(part.levels.resistances),
    }


def _forecast(forecast: Forecast) -> dict[str, Any]:
    return {
        "timeframe": forecast.timeframe.value,
        "horizon_candles": forecast.horizon_candles,
        "probability_up": forecast.probability_up,
        "disagreement": forecast.disagreement,
        "signal": forecast.signal.value,
    }


def _said(client: ClientContext) -> Mapping[str, Any]:
    """Return what the client did say."""
    said = {
        "market_condition": client.market_condition,
        "risk_level": client.risk_level,
        "risk_tolerance": client.risk_tolerance,
        "own_strategies": list(client.strategies),
        "preferences": dict(client.preferences),
        "news": {name: value for name, value in asdict(client.news).items() if value is not None}
        if client.news
        else None,
    }
    return {name: value for name, value in said.items() if value}
