"""Facts of a plan that the rules give, as the columns that a plan model reads beside those of the candles.

Reward over risk, and the distances of stop and target in average true ranges, are the same in every plan of the rules
(`rules/plans.py`): they tell nothing apart and are no facts.
"""

from __future__ import annotations

import numpy as np

from domain.arrays import FloatArray, IntArray
from rules.context import MarketContext
from rules.direction import TrendView
from rules.evidence.weighing import support
from rules.plans import make_plan
from rules.strategies import NO_VIEW, STRATEGIES, STRATEGY_NAMES
from rules.verdict import data_quality, given_by_rules

PLAN_FACTS = (
    "plan_side",
    "plan_trend",
    "plan_support",
    "plan_agreement",
    "plan_risk_percent",
    *(f"plan_{name.lower().replace(' ', '_')}" for name in STRATEGY_NAMES),
)


def plan_facts(
    sides: IntArray, trends: FloatArray, supports: FloatArray, scores: FloatArray, risk_bps: FloatArray
) -> FloatArray:
    """Return the facts of n plans in the order of `PLAN_FACTS`, shape (n, 13).

    Args:
        sides: 1 of Long, -1 of Short, shape (n,).
        trends: Weighted direction of the timeframes towards the side, -1..1, shape (n,).
        supports: How far the trend supports each, less for few or missing candles, -1..1, shape (n,).
        scores: Of each strategy in the order of `STRATEGY_NAMES`, 0..1, shape (n, 8).
        risk_bps: Distance of the stop in hundredths of a percent, shape (n,).
    """
    # 1 where a strategy is all for the side, -1 where it is all against it.
    towards = 2 * sides[:, None] * (scores - NO_VIEW)
    return np.column_stack((sides, trends, supports, towards.mean(axis=1), risk_bps / 100, towards))


def facts_of(context: MarketContext, view: TrendView) -> FloatArray | None:
    """Return the facts of the plan that the rules give of a market, shape (13,); None where they give none.

    All strategies count, whichever are selected, since the model has learned from all of them.

    Args:
        context: The market.
        view: Of the rules alone.
    """
    signal = given_by_rules(context, view)
    if not signal.side:
        return None
    plan = make_plan(signal, context.price, context.main.average_true_range)
    supported = data_quality(context) * context.age.worth * support(signal.side, view.trend)
    scores = [STRATEGIES[name](context.main.latest) for name in STRATEGY_NAMES]
    facts: FloatArray = plan_facts(
        np.array([signal.side]),
        np.array([signal.side * view.trend]),
        np.array([supported]),
        np.array([scores]),
        np.array([plan.risk_bps]),
    )[0]
    return facts
