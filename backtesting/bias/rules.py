"""The check of the rules: everything that they say of a market at the close of a candle."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from backtesting.bias.checks import BiasCheck, BiasKind, Values
from config.settings import AnalysisSettings
from domain.analysis import DataSource, MarketSnapshot
from domain.arrays import IntArray
from domain.errors import InsufficientData
from domain.market import CandleSeries, Timeframe
from domain.values import Signal, utc_time
from features.indicators.support_resistance import MAX_LEVELS
from features.indicators.technical_indicators import TechnicalIndicators
from rules.context import build_context
from rules.judgement import Judgement, judge
from rules.market_condition import market_phase
from rules.plans import make_plan
from rules.risk import assess_risk
from rules.strategies import STRATEGY_NAMES
from rules.verdict import MAX_RANGE_PERCENT, trend_direction

Frames = Callable[[CandleSeries], Mapping[Timeframe, CandleSeries]]
Said = dict[str, float | str | None]


def rule_check(settings: AnalysisSettings, indicators: TechnicalIndicators, frames: Frames) -> BiasCheck:
    """Return the check of every rule on all timeframes of a market, asked as a replay is: with candles of the future.

    Args:
        settings: Number of candles, and the primary timeframe.
        indicators: Computes the indicators.
        frames: From the candles to those of every timeframe that the rules read.
    """

    def measure(series: CandleSeries, positions: IntArray) -> dict[str, Values]:
        market = frames(series)
        return by_name([_said(series, market, int(position), settings, indicators) for position in positions])

    return BiasCheck(BiasKind.RULE, measure, each=True)


def _said(
    series: CandleSeries,
    market: Mapping[Timeframe, CandleSeries],
    position: int,
    settings: AnalysisSettings,
    indicators: TechnicalIndicators,
) -> Said:
    """Return what the rules say at the close of a candle, nothing where they have too few candles."""
    known = series.part(0, position + 1)
    moment_ms = known.last_close_ms
    price = float(series.closes[position])
    snapshot = MarketSnapshot("CHECKED", market, price, None, DataSource.FILES, moment_ms)
    try:
        context = build_context(snapshot, STRATEGY_NAMES, settings, indicators, utc_time(moment_ms))
    except InsufficientData:
        return {}
    return said_of(judge(context))


def said_of(judgement: Judgement) -> Said:
    """Return everything that the rules say in a judgement, by name."""
    return dict(_words(judgement))


def by_name(said: Sequence[Said]) -> dict[str, Values]:
    """Return what was said at m moments as m values by name."""
    names = dict.fromkeys(name for one in said for name in one)
    return {name: _values([one.get(name) for one in said]) for name in names}


def _words(judgement: Judgement) -> Iterator[tuple[str, float | str | None]]:
    context, view, verdict = judgement.context, judgement.view, judgement.verdict
    for timeframe, direction in view.directions.items():
        yield f"direction.{timeframe}", direction
    yield "direction", view.trend
    for strategy, score in view.scores.items():
        yield f"score.{strategy}", score
    yield "score.consensus", view.consensus
    yield "verdict.signal", str(verdict.signal)
    yield "verdict.confidence", verdict.confidence
    yield "verdict.ground", str(verdict.ground)
    yield "market.trend_direction", str(trend_direction(view))
    yield "market.phase", str(market_phase(context, view))
    risk = assess_risk(context, view, verdict)
    yield "risk.technical", risk.technical_risk
    yield "risk.market", risk.market_risk
    # A Neutral has no exits: those of both sides are asked for, wherever a stop has room.
    if 0 < context.main.average_true_range < MAX_RANGE_PERCENT / 100 * context.price:
        for side in (Signal.LONG, Signal.SHORT):
            plan = make_plan(side, context.price, context.main.average_true_range)
            sized = assess_risk(context, view, replace(verdict, signal=side, plan=plan))
            yield f"exits.{side.lower()}.stop", plan.stop
            yield f"exits.{side.lower()}.target", plan.target
            yield f"exits.{side.lower()}.size", sized.recommended_position_size
    levels = context.main.levels
    for kind, prices in (("support", levels.supports), ("resistance", levels.resistances)):
        for number in range(MAX_LEVELS):
            yield f"levels.{kind}.{number + 1}", prices[number] if number < len(prices) else None


def _values(found: list[float | str | None]) -> Values:
    if any(isinstance(value, str) for value in found):
        return np.array(found, dtype=object)
    return np.array([math.nan if value is None else value for value in found], dtype=np.float64)
