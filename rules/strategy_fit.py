"""Suitability of each strategy for a market, by its own indicators and the condition of the market."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from config.settings import IndicatorSettings
from rules.context import MarketContext
from rules.direction import TrendView
from rules.reasons.market import figure
from rules.strategies import LEAN, NO_VIEW, ramp
from rules.verdict import TREND_BAR

# A market that suits the strategy is worth half, a clear view of its own doubles that.
FIT_ALONE = 0.5
# Where timeframes disagree, no strategy suits the market well.
DISAGREEMENT_SHARE = 0.5
# Distance at which a strategy's record is told.
RECORD_CANDLES = 4


@dataclass(frozen=True)
class Traits:
    """The make-up of a strategy.

    Attributes:
        follows: Whether it follows a move; else it expects the move to turn.
        evidence: The indicators that it reads.
        settings: Periods of these indicators, by their names in the section `indicators`.
    """

    follows: bool
    evidence: tuple[str, ...]
    settings: tuple[str, ...]


TRAITS: Mapping[str, Traits] = MappingProxyType(
    {
        "RSI Strategy": Traits(False, ("rsi",), ("rsi_period",)),
        "MACD Strategy": Traits(True, ("macd", "macd_histogram"), ("macd_fast", "macd_slow", "macd_signal")),
        "Volume Strategy": Traits(True, ("volume_balance", "volume_ratio"), ("volume_period",)),
        "Bollinger Bands Strategy": Traits(
            False, ("bollinger_percent_b",), ("bollinger_period", "bollinger_deviations")
        ),
        "Stochastic Strategy": Traits(
            False, ("stochastic_k", "stochastic_d"), ("stochastic_period", "stochastic_smoothing")
        ),
        "momentum": Traits(True, ("rate_of_change",), ("roc_period", "atr_period")),
        "trend_following": Traits(
            True, ("ema_9", "ema_21", "ema_50", "plus_di", "minus_di", "adx"), ("adx_period", "atr_period")
        ),
        "mean_reversion": Traits(
            False,
            ("bollinger_percent_b", "rsi", "adx"),
            ("bollinger_period", "bollinger_deviations", "rsi_period", "adx_period"),
        ),
    }
)


@dataclass(frozen=True)
class Recommendation:
    """Suitability of a strategy for a market, 0 to 1, its reason, and the settings used."""

    strategy: str
    suitability: float
    reasoning: str
    config: Mapping[str, str | float]


def recommend(context: MarketContext, view: TrendView, settings: IndicatorSettings) -> list[Recommendation]:
    """Return the context's strategies, best first; equal ones in the requested order.

    The suitability is the fit of the market, from 0 to 1, times 0.5 to 1 for how clear the strategy's own view
    is. Strategies that follow fit better the stronger the trend of all timeframes, those that expect a turn the
    weaker it is; both fit half where a trend begins to be called one. Nothing fits a flat market, and everything
    half as well where timeframes disagree. A view against the trend counts less the stronger that is, for those
    who follow it. A strategy that has nothing to read suits no market, nor does any where the series has just broken
    off.
    """
    recommendations = [_recommendation(context, view, settings, name) for name in context.strategies]
    return sorted(recommendations, key=lambda fit: -fit.suitability)


def names_that_suit(recommendations: Sequence[Recommendation]) -> list[str]:
    """Return the strategies with a suitability of at least a half, in their order."""
    return [fit.strategy for fit in recommendations if fit.suitability >= FIT_ALONE]


def _recommendation(context: MarketContext, view: TrendView, settings: IndicatorSettings, name: str) -> Recommendation:
    traits, latest = TRAITS[name], context.main.latest
    config = {"timeframe": context.primary.value, **{key: getattr(settings, key) for key in traits.settings}}
    missing = [_words(indicator) for indicator in traits.evidence if indicator not in latest]
    if missing:
        words = f"It cannot be judged: {context.primary} has no {_listed(missing)}."
        return Recommendation(name, 0.0, words, config)
    if view.broken:
        words = "It cannot be judged: too few candles have come since the series broke off."
        return Recommendation(name, 0.0, words, config)
    trendiness = ramp(abs(view.trend), 0.0, 2 * TREND_BAR)
    fit = trendiness if traits.follows else 1 - trendiness
    fit *= 0.0 if view.flat else DISAGREEMENT_SHARE if view.disagree else 1.0
    own = 2 * (view.scores[name] - NO_VIEW)
    against = traits.follows and own * view.trend < 0
    clarity = abs(own) * (1 - trendiness if against else 1.0)
    suitability = fit * (FIT_ALONE + (1 - FIT_ALONE) * clarity)
    values = _listed([f"{_words(indicator)} {figure(latest[indicator])}" for indicator in traits.evidence])
    reasoning = (
        f"{_market_words(view, traits)} Its own evidence on {context.primary} ({values}) {_lean(own, against)}."
        f"{_record_words(context, name)}"
    )
    return Recommendation(name, round(suitability, 4), reasoning, config)


def _market_words(view: TrendView, traits: Traits) -> str:
    way = "It follows moves" if traits.follows else "It expects moves to turn"
    if view.flat:
        return f"{way}, and the market is flat."
    if view.disagree:
        return f"{way}, and the timeframes disagree."
    kind = "trends" if abs(view.trend) >= TREND_BAR else "has no clear trend"
    return f"{way}, and the market {kind}: the direction of all timeframes is {view.trend:+.2f}."


def _lean(own: float, against: bool) -> str:
    if math.isclose(own, 0.0, abs_tol=2 * LEAN):
        return "gives no clear view"
    return f"leans {'Long' if own > 0 else 'Short'}{', against the trend' if against else ''}"


def _record_words(context: MarketContext, name: str) -> str:
    evidence = context.weigher.evidence
    measured = evidence and evidence.record(context.primary)
    record = measured and measured.strategy(name)
    if not measured or not record:
        return ""
    right, plans = record.right.get(RECORD_CANDLES), record.expected_r
    if right is None or right.mean is None or right.low is None or right.high is None or plans.mean is None:
        return ""
    shares = f"{right.mean:.1%} of {right.cases:,} moments [{right.low:.1%}, {right.high:.1%}]"
    return (
        f" When it leaned in the past ({measured.built_from}), the close {RECORD_CANDLES} candles later was on its "
        f"side in {shares}, and plans with it came to {plans.mean:+.3f} of their risk before costs."
    )


def _words(indicator: str) -> str:
    return indicator.replace("_", " ")


def _listed(parts: Sequence[str]) -> str:
    return ", ".join(parts)
