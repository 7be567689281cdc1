"""From the view of the timeframes to a signal and its confidence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from domain.analysis import TrendDirection
from domain.trading.evidence import Evidence, EvidenceVerdict
from domain.trading.plans import TradePlan
from domain.values import Signal
from rules.context import MarketContext
from rules.direction import TrendView
from rules.evidence.weighing import UNMEASURED_CONFIDENCE, confidence_bound, even_money, rests_on_plans, support
from rules.plans import Exits, find_exits, make_plan
from rules.strategies import ramp

# Calibrated on simulated markets: four of five random walks stay below, nine of ten clear trends
# (drift three times the noise of the window) come above.
SIGNAL_BAR = 0.52
# The selected strategies together raise or lower the trend by at most this: they decide near the bar,
# but never turn a clear trend around.
STRATEGY_SAY = 0.10
# From here on the market is Bullish or Bearish, with or without a signal.
TREND_BAR = 0.35
# Wider candles leave no room for a stop on one side and a target on the other.
MAX_RANGE_PERCENT = 15.0
# A range that one candle has more of than all others together, as after a bad tick, measures no market (1 of 8,000
# hours of coins to 2022): the stop would be many times too far, and the costs over it too small.
MAX_WIDEST_SHARE = 0.5
# With a price this far against the closed candles, they are no evidence.
MAX_ADVERSE_ATR = 2.0

# Where nothing was measured, confidence is agreement alone, and no more than a little over an even chance.
AGREEMENT_CONFIDENCE = (0.45, UNMEASURED_CONFIDENCE)
NEUTRAL_CONFIDENCE = (0.40, 0.60)
FULL_STRENGTH = 0.9
# After as many candles averages have forgotten their seed; fewer cost up to a fifth of the
# confidence, and gaps up to a tenth.
SETTLED_CANDLES = 250
FEW_CANDLES_COST = 0.20
GAPS_COST = 0.10
FULL_GAPS_SHARE = 0.10


class Ground(StrEnum):
    """The ground of a signal."""

    TREND = "trend"
    NO_TREND = "no trend"
    DISAGREEMENT = "disagreement"
    FLAT = "flat"
    WILD = "wild"
    ONE_CANDLE = "one candle"
    REVERSED = "reversed"
    AHEAD = "ahead"
    BROKEN = "broken"
    NO_EDGE = "no edge"


# In such a market no stop and no target can be placed.
UNTRADABLE = frozenset({Ground.FLAT, Ground.WILD, Ground.ONE_CANDLE, Ground.BROKEN})
SPEAKS_AGAINST = frozenset({EvidenceVerdict.NONE, EvidenceVerdict.INVERTED})


@dataclass(frozen=True)
class Verdict:
    """The signal, its confidence (0 to 1) and its ground.

    Attributes:
        plan: Of the signal; None of a Neutral one.
        evidence: Of the plan; of a Neutral signal that of the better side's plan. None where none can be made.
        by_plan_model: Whether the evidence is what a plan model says.
    """

    signal: Signal
    confidence: float
    ground: Ground
    plan: TradePlan | None = None
    evidence: Evidence | None = None
    by_plan_model: bool = False


def decide(context: MarketContext, view: TrendView) -> Verdict:
    """Return a side where the trend is strong, timeframes agree and such plans paid in the past; else Neutral.

    The trend may be that of rules and model together; the timeframes' disagreement, a flat market and
    candles too wide for a stop hold back a signal all the same. The confidence is the even-money equivalent of the
    plan, that of Neutral one minus that of the better side's plan.
    """
    ground, worth = _ground(context, view), data_quality(context) * view.agreement
    if ground in UNTRADABLE:
        return Verdict(Signal.NEUTRAL, _neutral_agreement(view, ground) * worth * context.age.worth, ground)
    signal = _side(view)
    plan = make_plan(signal, context.price, context.main.average_true_range)
    evidence, modelled = weigh(context, view, plan), speaks_of(context, plan)
    measured = rests_on_plans(evidence)
    if ground is Ground.TREND and evidence.verdict in SPEAKS_AGAINST:
        ground = Ground.NO_EDGE
    if ground is Ground.TREND:
        confidence = _paying(evidence) if measured else _agreement(view) * worth
        return Verdict(signal, confidence * context.age.worth, ground, plan, evidence, modelled)
    confidence = 1 - _paying(evidence) if measured else _neutral_agreement(view, ground) * worth
    return Verdict(Signal.NEUTRAL, confidence * context.age.worth, ground, evidence=evidence, by_plan_model=modelled)


def decide_for(
    context: MarketContext, view: TrendView, own: Verdict, signal: Signal, stated: float, proposed: Exits | None
) -> Verdict:
    """Return the verdict on a signal that an LLM gave.

    Its confidence is that of the evidence: what an LLM states is not calibrated. Where nothing was measured, the
    stated one counts up to the limit of the rules'.

    Args:
        context: The market.
        view: Of the rules.
        own: Verdict of the rules, whose evidence a Neutral has.
        signal: Of the LLM.
        stated: Confidence of the LLM, 0..1.
        proposed: Its exits, taken where they fit.
    """
    if signal is Signal.NEUTRAL:
        plan, evidence, modelled = None, own.evidence, own.by_plan_model
    else:
        plan = make_plan(signal, context.price, context.main.average_true_range, proposed)
        evidence, modelled = weigh(context, view, plan), speaks_of(context, plan)
    if evidence is None or not rests_on_plans(evidence):
        confidence = min(stated, UNMEASURED_CONFIDENCE)
    else:
        worth = _paying(evidence)
        confidence = worth if plan else 1 - worth
    ground = Ground.TREND if plan else Ground.NO_TREND
    return Verdict(signal, confidence * context.age.worth, ground, plan, evidence, modelled)


def given_by_rules(context: MarketContext, view: TrendView) -> Signal:
    """Return the side of the plan that the rules give of a market, whatever it is worth; Neutral where they give none.

    Args:
        context: The market.
        view: Of the rules alone.
    """
    if _ground(context, view) is not Ground.TREND:
        return Signal.NEUTRAL
    return _side(view)


def speaks_of(context: MarketContext, plan: TradePlan) -> bool:
    """Return whether the plan model has spoken of this plan: of that of the rules alone, with their exits."""
    said = context.plan_forecast
    return said is not None and plan == make_plan(said.side, context.price, context.main.average_true_range)


def weigh(context: MarketContext, view: TrendView, plan: TradePlan) -> Evidence:
    """Return the evidence of a plan in a market: what the plan model says of it, or the record of plans like it."""
    if context.plan_forecast is not None and speaks_of(context, plan):
        return context.weigher.by_model(plan, context.symbol, context.plan_forecast)
    worth = data_quality(context) * view.agreement
    supported = worth * support(plan.side.side, view.trend)
    return context.weigher.weigh(plan, context.symbol, context.primary, supported)


def strength(view: TrendView) -> float:
    """Return the strength of the trend with the strategies' share, 0 to a little more than 1."""
    return abs(view.trend) + STRATEGY_SAY * view.consensus * math.copysign(1, view.trend)


