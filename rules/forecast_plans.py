"""The plan of a forecast, and what it is worth by the record of the model's plans."""

from __future__ import annotations

import math

import numpy as np

from domain.arrays import BoolArray, FloatArray
from domain.naming.symbols import Symbol
from domain.trading.costs import Costs
from domain.trading.forecast_plans import PlanRecord, WeighedPlan
from domain.values import Signal
from rules.direction import FLAT_RANGE_PERCENT
from rules.evidence.measured import UNMEASURED_SHARE
from rules.evidence.weighing import plan_worth
from rules.plans import HORIZON_CANDLES, REWARD, STOP_ATR, make_plan
from rules.verdict import MAX_RANGE_PERCENT

# From this probability on, or up to one less it, a model is no stronger evidence: what is surer is too rare to measure.
FULL_PROBABILITY = 0.6
FULL_LOG_ODDS = math.log(FULL_PROBABILITY / (1 - FULL_PROBABILITY))


def support_of(probability_up: FloatArray) -> FloatArray:
    """Return how far a model supports a Long, -1 to 1: its log odds of a rise, 1 from a probability of 0.6 on.

    Args:
        probability_up: Calibrated, 0..1.
    """
    # `np.clip` takes longer than all the rest for a single number.
    likely = np.minimum(np.maximum(probability_up, 1 - FULL_PROBABILITY), FULL_PROBABILITY)
    support: FloatArray = np.minimum(np.maximum(np.log(likely / (1 - likely)) / FULL_LOG_ODDS, -1.0), 1.0)
    return support


def has_room(prices: FloatArray, ranges: FloatArray) -> BoolArray:
    """Return where the rules find room for a stop and a target: neither a flat market nor candles too wide.

    Args:
        prices: > 0.
        ranges: Average true range at each, NaN where unknown.
    """
    percent = 100 * ranges / prices
    room: BoolArray = (percent >= FLAT_RANGE_PERCENT) & (percent <= MAX_RANGE_PERCENT)
    return room


def weigh_forecast(
    record: PlanRecord, symbol: str, probability_up: float, price: float, average_true_range: float, costs: Costs
) -> WeighedPlan | None:
    """Return the plan of the likelier side, Long at 0.5, as the rules would make it, and what it is worth.

    Args:
        record: Results of the model's plans.
        symbol: Market of the forecast.
        probability_up: The model's, 0..1.
        price: Current price.
        average_true_range: In the unit of the price; NaN where unknown.
        costs: Of trading the plan.

    Returns:
        None where the market has no room for a plan, or plans of this release are not those that were measured.
    """
    measured = (record.stop_atr, record.reward, record.horizon_candles)
    if measured != (STOP_ATR, REWARD, HORIZON_CANDLES) or not has_room(np.array(price), np.array(average_true_range)):
        return None
    signal = Signal.LONG if probability_up >= 0.5 else Signal.SHORT
    plan = make_plan(signal, price, average_true_range)
    support, same_kind = abs(float(support_of(np.array(probability_up)))), Symbol.of(symbol).kind in record.kinds
    if not same_kind:
        support *= UNMEASURED_SHARE
    worth = plan_worth(plan, support * record.weight, support * record.error, record.plans, costs, same_kind)
    return WeighedPlan(**plan.model_dump(), **worth)
