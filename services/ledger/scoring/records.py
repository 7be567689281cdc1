"""Records: the figures of a group of settled calls, with their count, interval and verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from math import isnan

import numpy as np

from domain.ledger.entries import PLAN
from domain.ledger.settlements import PlanEnd
from domain.trading.evidence import EvidenceVerdict
from services.ledger.scoring.clusters import ClusterSums, RecordGroup
from services.ledger.scoring.intervals import mean_reach, share_sequence
from services.ledger.scoring.verdicts import verdict_on


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
    """The figures of the calls of one group; None where nothing is measured.

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
    return [_record(key, group, errors.get(key), *map(float, ends)) for (key, group), *ends in table]


def _record(
    key: RecordKey,
    group: RecordGroup,
    ece: float | None,
    effective: float,
    low: float,
    high: float,
    bps_reach: float,
    r_reach: float,
) -> Record:
    sums, planned = group.sums, key.horizon == PLAN

    def mean(name: str, of: str = "count") -> float | None:
        return sums.get(name, 0.0) / sums[of] if sums.get(of) else None

    def whole(name: str) -> int:
        return round(sums.get(name, 0.0))

    count = whole("count")
    rises, falls = whole("rises"), whole("falls")
    bps, r = mean("bps"), mean("r") if planned else None
    bps_cost, r_cost = mean("bps_costs") or 0.0, mean("r_costs") or 0.0
    bps_low, bps_high = _ends(bps, bps_reach)
    r_low, r_high = _ends(r, r_reach)
    if planned:
        # What is open before 30 effective calls is "insufficient" anyway.
        ends, worse, better = (r_low or 0.0, r_high or 0.0), 0.0, 0.0
        pays = r_low is not None and r_low > r_cost
    else:
        ends, worse, better = (low, high), min(rises, falls) / max(count, 1), max(rises, falls) / max(count, 1)
        pays = bps_low is not None and bps_low > bps_cost
    return Record(
        key=key,
        first_day=group.first_day,
        last_day=group.last_day,
        count=count,
        effective=effective,
        neutral=whole("neutral"),
        missing=whole("missing"),
        hits=whole("hits"),
        rises=rises,
        falls=falls,
        hit_rate=mean("hits"),
        low=low if count else None,
        high=high if count else None,
        base_rate=max(rises, falls) / count if count else None,
        confidence=mean("confidence"),
        stated=whole("stated"),
        brier=mean("brier", "stated"),
        log_loss=mean("log_loss", "stated"),
        ece=ece,
        r=r,
        r_low=r_low,
        r_high=r_high,
        net_r=None if r is None else r - r_cost,
        bps=bps,
        bps_low=bps_low,
        bps_high=bps_high,
        net_bps=None if bps is None else bps - bps_cost,
        turnover=mean("turns", "steps"),
        targets=whole(PlanEnd.TARGET),
        stops=whole(PlanEnd.STOP),
        times=whole(PlanEnd.TIME),
        voids=whole(PlanEnd.VOID),
        repeats=whole("repeats"),
        paid=whole("paid"),
        cost_usd=sums.get("cost_usd", 0.0),
        verdict=verdict_on(effective, *ends, worse=worse, better=better, pays=pays),
    )


def _ends(mean: float | None, reach: float) -> tuple[float | None, float | None]:
    return (None, None) if mean is None or isnan(reach) else (mean - reach, mean + reach)
