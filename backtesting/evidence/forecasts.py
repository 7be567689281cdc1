"""Results of the plans of a model, at the moments of predictions of candles that it had not seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backtesting.evidence.building import interval
from backtesting.evidence.curve import PRIOR_DEVIATION, Curve, fit_curve
from backtesting.evidence.measuring import EVERY
from backtesting.evidence.samples import MeasuredPlans, join
from backtesting.plan_outcomes import OPEN, TARGET, plan_outcomes
from domain.errors import InsufficientData
from domain.forecasting import PastForecasts
from domain.market import Timeframe
from domain.naming.symbols import Symbol
from domain.trading.evidence import Interval95
from domain.trading.forecast_plans import PlanRecord
from features.indicators.ranges import average_true_ranges
from rules.forecast_plans import has_room, support_of
from rules.plans import HORIZON_CANDLES, REWARD, STOP_ATR

# What is believed without plans: the prior of the curve.
NO_CURVE = Curve(weight=0.0, error=PRIOR_DEVIATION, plans=0)


def measure_forecasts(past: Sequence[PastForecasts], range_period: int) -> PlanRecord:
    """Return the record of a model's plans on some markets, pooled.

    Args:
        past: Of a market each, at least one, all of one timeframe; predictions that the model made of candles that it
            had not seen.
        range_period: Candles of the average true range.
    """
    plans = join(plans_of(one, range_period) for one in past)
    return record_of(plans, [one.symbol for one in past], past[0].series.timeframe)


def plans_of(past: PastForecasts, range_period: int) -> MeasuredPlans:
    """Return the plans that the rules would make at every fourth candle that was forecast: both sides, Long first.

    Moments without room for a plan are left out, and those whose time limit lies beyond the end of the candles: of them
    only the plans that ended early would be known.
    """
    series, ranges = past.series, average_true_ranges(past.series, range_period)
    asked = (past.positions % EVERY == 0) & (past.positions + HORIZON_CANDLES < len(series))
    asked &= has_room(series.closes[past.positions], ranges[past.positions])
    positions = np.repeat(past.positions[asked], 2)
    sides = np.tile(np.array([1, -1]), int(asked.sum()))
    risks = STOP_ATR * ranges[positions]
    outcomes = plan_outcomes(series, positions, sides, risks, np.full(len(positions), REWARD), HORIZON_CANDLES)
    plans = MeasuredPlans(
        times_ms=series.closes_ms[positions],
        sides=sides,
        support=sides * np.repeat(support_of(past.probability[asked]), 2),
        r=outcomes.r,
        bps=outcomes.bps,
        risk_bps=1e4 * risks / series.closes[positions],
        reached=outcomes.ends == TARGET,
    )
    return plans.where(np.repeat((outcomes.ends != OPEN).reshape(-1, 2).all(axis=1), 2))


def record_of(plans: MeasuredPlans, symbols: Sequence[str], timeframe: Timeframe) -> PlanRecord:
    """Return the record of plans, those of one moment next to each other.

    The curve goes through both sides of every moment, as that of the rules. Of plans of too few clusters it is what is
    believed without them, and the means have no intervals.
    """
    try:
        curve, told = fit_curve(plans, timeframe), True
    except InsufficientData:
        curve, told = NO_CURVE, False
    # The likelier side of each moment, Long where neither is.
    chosen = (plans.support > 0) | ((plans.support == 0) & (plans.sides > 0))
    own, both, moments = plans.where(chosen), plans.both_sides_r, plans.times_ms[0::2]

    def mean(values: np.ndarray, times_ms: np.ndarray) -> Interval95:
        found = interval(values, times_ms, timeframe)
        return found if told else found.model_copy(update={"low": None, "high": None})

    return PlanRecord(
        weight=round(curve.weight, 6),
        error=round(curve.error, 6),
        plans=curve.plans,
        samples=len(plans),
        kinds=tuple(sorted({Symbol.of(symbol).kind for symbol in symbols})),
        base_rate=round(float(plans.reached.mean()), 4) if len(plans) else None,
        target_first=mean(own.reached, own.times_ms),
        expected_r=mean(own.r, own.times_ms),
        random_r=mean(both, moments),
        above_random_r=mean(own.r - both, moments),
        stop_atr=STOP_ATR,
        reward=REWARD,
        horizon_candles=HORIZON_CANDLES,
    )
