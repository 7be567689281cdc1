"""Risk of a trade, its stop and target, and its position size."""

from __future__ import annotations

from dataclasses import dataclass

from domain.analysis import RiskAssessment, RiskLevel, VolatilityLevel
from domain.market import Timeframe
from domain.values import Signal, round_significant
from features.indicators.support_resistance import Levels
from rules.context import MarketContext
from rules.direction import TrendView
from rules.strategies import ramp
from rules.verdict import Verdict, data_quality

# In Average True Ranges. One and a half is out of the reach of most single candles; behind a level
# the stop may sit a little nearer or farther, but never nearer than one.
STOP_ATR = 1.5
LEVEL_REACH_ATR = (0.85, 2.5)
LEVEL_MARGIN_ATR = 0.25
# Reward over risk: twice, or down to 1.6 to take profit just before a level.
REWARD = 2.0
LEAST_REWARD = 1.6
# Bounds of exits proposed by an LLM: distance of the stop in Average True Ranges, reward over risk.
PROPOSED_STOP_ATR = (1.0, 5.0)
PROPOSED_REWARD = (1.0, 10.0)

# At the stop at most a hundredth of the capital is lost; a position takes at most a quarter of it.
CAPITAL_AT_RISK = 0.01
MAX_POSITION = 0.25
# The time limit of a plan, in candles of its timeframe.
HORIZON_CANDLES = 48

# A day's range in percent: for a liquid coin, one is calm and ten is wild.
DAILY_RANGE_PERCENT = (1.0, 10.0)
# Upper ends of the percentile of the Average True Range for all volatility levels but the highest.
VOLATILITY_LEVELS = (
    (10.0, VolatilityLevel.VERY_LOW),
    (30.0, VolatilityLevel.LOW),
    (70.0, VolatilityLevel.MEDIUM),
    (90.0, VolatilityLevel.HIGH),
)
RISK_LEVELS = ((0.40, RiskLevel.LOW), (0.65, RiskLevel.MEDIUM))


@dataclass(frozen=True)
class Exits:
    """Prices at which to leave a position: at a loss, and with a profit."""

    stop: float
    target: float


def assess_risk(
    context: MarketContext, view: TrendView, verdict: Verdict, proposed: Exits | None = None
) -> RiskAssessment:
    """Return the risk of acting on the verdict; no position, stop or target when it is Neutral.

    Proposed exits are taken when they fit (`exits_fit`), else those of the rules stand.

    Technical risk is how weak, thin or old the evidence is; market risk is half the volatility
    against the recent past, half the range of a day against what is usual for a coin.
    """
    evidence = data_quality(context) * context.age.worth
    technical = 1 - abs(view.trend) * evidence if not view.disagree else 1.0
    market = _market_risk(context)
    average_true_range = context.main.average_true_range
    if proposed is None or not exits_fit(proposed, verdict.signal, context.price, average_true_range):
        exits = find_exits(verdict.signal, context.price, average_true_range, context.main.levels)
    else:
        exits = Exits(round_significant(proposed.stop), round_significant(proposed.target))
    return RiskAssessment(
        overall_risk=_risk_level((technical + market) / 2),
        technical_risk=round(technical, 4),
        market_risk=round(market, 4),
        recommended_position_size=round(_position_size(context.price, exits, (technical + market) / 2), 4),
        stop_loss_suggestion=exits.stop if exits else None,
        take_profit_suggestion=exits.target if exits else None,
    )


def find_exits(signal: Signal, price: float, average_true_range: float, levels: Levels) -> Exits | None:
    """Return stop and target for a signal, None when it is Neutral.

    The stop is 1.5 ATR away, or just behind the nearest level that lies 0.85 to 2.5 ATR
    away on the losing side. The target is twice that distance away, or just before a level
    on the winning side if that leaves 1.6 times the risk.

    Args:
        signal: Long or Short for a plan.
        price: Current price, more than six ATR.
        average_true_range: In the unit of the price, > 0.
        levels: Support and resistance around the price.
    """
    if signal is Signal.NEUTRAL:
        return None
    side = 1 if signal is Signal.LONG else -1
    behind, ahead = (levels.supports, levels.resistances) if side > 0 else (levels.resistances, levels.supports)
    nearest, farthest = (reach * average_true_range for reach in LEVEL_REACH_ATR)
    margin = LEVEL_MARGIN_ATR * average_true_range
    distances = (abs(price - level) for level in behind)
    risk = next((away + margin for away in distances if nearest <= away <= farthest), STOP_ATR * average_true_range)
    rewards = (abs(level - price) - margin for level in ahead)
    reward = next((away for away in rewards if LEAST_REWARD * risk <= away <= REWARD * risk), REWARD * risk)
    return Exits(round_significant(price - side * risk), round_significant(price + side * reward))


def exits_fit(exits: Exits, signal: Signal, price: float, average_true_range: float) -> bool:
    """Return whether proposed exits can be used.

    The stop is on the losing side and 1 to 5 ATR away, the target on the winning side and 1 to 10 times as far.
    """
    if signal is Signal.NEUTRAL:
        return False
    side = 1 if signal is Signal.LONG else -1
    risk, reward = side * (price - exits.stop), side * (exits.target - price)
    nearest, farthest = (distance * average_true_range for distance in PROPOSED_STOP_ATR)
    least, most = (times * risk for times in PROPOSED_REWARD)
    return nearest <= risk <= farthest and least <= reward <= most and min(exits.stop, exits.target) > 0


def volatility_level(percentile: float) -> VolatilityLevel:
    """Return the volatility level of a percentile (0 to 100) of the Average True Range."""
    return next((level for end, level in VOLATILITY_LEVELS if percentile < end), VolatilityLevel.VERY_HIGH)


def _market_risk(context: MarketContext) -> float:
    # The range of a random walk grows with the root of the time.
    per_day = (Timeframe.D1.ms / context.primary.ms) ** 0.5
    daily_range = context.main.range_percent * per_day
    return context.main.range_percentile / 200 + ramp(daily_range, *DAILY_RANGE_PERCENT) / 2


def _risk_level(risk: float) -> RiskLevel:
    return next((level for end, level in RISK_LEVELS if risk < end), RiskLevel.HIGH)


def _position_size(price: float, exits: Exits | None, risk: float) -> float:
    """Return the share of capital that loses a hundredth of it at the stop, less the riskier it is."""
    if exits is None:
        return 0.0
    stop_share = abs(price - exits.stop) / price
    return min(CAPITAL_AT_RISK / stop_share, MAX_POSITION) * (1 - risk)
