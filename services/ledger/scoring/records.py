"""Records: the figures of a group of settled calls, with their count, interval and verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import isnan
from typing import NamedTuple

import numpy as np

from domain.ledger.entries import PLAN
from domain.ledger.settlements import PlanEnd
from domain.trading.evidence import EvidenceVerdict
from services.ledger.scoring.clusters import ClusterSums, RecordGroup
from services.ledger.scoring.intervals import mean_reach, share_sequence
from services.ledger.scoring.verdicts import verdict_on

# Its ends, None where it is not known.
Interval = tuple[float | None, float | None]


@dataclass(frozen=True)
class RecordKey:
    """Which calls a record has; None: it does not tell them apart."""

    lane: str
    timeframe: str
    horizon: int
    lane_id: str | None = None
    symbol: str | None = None
    side: str | None = None
    bin: str | None = None
    day: date | None = None


@dataclass(frozen=True)
class Record:
    """The figures of the calls of one group; None where nothing is bounds.

    Attributes:
        first_day, last_day: In which its stretches began.
        count: Calls that count.
        effective: Number of independent calls that tell as much.
        neutral, missing: Neutral answers, and answers whose candles are missing for good.
        hits, rises, falls: Calls that had the side of the move, and what the market did after all of them.
        hit_rate, low, high: Share of hits, and its interval, which holds at every look.
        base_rate: Share of hits of always Long or always Short at the same moments, whichever is better.
        confidence: Mean.
        stated, brier, log_loss: Number of stated probabilities, and their mean losses.
        ece: Expected calibration error of what was stated; None of groups that do not know it.
        r, r_low, r_high, net_r: Mean result of plans in units of their risk, before and after costs.
        bps, bps_low, bps_high, net_bps: Mean result in bps of the price, before and after costs.
        turnover: Mean change of position from one stretch to the next, 0 to 2 (from Long to Short, say).
        targets, stops, times, voids: How plans ended; a void one was never entered.
        repeats: Times that an answer was given again from the cache.
        paid, cost_usd: Answers whose cost is known, and what they cost.
    """

    key: RecordKey
    first_day: date
    last_day: date
    count: int
    effective: float
    neutral: int
    missing: int
    hits: int
    rises: int
    falls: int
    hit_rate: float | None
    low: float | None
    high: float | None
    base_rate: float | None
    confidence: float | None
    stated: int
    brier: float | None
    log_loss: float | None
    ece: float | None
    r: float | None
    r_low: float | None
    r_high: float | None
    net_r: float | None
    bps: float | None
    bps_low: float | None
    bps_high: float | None
    net_bps: float | None
    turnover: float | None
    targets: int
    stops: int
    times: int
    voids: int
    repeats: int
    paid: int
    cost_usd: float
    verdict: EvidenceVerdict


def records_of(groups: Mapping[RecordKey, RecordGroup], errors: Mapping[RecordKey, float]) -> list[Record]:
    """Return the record of each group.

    Args:
        groups: Sums of each group.
        errors: Expected calibration errors, as far as they are known.
    """
    every = list(groups.values())
    hits, bps, r = (ClusterSums.read(every, name) for name in ("hits", "bps", "r"))
    planned = np.array([key.horizon == PLAN for key in groups], dtype=bool)
    effective = np.minimum(hits.effective, np.where(planned, r.effective, bps.effective))
    low, high = share_sequence(np.nan_to_num(hits.mean) * effective, effective)
    reaches = [mean_reach(np.sqrt(np.nan_to_num(sums.variance)), effective) for sums in (bps, r)]
    table = zip(groups.items(), effective, low, high, *reaches, strict=True)
    return [_record(key, group, errors.get(key), _RecordBounds(*map(float, ends))) for (key, group), *ends in table]


class _RecordBounds(NamedTuple):
    """What is computed for all groups at once; fields as of `Record`, a reach is half the width of an interval."""

    effective: float
    low: float
    high: float
    bps_reach: float
    r_reach: float


def _record(key: RecordKey, group: RecordGroup, ece: float | None, bounds: _RecordBounds) -> Record:
    count, rises, falls = (group.whole(name) for name in ("count", "rises", "falls"))
    bps, r = group.mean("bps"), group.mean("r") if key.horizon == PLAN else None
    bps_cost, r_cost = group.mean("bps_costs") or 0.0, group.mean("r_costs") or 0.0
    bps_ends, r_ends = around(bps, bounds.bps_reach), around(r, bounds.r_reach)
    if key.horizon == PLAN:
        verdict = _verdict_on_plans(bounds.effective, r_ends, r_cost)
    else:
        verdict = _verdict_on_sides(bounds, bps_ends[0], bps_cost, (rises / max(count, 1), falls / max(count, 1)))
    return Record(
        key=key,
        first_day=group.first_day,
        last_day=group.last_day,
        count=count,
        effective=bounds.effective,
        neutral=group.whole("neutral"),
        missing=group.whole("missing"),
        hits=group.whole("hits"),
        rises=rises,
        falls=falls,
        hit_rate=group.mean("hits"),
        low=bounds.low if count else None,
        high=bounds.high if count else None,
        base_rate=max(rises, falls) / count if count else None,
        confidence=group.mean("confidence"),
        stated=group.whole("stated"),
        brier=group.mean("brier", "stated"),
        log_loss=group.mean("log_loss", "stated"),
        ece=ece,
        r=r,
        r_low=r_ends[0],
        r_high=r_ends[1],
        net_r=None if r is None else r - r_cost,
        bps=bps,
        bps_low=bps_ends[0],
        bps_high=bps_ends[1],
        net_bps=None if bps is None else bps - bps_cost,
        turnover=group.mean("turns", "steps"),
        targets=group.whole(PlanEnd.TARGET),
        stops=group.whole(PlanEnd.STOP),
        times=group.whole(PlanEnd.TIME),
        voids=group.whole(PlanEnd.VOID),
        repeats=group.whole("repeats"),
        paid=group.whole("paid"),
        cost_usd=group.sums.get("cost_usd", 0.0),
        verdict=verdict,
    )


def _verdict_on_plans(effective: float, ends: Interval, cost: float) -> EvidenceVerdict:
    """Return the verdict on plans, by the interval of their mean result in units of their risk."""
    low, high = ends
    # An interval that is open before 30 effective calls is "insufficient" anyway.
    pays = low is not None and low > cost
    return verdict_on(effective, low or 0.0, high or 0.0, worse=0.0, better=0.0, pays=pays)


def _verdict_on_sides(
    bounds: _RecordBounds, bps_low: float | None, bps_cost: float, shares: tuple[float, float]
) -> EvidenceVerdict:
    """Return the verdict on sides, by their hit rate against that of always Long and of always Short."""
    pays = bps_low is not None and bps_low > bps_cost
    effective, low, high = bounds.effective, bounds.low, bounds.high
    return verdict_on(effective, low, high, worse=min(shares), better=max(shares), pays=pays)


def around(mean: float | None, reach: float) -> Interval:
    """Return the ends of the interval around a mean; None without a mean or a reach."""
    return (None, None) if mean is None or isnan(reach) else (mean - reach, mean + reach)
