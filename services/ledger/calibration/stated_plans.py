"""Settled plans of the rules as plans of the evidence: their support by what was stated, and their results."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from backtesting.evidence.samples import MeasuredPlans
from domain.ledger.entries import PLAN, LedgerEntry
from domain.ledger.settlements import LedgerRecord, PlanEnd, Settlement
from rules.plans import REWARD

_R = {PlanEnd.TARGET: REWARD, PlanEnd.STOP: -1.0}
# The first known plan of a market's stretch: when it became known, its id, and the row of its plan if that is settled.
_First = tuple[int, str, tuple[float, ...] | None]


class FirstPlans:
    """Collects the first known plan of each market and stretch, in whatever order they come.

    A plan that is not settled yet holds its stretch as well: what ends early has no advantage.
    """

    def __init__(self, weight: float) -> None:
        """Begin without plans; `weight` is that of the record which all of them were stated by, not 0."""
        self._weight = weight
        self._first: dict[tuple[str, int], _First] = {}

    def add(self, records: Iterable[LedgerRecord]) -> None:
        """Take entries of one timeframe."""
        for record in records:
            entry = record.entry
            place = entry.symbol, entry.slot(PLAN)
            known = self._first.get(place)
            if entry.scored and entry.has_plan and (known is None or (entry.known_ms, entry.id) < known[:2]):
                self._first[place] = entry.known_ms, entry.id, self._row(record)

    def plans(self) -> MeasuredPlans:
        """Return those that are settled, in the order in which they became known."""
        rows = [first[2] for first in sorted(self._first.values(), key=lambda first: first[:2]) if first[2] is not None]
        table = np.array(rows, dtype=np.float64).reshape(len(rows), 5)
        times_ms, sides, support, r, risk_bps = table.T
        return MeasuredPlans(
            times_ms=times_ms.astype(np.int64),
            sides=sides.astype(np.int64),
            support=support,
            r=r,
            bps=r * risk_bps,
            risk_bps=risk_bps,
            reached=r == REWARD,
        )

    def _row(self, record: LedgerRecord) -> tuple[float, ...] | None:
        entry = record.entry
        odds = stated_odds(entry)
        settlement = next((settled for settled in record.settlements if settled.horizon == PLAN), None)
        if odds is None or settlement is None or entry.stop is None:
            return None
        r = _result(settlement)
        risk_bps = 1e4 * abs(entry.price - entry.stop) / entry.price
        return None if r is None else (entry.known_ms, entry.side.side, odds / self._weight, r, risk_bps)


def stated_odds(entry: LedgerEntry) -> float | None:
    """Return the log odds of the target by which an entry was above chance; None where it states none."""
    stated = entry.target_first
    if not entry.side.side or entry.stop is None or entry.target is None or stated is None or not 0 < stated < 1:
        return None
    risk, reward = abs(entry.price - entry.stop), abs(entry.target - entry.price)
    if not (risk and reward):
        return None
    # break-even is risk / (risk + reward), so its log odds are log(risk / reward).
    return math.log(stated / (1 - stated)) - math.log(risk / reward)


def _result(settlement: Settlement) -> float | None:
    """Return 2 R at the target, -1 R at the stop, and within them at the time limit; None of a plan without a result.

    Gaps are left out: what was stated is which price comes first.
    """
    if settlement.end is PlanEnd.TIME and settlement.r is not None:
        return min(max(settlement.r, -1.0), REWARD)
    return None if settlement.end is None else _R.get(settlement.end)
