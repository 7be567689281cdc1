"""From measured evidence to what a plan like the measured ones is worth, and to a confidence.

The record is a logistic curve: the log odds of the target coming first are those of chance, `logit(break-even)`,
plus the weight of the trend that supports the plan. With a weight of zero a plan is worth nothing before costs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from domain.market import Timeframe
from domain.trading.costs import Costs, MarketCosts
from domain.trading.evidence import Evidence, EvidenceVerdict, PlanWorth
from domain.trading.plan_models import PlanForecast
from domain.trading.plans import TradePlan
from rules.evidence.measured import MeasuredEvidence

# From here on a trend is no stronger evidence: plans with stronger ones had the same results.
FULL_TREND = 0.5
# Fewer independent plans tell nothing.
MIN_PLANS = 300
# The greatest confidence where nothing was measured, or other kinds of markets or timeframes alone were.
UNMEASURED_CONFIDENCE = 0.55
REACH = NormalDist().inv_cdf(0.975)


def support(side: int, trend: float) -> float:
    """Return how far a trend supports a plan, -1 (against it) to 1.

    Args:
        side: 1 of Long, -1 of Short.
        trend: Weighted direction of the timeframes, -1..1.
    """
    return side * min(max(trend / FULL_TREND, -1.0), 1.0)


@dataclass(frozen=True)
class Weigher:
    """Weighs plans by the record, and by the costs of trading them.

    Attributes:
        evidence: None where nothing was measured.
        costs: Per change of position, of each market.
    """

    evidence: MeasuredEvidence | None
    costs: MarketCosts

    def odds(self, symbol: str, timeframe: Timeframe, supported: float) -> tuple[float, float]:
        """Return by how much a supported plan's log odds are above those of chance, and the standard error of that."""
        if self.evidence is None:
            return 0.0, 0.0
        record = self.evidence.record(timeframe)
        counted = supported * record.weight_share(symbol, timeframe)
        return counted * record.weight, abs(counted) * record.error

    def weigh(self, plan: TradePlan, symbol: str, timeframe: Timeframe, supported: float) -> Evidence:
        """Return the evidence of a plan.

        Args:
            plan: What is proposed.
            symbol: Market of the plan.
            timeframe: Of the plan.
            supported: How far the trend supports it, see `support`; less for few, missing or old candles.
        """
        record = None if self.evidence is None else self.evidence.record(timeframe)
        odds, error = self.odds(symbol, timeframe, supported)
        measured = record is None or record.weight_share(symbol, timeframe) == 1.0
        return Evidence(
            **plan_worth(plan, odds, error, record.plans if record else 0, self.costs.of(symbol), measured),
            built_from=record.built_from if record else "nothing was measured",
        )

    def by_model(self, plan: TradePlan, symbol: str, said: PlanForecast) -> Evidence:
        """Return the evidence of a plan for a market by what a plan model says of it."""
        odds = _log_odds(said.target_first) - _log_odds(plan.break_even)
        return Evidence(
            **plan_worth(plan, odds, said.error, said.plans, self.costs.of(symbol)),
            built_from=said.built_from,
        )


def plan_worth(
    plan: TradePlan, odds: float, error: float, plans: int, costs: Costs, measured: bool = True
) -> dict[str, Any]:
    """Return the fields of `PlanWorth`.

    Args:
        plan: What is proposed.
        odds: Log odds that the record adds to those of chance.
        error: Their standard error.
        plans: Number of independent plans behind them.
        costs: Of trading the plan.
        measured: Whether plans of this kind of market and timeframe were; those of another never speak for a plan.
    """
    chance, cost_bps = _log_odds(plan.break_even), costs.round_trip_bps
    low, expected, high = (_gross_r(chance + odds + shift * error, plan.reward) for shift in (-REACH, 0.0, REACH))
    cost_r = cost_bps / plan.risk_bps
    return {
        "target_first": round(_share(chance + odds), 4),
        "break_even": round(plan.break_even, 4),
        "expected_r": round(expected - cost_r, 4),
        "gross_bps": round(expected * plan.risk_bps, 2),
        "cost_bps": cost_bps,
        "net_bps": round(expected * plan.risk_bps - cost_bps, 2),
        "plans": plans,
        "low": round(low - cost_r, 4),
        "high": round(high - cost_r, 4),
        "verdict": _verdict(plans, low, high, low - cost_r, measured),
    }


# Evidence of nothing, for free.
UNMEASURED = Weigher(None, MarketCosts(fee_bps=0.0, slippage_bps=0.0))


def rests_on_plans(worth: PlanWorth) -> bool:
    """Return whether enough plans were measured for its figures to count, of plans like this one or of others."""
    return worth.plans >= MIN_PLANS


def confidence_bound(verdict: EvidenceVerdict) -> float:
    """Return the greatest confidence in a plan: a little over an even chance where none like it were measured."""
    return UNMEASURED_CONFIDENCE if verdict is EvidenceVerdict.INSUFFICIENT else 1.0


def even_money(expected_r: float) -> float:
    """Return the probability at which an even bet is worth as much, 0..1: 0.5 pays its costs and no more."""
    return min(max(0.5 + expected_r / 2, 0.0), 1.0)


def _verdict(plans: int, low: float, high: float, net_low: float, measured: bool) -> EvidenceVerdict:
    if plans < MIN_PLANS:
        return EvidenceVerdict.INSUFFICIENT
    if high < 0:
        return EvidenceVerdict.INVERTED
    if low <= 0:
        return EvidenceVerdict.NONE
    if not measured:
        return EvidenceVerdict.INSUFFICIENT
    return EvidenceVerdict.POSITIVE if net_low > 0 else EvidenceVerdict.WEAK


def _gross_r(log_odds: float, reward: float) -> float:
    return _share(log_odds) * (1 + reward) - 1


def _log_odds(share: float) -> float:
    return math.log(share / (1 - share))


def _share(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))