def trend_direction(view: TrendView) -> TrendDirection:
    """Return the direction of the trend; Uncertain where timeframes disagree, or the series has just broken off."""
    if view.broken:
        return TrendDirection.UNCERTAIN
    if view.flat:
        return TrendDirection.SIDEWAYS
    if view.disagree:
        return TrendDirection.UNCERTAIN
    if abs(view.trend) < TREND_BAR:
        return TrendDirection.SIDEWAYS
    return TrendDirection.BULLISH if view.trend > 0 else TrendDirection.BEARISH


def is_reversed(context: MarketContext, view: TrendView) -> bool:
    """Return whether the price is so far against the closed candles that they are no evidence."""
    move = (context.price - context.main.latest["close"]) / context.main.average_true_range
    return move * math.copysign(1, view.trend) < -MAX_ADVERSE_ATR


def has_run_ahead(context: MarketContext, view: TrendView) -> bool:
    """Return whether the price has passed the target of a plan that the rules would have made at the last close."""
    side = _side(view)
    target = find_exits(side, context.main.latest["close"], context.main.average_true_range).target
    return side.side * (context.price - target) >= 0


def has_few_candles(context: MarketContext) -> bool:
    """Return whether the primary timeframe's averages still remember their seed."""
    return len(context.main.series) < SETTLED_CANDLES


def data_quality(context: MarketContext) -> float:
    """Return a factor up to 1 that falls with few candles, and with gaps whether anything was traded in them or not."""
    candles = len(context.main.series)
    total = sum(len(part.series) for part in context.counted.values())
    gaps = ramp((context.missing_candles + context.untraded_candles) / total, 0.0, FULL_GAPS_SHARE)
    return (1 - FEW_CANDLES_COST * (1 - ramp(candles, 0, SETTLED_CANDLES))) * (1 - GAPS_COST * gaps)


def _ground(context: MarketContext, view: TrendView) -> Ground:
    if context.broken:
        return Ground.BROKEN
    if view.flat:
        return Ground.FLAT
    if 100 * context.main.average_true_range / context.price > MAX_RANGE_PERCENT:
        return Ground.WILD
    if context.main.widest_share > MAX_WIDEST_SHARE:
        return Ground.ONE_CANDLE
    if view.disagree:
        return Ground.DISAGREEMENT
    if strength(view) < SIGNAL_BAR:
        return Ground.NO_TREND
    if is_reversed(context, view):
        return Ground.REVERSED
    return Ground.AHEAD if has_run_ahead(context, view) else Ground.TREND


def _side(view: TrendView) -> Signal:
    return Signal.LONG if view.trend > 0 else Signal.SHORT


def _paying(evidence: Evidence) -> float:
    """Return how sure it is that a plan pays: its even-money equivalent, bounded where the evidence is insufficient."""
    return min(even_money(evidence.expected_r), confidence_bound(evidence.verdict))


def _agreement(view: TrendView) -> float:
    """Return 0.45 to 0.55 with the strength."""
    least, most = AGREEMENT_CONFIDENCE
    return least + (most - least) * ramp(strength(view), SIGNAL_BAR, FULL_STRENGTH)


def _neutral_agreement(view: TrendView, ground: Ground) -> float:
    """Return the confidence of a Neutral signal: greatest in a flat market, least near the bar."""
    least, most = NEUTRAL_CONFIDENCE
    if ground is Ground.FLAT:
        return most
    if ground is Ground.NO_TREND:
        return most - (most - least) * ramp(strength(view), 0.0, SIGNAL_BAR)
    return least
