"""The condition of a market: its direction over all timeframes, its phase and its indicators."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.analysis import DataSource, TrendDirection
from domain.market import Timeframe
from rules.context import MarketContext
from rules.direction import DISAGREES, FULL_MOVE, POINTS, TrendView, move_over_noise
from rules.reasons.data import describe_age, describe_breaks, describe_brief, describe_price
from rules.reasons.market import describe_volume, figure
from rules.risk import volatility_level
from rules.strategies import NO_TREND_ADX, ramp
from rules.verdict import FULL_STRENGTH, MAX_WIDEST_SHARE, TREND_BAR, data_quality, trend_direction

# At the border to another condition, and in the middle of one.
LEAST_CONFIDENCE, MOST_CONFIDENCE = 0.40, 0.90
OVERSOLD_RSI, OVERBOUGHT_RSI = 30.0, 70.0
STRONG_ADX = 25.0

# Indicator by the name that clients read: of each timeframe, and of the primary one.
TIMEFRAME_FIGURES = {
    "rsi": "rsi",
    "macd_histogram": "macd_histogram",
    "adx": "adx",
    "ema_50": "ema_50",
    "stoch_k": "stochastic_k",
}
SUMMARY_FIGURES = {
    "rsi": "rsi",
    "macd_histogram": "macd_histogram",
    "adx": "adx",
    "volume_ratio": "volume_ratio",
    "stochastic_k": "stochastic_k",
}


class MarketPhase(StrEnum):
    """Phase of a market: the four of Wyckoff, and those between them."""

    MARKUP = "Markup"
    MARKDOWN = "Markdown"
    PULLBACK = "Pullback"
    ACCUMULATION = "Accumulation"
    DISTRIBUTION = "Distribution"
    CONSOLIDATION = "Consolidation"
    TRANSITION = "Transition"


@dataclass(frozen=True)
class MarketCondition:
    """The state of a market.

    Attributes:
        condition: In one word.
        confidence: 0 to 1, how far the market is from being called something else, lowered by few candles and
            gaps; 0 where the candles are synthetic, which say nothing of the real market.
        direction: Weighted mean of the timeframes' directions, -1 (down) to 1 (up).
        timeframes: Direction and newest indicators by timeframe, without those that cannot be computed.
        primary: The timeframe of `summary`.
        summary: Newest indicators of the primary timeframe.
        at: Time of the judgement by the server's clock.
    """

    symbol: str
    condition: TrendDirection
    confidence: float
    characteristics: list[str]
    recommended_strategies: list[str]
    phase: MarketPhase
    direction: float
    timeframes: Mapping[Timeframe, Mapping[str, float]]
    primary: Timeframe
    summary: Mapping[str, float]
    source_data: DataSource
    at: datetime


def describe_market(context: MarketContext, view: TrendView, recommended: list[str]) -> MarketCondition:
    """Return the condition of a market whose suitable strategies are known."""
    synthetic = context.source_data is DataSource.SYNTHETIC
    return MarketCondition(
        symbol=context.symbol,
        condition=trend_direction(view),
        confidence=0.0 if synthetic else round(_clarity(view) * data_quality(context), 4),
        characteristics=_characteristics(context, view),
        recommended_strategies=recommended,
        phase=market_phase(context, view),
        direction=round(view.trend, 4),
        timeframes={
            timeframe: {"direction": round(view.directions[timeframe], 4)} | _figures(part.latest, TIMEFRAME_FIGURES)
            for timeframe, part in context.timeframes.items()
        },
        primary=context.primary,
        summary=_figures(context.main.latest, SUMMARY_FIGURES),
        source_data=context.source_data,
        at=context.generated_at,
    )


def market_phase(context: MarketContext, view: TrendView) -> MarketPhase:
    """Return the phase: Markup and Markdown in a trend, Pullback while the shortest that counts points against it.

    Without a trend it is Accumulation after a fall and Distribution after a rise, which the first half of the
    primary timeframe's candles has shown, else Consolidation; and Transition where timeframes disagree or the series
    has just broken off.
    """
    condition = trend_direction(view)
    if condition is TrendDirection.UNCERTAIN:
        return MarketPhase.TRANSITION
    if condition is TrendDirection.SIDEWAYS:
        closes = context.main.series.closes
        before = 0.0 if view.flat else move_over_noise(closes[: len(closes) // 2]) / FULL_MOVE
        if abs(before) < TREND_BAR:
            return MarketPhase.CONSOLIDATION
        return MarketPhase.DISTRIBUTION if before > 0 else MarketPhase.ACCUMULATION
    shortest = next(iter(view.counted.values()))
    if shortest * math.copysign(1, view.trend) <= -POINTS:
        return MarketPhase.PULLBACK
    return MarketPhase.MARKUP if view.trend > 0 else MarketPhase.MARKDOWN


def _clarity(view: TrendView) -> float:
    """Return how far the view is from the border to another condition, from least to most confidence."""
    if view.broken:
        return LEAST_CONFIDENCE
    if view.flat:
        return MOST_CONFIDENCE
    strength = abs(view.trend)
    if view.disagree:
        most_against = max(-value * math.copysign(1, view.trend) for value in view.counted.values())
        share = ramp(most_against, DISAGREES, FULL_STRENGTH)
    elif strength >= TREND_BAR:
        share = ramp(strength, TREND_BAR, FULL_STRENGTH)
    else:
        share = 1 - strength / TREND_BAR
    return LEAST_CONFIDENCE + (MOST_CONFIDENCE - LEAST_CONFIDENCE) * share


def _characteristics(context: MarketContext, view: TrendView) -> list[str]:
    broken = "Too few candles have come since the series broke off."
    sentences = [broken] if view.broken else _measured(context, view)
    sentences += filter(None, (describe_brief(context, view), describe_price(context), *describe_breaks(context)))
    if context.source_data is DataSource.SYNTHETIC:
        sentences.append("The candles are synthetic: this is no real market.")
    if context.age.old or context.ended_ms:
        sentences.append(describe_age(context))
    return sentences


def _measured(context: MarketContext, view: TrendView) -> list[str]:
    latest = context.main.latest
    of_one = ", and most of it that of one candle" if context.main.widest_share > MAX_WIDEST_SHARE else ""
    volatility = volatility_level(context.main.range_percentile).lower()
    sentences = [_agreement(view), f"Volatility is {volatility}{of_one}."]
    if view.flat:
        sentences[1:] = ["The market is flat: its candles have practically no range."]
    elif "adx" in latest:
        adx = latest["adx"]
        strength = "a strong" if adx >= STRONG_ADX else "no" if adx <= NO_TREND_ADX else "a weak"
        sentences.append(f"ADX {figure(adx)} says {strength} trend.")
    sentences.append(describe_volume(context))
    rsi = latest.get("rsi")
    if rsi is not None and not OVERSOLD_RSI < rsi < OVERBOUGHT_RSI:
        sentences.append(f"RSI {figure(rsi)} is {'oversold' if rsi <= OVERSOLD_RSI else 'overbought'}.")
    return sentences


def _agreement(view: TrendView) -> str:
    if len(view.counted) == 1:
        (timeframe, direction), *_ = view.counted.items()
        way = "sideways" if abs(direction) < POINTS else "up" if direction > 0 else "down"
        return f"The only timeframe that counts, {timeframe}, points {way}."
    directions = view.counted.values()
    up, down = sum(value >= POINTS for value in directions), sum(value <= -POINTS for value in directions)
    return f"Of {len(directions)} timeframes {up} point up, {down} down, {len(directions) - up - down} sideways."


def _figures(latest: Mapping[str, float], names: Mapping[str, str]) -> dict[str, float]:
    return {shown: latest[name] for shown, name in names.items() if name in latest}
