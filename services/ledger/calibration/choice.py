"""The choice: do refits predict better than the record in use, on plans that became known after their fit?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backtesting.evidence.curve import chance
from backtesting.evidence.samples import MeasuredPlans
from domain.arrays import FloatArray, IntArray
from domain.ledger.entries import LONGEST_HORIZON
from domain.values import epoch_ms
from rules.evidence.measured import TimeframeRecord
from services.ledger.calibration.refits import LEAST_PLANS, Refit
from services.ledger.scoring.intervals import mean_reach

# With fewer clusters their variance tells nothing, and each counts as one plan.
_LEAST_CLUSTERS = 20


@dataclass(frozen=True)
class Gain:
    """By how much refits predict better, in log loss a plan, with an interval that holds at every look.

    Attributes:
        mean: Above 0 the refits are better; 0 without plans.
        low, high: The interval, endless with fewer than 100 independent plans.
        plans: Independent plans that were judged.
    """

    mean: float
    low: float
    high: float
    plans: float

    @property
    def words(self) -> str:
        """The figures, for a person."""
        if self.plans < LEAST_PLANS:
            return f"{self.plans:.0f} independent plans came after the fit, {LEAST_PLANS} are needed"
        return f"log loss {self.mean:+.5f} a plan ({self.low:+.5f} to {self.high:+.5f}) on {self.plans:.0f} plans"


def gain_of(refits: Sequence[Refit], record: TimeframeRecord, plans: MeasuredPlans) -> Gain:
    """Return the gain of refits over the record in use; each plan is predicted by the newest one fitted before it.

    So a refit is never judged on what it was fitted on, and renewing it loses no plan.

    Args:
        refits: Of one timeframe, all made while this record was in use.
        record: In use.
        plans: Settled ones that were stated by it.
    """
    ordered = sorted(refits, key=lambda refit: refit.created_at)
    fitted_ms = np.array([epoch_ms(refit.created_at) for refit in ordered], dtype=np.int64)
    newest = np.searchsorted(fitted_ms, plans.times_ms, side="left") - 1
    after = newest >= 0
    judged = plans.where(after)
    weights = np.array([refit.weight for refit in ordered], dtype=np.float64)[newest[after]]
    gains = _loss(judged, record.weight) - _loss(judged, weights)
    return _gain(gains, judged.times_ms // (LONGEST_HORIZON * record.timeframe.ms))


def _gain(gains: FloatArray, stretches: IntArray) -> Gain:
    count = _independent(gains, stretches)
    if count < LEAST_PLANS:
        return Gain(float(gains.mean()) if len(gains) else 0.0, -np.inf, np.inf, count)
    mean = float(gains.mean())
    reach = float(mean_reach(np.array(gains.std(ddof=1)), np.array(count)))
    return Gain(mean, mean - reach, mean + reach, count)


def _independent(values: FloatArray, stretches: IntArray) -> float:
    """Return the number of independent values: all of them over the design effect of their stretches (Kish, 1965)."""
    _, places = np.unique(stretches, return_inverse=True)
    sums = np.bincount(places, values - values.mean()) if len(values) else np.empty(0)
    spread = float(((values - values.mean()) ** 2).sum()) if len(values) else 0.0
    if len(sums) < _LEAST_CLUSTERS or not spread:
        return float(len(sums))
    effect = float((sums**2).sum()) * len(sums) / (len(sums) - 1) / spread
    return len(values) / max(effect, 1.0)


def _loss(plans: MeasuredPlans, weights: FloatArray | float) -> FloatArray:
    """Return the log loss of the stated chance; of a plan at its time limit, by its share of a won plan."""
    stated, wins = chance(plans.support * weights), plans.wins
    losses: FloatArray = -(wins * np.log(stated) + (1 - wins) * np.log1p(-stated))
    return losses
