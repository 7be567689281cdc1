"""Two lanes on the same candles: what the second adds to the first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from domain.trading.evidence import EvidenceVerdict
from services.ledger.scoring.clusters import ClusterSums, RecordGroup
from services.ledger.scoring.intervals import mean_reach, share_sequence
from services.ledger.scoring.records import RecordKey, around
from services.ledger.scoring.verdicts import verdict_on


@dataclass(frozen=True)
class LanePair:
    """Figures of two lanes on the same candles; ends of intervals are None where nothing is bounded.

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
    return [_pair(key, group, _PairBounds(*map(float, figures))) for (key, group), *figures in table]


class _PairBounds(NamedTuple):
    """What is computed for all pairs at once; ends as of `LanePair`, a reach is half a width."""

    effective: float
    low: float
    high: float
    gain_reach: float
    brier_reach: float


def _pair(key: RecordKey, group: RecordGroup, bounds: _PairBounds) -> LanePair:
    first_right, second_right = group.whole("first_right"), group.whole("hits")
    differ = first_right + second_right
    gain, brier = group.mean("bps"), group.mean("brier", "stated")
    gain_low, gain_high = around(gain, bounds.gain_reach)
    brier_low, brier_high = around(brier, bounds.brier_reach)
    pays = gain_low is not None and gain_low > 0
    return LanePair(
        first=key.lane,
        second=key.bin or "",
        timeframe=key.timeframe,
        horizon=key.horizon,
        moments=group.whole("count"),
        calls=group.whole("calls"),
        both_right=group.whole("both_right"),
        first_right=first_right,
        second_right=second_right,
        mcnemar_p=mcnemar(first_right, second_right) if differ else None,
        second_better=second_right / differ if differ else None,
        low=bounds.low if differ else None,
        high=bounds.high if differ else None,
        verdict=verdict_on(bounds.effective, bounds.low, bounds.high, worse=0.5, better=0.5, pays=pays),
        first_alone=group.whole("first_alone"),
        first_alone_hits=group.whole("first_alone_hits"),
        second_alone=group.whole("second_alone"),
        second_alone_hits=group.whole("second_alone_hits"),
        net_bps_gain=gain,
        gain_low=gain_low,
        gain_high=gain_high,
        stated=group.whole("stated"),
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
