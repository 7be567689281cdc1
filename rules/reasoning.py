"""The reasons of a signal in plain English.

Every number in the text is an indicator, a level, the price or a count of candles of the
analysis itself; what has no number there is said in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from domain.market import Timeframe
from domain.trading.evidence import Evidence, EvidenceVerdict
from domain.values import Signal, epoch_ms, minute_text, utc_time
from rules.context import MarketContext
from rules.direction import POINTS, TrendView
from rules.evidence.weighing import rests_on_plans
from rules.strategies import NO_VIEW
from rules.verdict import Ground, Verdict, has_few_candles

# From here on a timeframe's direction is clear, and a strategy's score has a side.
CLEAR = 0.60
LEAN = 0.15
# Volume against its average: outside of this range it is thin or heavy.
THIN_VOLUME, HEAVY_VOLUME = 0.7, 1.5
# Share of rising candles in all volume: outside of this range one side dominates.
ONE_SIDED_VOLUME = 0.15
# Digits for a reader: to find a price on a chart, to judge an indicator.
PRICE_DIGITS, FIGURE_DIGITS = 6, 3

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
        sentences += [_trend_sentence(context), _strength_sentence(context.main.latest)]
    sentences += [describe_volume(context), _levels_sentence(context)]
    sentences += [_strategies_sentence(view), describe_brief(context, view)]
    sentences += [*describe_breaks(context), _data_sentence(context)]
    moment = "" if context.as_of is None else f"As of {context.as_of:%Y-%m-%dT%H:%M:%SZ}: no later candle is used."
    sentences += [moment, describe_age(context)]
    return " ".join(sentence for sentence in sentences if sentence)


def describe_volume(context: MarketContext) -> str:
    """Return a sentence on the volume of the primary timeframe."""
    latest = context.main.latest
    if "volume_ratio" not in latest or "volume_balance" not in latest:
        return "There is no volume to judge by."
    ratio, balance = latest["volume_ratio"], latest["volume_balance"]
    size = "thin" if ratio < THIN_VOLUME else "heavy" if ratio > HEAVY_VOLUME else "usual"
    side = "on both sides alike"
    if abs(balance) > ONE_SIDED_VOLUME:
        side = "mostly on rising candles" if balance > 0 else "mostly on falling candles"
    return f"Volume is {size}, {figure(ratio)} times its average, and lately {side}."


def describe_evidence(context: MarketContext, verdict: Verdict) -> str:
    """Return a sentence on the results of plans like this one; empty where no plan can be made."""
    evidence = verdict.evidence
    if evidence is None:
        return ""
    if verdict.by_plan_model:
        return _plan_model_sentence(evidence)
    if not rests_on_plans(evidence):
        return "How plans like this came out was not measured: the confidence is agreement alone."
    subject = "Plans like this one" if verdict.plan else "Plans with the trend"
    after = f"{evidence.expected_r:+.3f} of their risk after costs of {figure(evidence.cost_bps)} bps"
    if evidence.verdict is EvidenceVerdict.INSUFFICIENT:
        return (
            f"No plans of this kind of market were measured on {context.primary}: evidence insufficient. By a part of "
            f"what other plans came to, the target is first in {evidence.target_first:.1%}, break-even being "
            f"{evidence.break_even:.1%}, and plans come to {after}."
        )
    return (
        f"{subject} reached the target first in {evidence.target_first:.1%}, "
        f"break-even being {evidence.break_even:.1%}, "
        f"and came to {after}: evidence {evidence.verdict}, from {evidence.plans} independent plans."
    )


def _plan_model_sentence(evidence: Evidence) -> str:
    said = (
        f"The plan model gives the plan of the trend {evidence.target_first:.1%} to reach its target first, "
        f"break-even being {evidence.break_even:.1%}"
    )
    if evidence.verdict is EvidenceVerdict.INSUFFICIENT:
        return f"{said}, from {evidence.plans} independent plans, too few to tell: the confidence is agreement alone."
    return (
        f"{said}, which comes to {evidence.expected_r:+.3f} of its risk after costs of "
        f"{figure(evidence.cost_bps)} bps. "
        f"The confidence is by this model, from {evidence.plans} independent plans: evidence {evidence.verdict}."
    )


def describe_brief(context: MarketContext, view: TrendView) -> str:
    """Return a sentence on timeframes whose candles cover too little to count; empty where all count."""
    frames = ", ".join(view.brief)
    return f"Candles of {frames} are too short for a plan on {context.primary}: they do not count." if frames else ""


def describe_breaks(context: MarketContext) -> Iterator[str]:
    """Yield a sentence on the newest break of each timeframe that has one."""
    for timeframe, series_break in context.breaks.items():
        candle = f"the {timeframe} candle of {minute_text(series_break.opened_ms)} UTC"
        yield f"Before {candle} {series_break.words}: older candles do not count."


def describe_age(context: MarketContext) -> str:
    """Return sentences on candles that are too old for news, and on a market that is closed; empty for others."""
    old = ""
    if context.age.old:
        more = int(context.age.lengths)
        old = f"The candles are old and say less: since the newest of them, {more} more have closed."
    ended = (
        f"The {timeframe} candles end long before the others, at {minute_text(end)} UTC: they do not count."
        for timeframe, end in context.ended_ms.items()
    )
    return " ".join(filter(None, (old, *ended, _closed_sentence(context))))


def figure(value: float) -> str:
    """Return a number as a reader needs it: three significant digits and no exponent."""
    return _plain(value, FIGURE_DIGITS)


def _verdict_sentence(context: MarketContext, view: TrendView, verdict: Verdict) -> str:
    ways = ", ".join(f"{timeframe} {_way(value)}" for timeframe, value in view.counted.items())
    if verdict.signal is Signal.NEUTRAL:
        return f"Neutral: {_ground_words(view, verdict)} ({ways})."
    up_or_down = "up" if verdict.signal is Signal.LONG else "down"
    who = "rules and model together point" if view.blended else "the trend points"
    return f"{verdict.signal}: {who} {up_or_down} at a price of {_price(context.price)} ({ways})."


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


def _trend_sentence(context: MarketContext) -> str:
    latest = context.main.latest
    if "ema_21" not in latest or "ema_50" not in latest:
        return ""
    middle, slow, close = latest["ema_21"], latest["ema_50"], latest["close"]
    place = "above" if close > max(middle, slow) else "below" if close < min(middle, slow) else "between"
    return (
        f"On {context.primary} the last close of {_price(close)} is {place} EMA 21 at {_price(middle)} "
        f"and EMA 50 at {_price(slow)}."
    )


def _strength_sentence(latest: Mapping[str, float]) -> str:
    parts = []
    if {"adx", "plus_di", "minus_di"} <= latest.keys():
        parts.append(
            f"ADX is {figure(latest['adx'])} with +DI {figure(latest['plus_di'])} and -DI {figure(latest['minus_di'])}"
        )
    if "rsi" in latest:
        parts.append(f"RSI is {figure(latest['rsi'])}")
    if "macd_histogram" in latest:
        parts.append(f"the MACD histogram is {'above' if latest['macd_histogram'] > 0 else 'not above'} zero")
    return f"{', '.join(parts)}." if parts else ""


def _levels_sentence(context: MarketContext) -> str:
    parts = [
        f"{name} at {_price(levels[0])}"
        for name, levels in (("support", context.levels.supports), ("resistance", context.levels.resistances))
        if levels
    ]
    return f"The nearest levels on {context.primary}: {' and '.join(parts)}." if parts else ""


def _strategies_sentence(view: TrendView) -> str:
    long = [name for name, score in view.scores.items() if score >= NO_VIEW + LEAN]
    short = [name for name, score in view.scores.items() if score <= NO_VIEW - LEAN]
    parts = [f"{side}: {', '.join(names)}" for names, side in ((long, "Long"), (short, "Short")) if names]
    return f"Strategies that lean {'; '.join(parts)}." if parts else ""


def _data_sentence(context: MarketContext) -> str:
    parts = []
    if has_few_candles(context):
        parts.append(
            f"with {len(context.main.series)} candles on {context.primary} the averages have not quite settled"
        )
    missing, untraded = context.missing_candles, context.untraded_candles
    if missing:
        parts.append(f"{missing} {'candle is' if missing == 1 else 'candles are'} missing in between")
    if untraded:
        parts.append(f"{untraded} candles are left out, as where nothing is traded")
    return f"The indicators are less reliable: {', and '.join(parts)}." if parts else ""


def _closed_sentence(context: MarketContext) -> str:
    series = next(iter(context.timeframes.values())).series
    moment_ms, sessions = epoch_ms(context.as_of or context.generated_at), series.sessions
    # Days alone tell the weekdays of a market, but not its hours.
    hours_known = series.timeframe.ms < Timeframe.D1.ms or sessions.exchange is not None
    if not hours_known or sessions.open_at(moment_ms):
        return ""
    since, opens = (
        utc_time(time_ms) for time_ms in (sessions.last_close_before(moment_ms), sessions.next_open(moment_ms))
    )
    return f"Market closed since {since:%Y-%m-%d %H:%M} UTC, opens {opens:%Y-%m-%d %H:%M} UTC."


def _price(value: float) -> str:
    return _plain(value, PRICE_DIGITS)


def _plain(value: float, digits: int) -> str:
    """Return a number with `digits` significant digits and no exponent."""
    return f"{Decimal(f'{value:.{digits}g}'):f}"
