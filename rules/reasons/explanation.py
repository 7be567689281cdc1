"""The whole reasoning of a signal.

Every number in the text is an indicator, a level, the price or a count of candles of the
analysis itself; what has no number there is said in words.
"""

from __future__ import annotations

from domain.values import Signal
from rules.context import MarketContext
from rules.direction import POINTS, TrendView
from rules.reasons.data import describe_age, describe_breaks, describe_brief, describe_gaps, describe_price
from rules.reasons.evidence import describe_evidence
from rules.reasons.market import (
    describe_averages,
    describe_levels,
    describe_strategies,
    describe_strength,
    describe_volume,
    figure,
    price_figure,
)
from rules.verdict import Ground, Verdict

# From here on a timeframe's direction is clear.
CLEAR = 0.60

_GROUNDS = {
    Ground.NO_TREND: "no trend stands out from noise",
    Ground.DISAGREEMENT: "the timeframes disagree",
    Ground.FLAT: "the market is flat: its candles have practically no range",
    Ground.WILD: "the candles are so wide that neither a stop nor a target can be placed",
    Ground.ONE_CANDLE: "most of the average true range is that of one candle: it places neither a stop nor a target",
    Ground.REVERSED: "the price has run far against the trend since the last closed candle",
    Ground.AHEAD: "the price has run beyond the target of a plan of the last closed candle",
    Ground.BROKEN: "too few candles have come since the series broke off",
    Ground.NO_EDGE: "the trend is clear, but plans that followed such trends came to no more than chance",
}


def explain(context: MarketContext, view: TrendView, verdict: Verdict) -> str:
    """Return the reasons for a verdict, most important first."""
    sentences = [_verdict_sentence(context, view, verdict), describe_evidence(context, verdict)]
    sentences.append(_model_sentence(context, view))
    if verdict.ground not in {Ground.FLAT, Ground.BROKEN}:
        sentences += [describe_averages(context), describe_strength(context.main.latest)]
    sentences += [describe_volume(context), describe_levels(context, price_said=verdict.plan is not None)]
    sentences += [describe_strategies(view), describe_brief(context, view)]
    if verdict.ground not in {Ground.REVERSED, Ground.AHEAD}:
        sentences.append(describe_price(context))
    sentences += [*describe_breaks(context), describe_gaps(context)]
    moment = "" if context.as_of is None else f"As of {context.as_of:%Y-%m-%dT%H:%M:%SZ}: no later candle is used."
    sentences += [moment, describe_age(context)]
    return " ".join(sentence for sentence in sentences if sentence)


def _verdict_sentence(context: MarketContext, view: TrendView, verdict: Verdict) -> str:
    ways = ", ".join(f"{timeframe} {_way(value)}" for timeframe, value in view.counted.items())
    if verdict.signal is Signal.NEUTRAL:
        return f"Neutral: {_ground_words(view, verdict)} ({ways})."
    up_or_down = "up" if verdict.signal is Signal.LONG else "down"
    who = "rules and model together point" if view.blended else "the trend points"
    return f"{verdict.signal}: {who} {up_or_down} at a price of {price_figure(context.price)} ({ways})."


def _ground_words(view: TrendView, verdict: Verdict) -> str:
    if view.blended and verdict.ground is Ground.NO_TREND:
        return "rules and model together are not clear"
    if verdict.by_plan_model and verdict.ground is Ground.NO_EDGE:
        return "the trend is clear, but the plan model gives its plan no more than chance"
    return _GROUNDS[verdict.ground]


def _model_sentence(context: MarketContext, view: TrendView) -> str:
    forecast = context.forecast
    if forecast is None:
        return ""
    frame, horizon = forecast.timeframe, forecast.horizon_candles
    event = f"the next {frame} candle closes higher" if horizon == 1 else f"{frame} closes higher {horizon} candles on"
    alone = "" if view.blended else f", {forecast.signal} by itself; the signal does not depend on it"
    return (
        f"The {forecast.model_type} model gives a probability of {figure(forecast.probability_up)} that {event}{alone}."
    )


def _way(direction: float) -> str:
    if abs(direction) < POINTS:
        return "sideways"
    word = "up" if direction > 0 else "down"
    return f"clearly {word}" if abs(direction) >= CLEAR else word
