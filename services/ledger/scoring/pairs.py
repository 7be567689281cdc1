"""Two lanes on the same candles: what the second adds to the first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

import numpy as np

from domain.trading.evidence import EvidenceVerdict
from services.ledger.scoring.clusters import ClusterSums, RecordGroup
from services.ledger.scoring.intervals import mean_reach, share_sequence
from services.ledger.scoring.records import RecordKey
from services.ledger.scoring.verdicts import verdict_on


@dataclass(frozen=True)
class LanePair:
    """What two lanes said of the same candles, and what came of it; None where nothing is measured.

    Attributes:
        first, second: Lanes.
        moments: Newest closed candles of which both have an answer; of each stretch, the first.
        calls, both_right: Moments at which both took a side, and both the right one.
        first_right, second_right: Moments at which both took a side and only this lane was right.
        mcnemar_p: Probability of so unequal a division by chance, by McNemar's exact test, at a single look.
        second_better, low, high: Share of `second_right` in both, and its interval, which holds at every look.
        verdict: On whether the second lane is right more often where the two differ, and earns more.
        first_alone, first_alone_hits: Calls of the first lane at which the second was Neutral, and those right.
        second_alone, second_alone_hits: The same of the second lane.
        net_bps_gain, gain_low, gain_high: Mean of the second's result less the first's, after costs, by moment.
        brier_gain, brier_low, brier_high: Mean of the first's Brier loss less the second's, where both stated one.
        stated: Moments at which both stated a probability.
    """

    first: str
    second: str
    timeframe: str
    horizon: int
    moments: int
    calls: int
    both_right: int
    first_right: int
    second_right: int
    mcnemar_p: float | None
    second_better: float | None
    low: float | None
    high: float | None
    verdict: EvidenceVerdict
    first_alone: int
    first_alone_hits: int
    second_alone: int
    second_alone_hits: int
    net_bps_gain: float | None
    gain_low: float | None
    gain_high: float | None
    stated: int
    brier_gain: float | None
    brier_low: float | None
    brier_high: float | None


def pairs_of(groups: Mapping[RecordKey, RecordGroup]) -> list[LanePair]:
    """Return the comparison of each two lanes; the second one stands in the key's `bin`."""
    every = list(groups.values())
    differ = ClusterSums.read(every, "hits", "differ")
    low, high = share_sequence(np.nan_to_num(differ.mean) * differ.effective, differ.effective)
    gains, briers = ClusterSums.read(every, "bps"), ClusterSums.read(every, "brier", "stated")
    reaches = [mean_reach(np.sqrt(np.nan_to_num(sums.variance)), sums.effective) for sums in (gains, briers)]
    table = zip(groups.items(), differ.effective, low, high, *reaches, strict=True)
    return [_pair(key, group.sums, *map(float, figures)) for (key, group), *figures in table]


def _pair(
    key: RecordKey,
    sums: Mapping[str, float],
    effective: float,
    low: float,
    high: float,
    gain_reach: float,
    brier_reach: float,
) -> LanePair:
    def whole(name: str) -> int:
        return round(sums.get(name, 0.0))

    first_right, second_right, moments, stated = map(whole, ("first_right", "hits", "count", "stated"))
    differ = first_right + second_right
    gain, gain_low, gain_high = _mean(sums.get("bps", 0.0), moments, gain_reach)
    brier, brier_low, brier_high = _mean(sums.get("brier", 0.0), stated, brier_reach)
    return LanePair(
        first=key.lane,
        second=key.bin or "",
        timeframe=key.timeframe,
        horizon=key.horizon,
        moments=moments,
        calls=whole("calls"),
        both_right=whole("both_right"),
        first_right=first_right,
        second_right=second_right,
        mcnemar_p=mcnemar(first_right, second_right) if differ else None,
        second_better=second_right / differ if differ else None,
        low=low if differ else None,
        high=high if differ else None,
        verdict=verdict_on(effective, low, high, worse=0.5, better=0.5, pays=gain_low is not None and gain_low > 0),
        first_alone=whole("first_alone"),
        first_alone_hits=whole("first_alone_hits"),
        second_alone=whole("second_alone"),
        second_alone_hits=whole("second_alone_hits"),
        net_bps_gain=gain,
        gain_low=gain_low,
        gain_high=gain_high,
        stated=stated,
        brier_gain=brier,
        brier_low=brier_low,
        brier_high=brier_high,
    )


def mcnemar(first_right: int, second_right: int) -> float:
    """Return the two-sided p-value of McNemar's exact test.

    Source: McNemar, Note on the Sampling Error of the Difference between Correlated Proportions (1947).
    """
    from scipy.special import bdtr

    # Both tails of a binomial of one half are alike; scipy.stats would take a second to load.
    fewer = min(first_right, second_right)
    return min(1.0, 2 * float(bdtr(fewer, first_right + second_right, 0.5)))


def _mean(total: float, count: int, reach: float) -> tuple[float | None, float | None, float | None]:
    if not count:
        return None, None, None
    mean = total / count
    return (mean, None, None) if isnan(reach) else (mean, mean - reach, mean + reach)
