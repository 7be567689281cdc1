"""Risk of a trade, and its position size."""

from __future__ import annotations

from domain.analysis import RiskAssessment, RiskLevel, VolatilityLevel
from domain.market import Timeframe
from domain.trading.plans import TradePlan
from rules.context import MarketContext
from rules.direction import TrendView
from rules.strategies import ramp
from rules.verdict import Verdict, data_quality

# At the stop at most a hundredth of the capital is lost; a position takes at most a quarter of it.
CAPITAL_AT_RISK = 0.01
MAX_POSITION = 0.25
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


def assess_risk(context: MarketContext, view: TrendView, verdict: Verdict) -> RiskAssessment:
    """Return the risk of acting on the verdict; no position, stop or target when it is Neutral.

    Technical risk is how weak, thin or old the evidence is; market risk is half the volatility
    against the recent past, half the range of a day against what is usual for a coin.
    """
    technical, market = technical_risk(context, view), market_risk(context)
    plan = verdict.plan
    return RiskAssessment(
        overall_risk=_risk_level((technical + market) / 2),
        technical_risk=round(technical, 4),
        market_risk=round(market, 4),
        recommended_position_size=round(_position_size(plan, (technical + market) / 2), 4),
        stop_loss_suggestion=plan.stop if plan else None,
        take_profit_suggestion=plan.target if plan else None,
    )


def volatility_level(percentile: float) -> VolatilityLevel:
    """Return the volatility level of a percentile (0 to 100) of the Average True Range."""
    return next((level for end, level in VOLATILITY_LEVELS if percentile < end), VolatilityLevel.VERY_HIGH)


def technical_risk(context: MarketContext, view: TrendView) -> float:
    """Return how weak, thin or old the evidence is, 0..1."""
    evidence = data_quality(context) * context.age.worth
    return 1 - abs(view.trend) * evidence if not view.disagree else 1.0


def market_risk(context: MarketContext) -> float:
    """Return how wild the market is: against its recent past, and against what is usual for a coin, 0..1."""
    # The range of a random walk grows with the root of the time.
    per_day = (Timeframe.D1.ms / context.primary.ms) ** 0.5
    daily_range = context.main.range_percent * per_day
    return context.main.range_percentile / 200 + ramp(daily_range, *DAILY_RANGE_PERCENT) / 2


def _risk_level(risk: float) -> RiskLevel:
    return next((level for end, level in RISK_LEVELS if risk < end), RiskLevel.HIGH)


def _position_size(plan: TradePlan | None, risk: float) -> float:
    """Return the share of capital that loses a hundredth of it at the stop, less the riskier it is."""
    if plan is None:
        return 0.0
    return min(CAPITAL_AT_RISK * plan.entry / plan.risk, MAX_POSITION) * (1 - risk)
