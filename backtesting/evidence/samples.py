"""Samples: the plans of both sides at moments of the past, with their support by the trend and their results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self, TypeVar

import numpy as np

from backtesting.past.market import PastJudgement
from backtesting.plan_outcomes import OPEN, STOP, TARGET, plan_outcomes
from domain.arrays import BoolArray, FloatArray, IntArray
from domain.market import CandleSeries
from rules.evidence.weighing import support
from rules.plans import HORIZON_CANDLES, REWARD, STOP_ATR
from rules.strategies import STRATEGY_NAMES
from rules.verdict import UNTRADABLE, data_quality

SIDES = (1, -1)
# Distances in candles at which a strategy is held to its word.
AHEAD = (1, 4, 24)


@dataclass(frozen=True)
class MeasuredPlans:
    """n plans, those of one moment next to each other.

    Attributes:
        times_ms: When each was made, epoch ms.
        sides: 1 of Long, -1 of Short.
        support: How far what is measured supports each, -1..1.
        r: Result before costs in units of the risk.
        bps: The same in hundredths of a percent of the entry.
        risk_bps: Distance of the stop.
        reached: Whether the target came first.
    """

    times_ms: IntArray
    sides: IntArray
    support: FloatArray
    r: FloatArray
    bps: FloatArray
    risk_bps: FloatArray
    reached: BoolArray

    def __len__(self) -> int:
        return len(self.times_ms)

    def where(self, mask: BoolArray) -> Self:
        """Return some of the plans."""
        return type(self)(*(values[mask] for values in self.columns()))

    @property
    def wins(self) -> FloatArray:
        """The result of each as a share of a won plan: 1 at the target, 0 at the stop, in between at the time limit.

        Below 0 where the market jumped over the stop.
        """
        return (self.r + 1) / (1 + REWARD)

    @property
    def both_sides_r(self) -> FloatArray:
        """Mean result of both plans of each moment, an entry at random, shape (n / 2,)."""
        both: FloatArray = (self.r[0::2] + self.r[1::2]) / 2
        return both

    def columns(self) -> tuple[np.ndarray, ...]:
        """Return the attributes in order."""
        return tuple(getattr(self, name) for name in self.__dataclass_fields__)


Plans = TypeVar("Plans", bound=MeasuredPlans)


@dataclass(frozen=True)
class Samples(MeasuredPlans):
    """The plans of the rules; the trend is what supports them, less for few or missing candles.

    Attributes:
        given: Whether the rules would give the plan but for evidence.
        trends: Weighted direction of the timeframes towards the side, -1..1, whatever the candles are worth.
        stopped: Whether the stop came first; a plan that neither was stopped nor reached its target ended in time.
        scores: Of each strategy in the order of STRATEGY_NAMES, 0..1, shape (n, 8).
        moves: Relative change of the close after AHEAD candles, towards the side, NaN beyond the end of the candles;
            shape (n, 3).
    """

    given: BoolArray
    trends: FloatArray
    stopped: BoolArray
    scores: FloatArray
    moves: FloatArray


def join(parts: Iterable[Plans]) -> Plans:
    """Return the plans of several markets; at least one."""
    listed = list(parts)
    return type(listed[0])(*map(np.concatenate, zip(*(part.columns() for part in listed), strict=True)))


def samples_of(series: CandleSeries, judgements: Iterable[PastJudgement]) -> Samples:
    """Return the plans of both sides at all judgements at which a plan can be made.

    Moments of which a plan is still open at the end of the candles are left out.

    Args:
        series: Whole history of the primary timeframe.
        judgements: On these candles, by the rules alone.
    """
    rows = [row for past in judgements for row in _rows(past)]
    if not rows:
        return _empty()
    table = np.array(rows)
    positions, sides, risks = table[:, 0].astype(np.int64), table[:, 2].astype(np.int64), table[:, 3]
    outcomes = plan_outcomes(series, positions, sides, risks, np.full(len(table), REWARD), HORIZON_CANDLES)
    found = Samples(
        times_ms=table[:, 1].astype(np.int64),
        sides=sides,
        support=table[:, 4],
        given=table[:, 5] > 0,
        trends=table[:, 6],
        stopped=outcomes.ends == STOP,
        scores=table[:, 7:],
        r=outcomes.r,
        bps=outcomes.bps,
        risk_bps=1e4 * risks / series.closes[positions],
        reached=outcomes.ends == TARGET,
        moves=sides[:, None] * _moves(series.closes, positions),
    )
    return found.where(np.repeat((outcomes.ends != OPEN).reshape(-1, 2).all(axis=1), 2))


def _moves(closes: FloatArray, positions: IntArray) -> FloatArray:
    after = positions[:, None] + np.array(AHEAD)
    known = after < len(closes)
    moves: FloatArray = np.where(known, closes[np.where(known, after, 0)] / closes[positions][:, None] - 1, np.nan)
    return moves


def _rows(past: PastJudgement) -> Iterator[tuple[float, ...]]:
    judged = past.judgement
    context, view = judged.context, judged.rules
    if judged.by_rules.ground in UNTRADABLE:
        return
    risk = STOP_ATR * context.main.average_true_range
    worth = data_quality(context) * context.age.worth
    scores = [view.scores[name] for name in STRATEGY_NAMES]
    for side in SIDES:
        given = judged.by_rules.signal.side == side
        supported, trend = worth * support(side, view.trend), side * view.trend
        yield (past.position, past.moment_ms, side, risk, supported, given, trend, *scores)


def _empty() -> Samples:
    none = np.empty(0)
    return Samples(
        times_ms=none.astype(np.int64),
        sides=none.astype(np.int64),
        support=none,
        given=none.astype(np.bool_),
        trends=none,
        stopped=none.astype(np.bool_),
        scores=np.empty((0, len(STRATEGY_NAMES))),
        r=none,
        bps=none,
        risk_bps=none,
        reached=none.astype(np.bool_),
        moves=np.empty((0, len(AHEAD))),
    )
