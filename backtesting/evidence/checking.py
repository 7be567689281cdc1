"""A book of evidence held against plans that it was not built from."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backtesting.evidence.building import MeasuredMarket, calibration_error, interval
from backtesting.evidence.curve import chance
from backtesting.evidence.samples import Samples
from domain.arrays import FloatArray
from domain.trading.costs import Costs
from domain.trading.evidence import Interval95
from domain.values import Frozen
from rules.evidence import EvidenceBook
from rules.plans import REWARD

CONFIDENCE_GROUPS = 3


class CheckedGroup(Frozen):
    """Given plans of about the same confidence.

    Attributes:
        confidence: Mean of the group.
        stated_r: Mean result after costs in units of the risk, as it was stated.
        came_r: The same as it came, with its 95 % interval.
        target_first: Share of plans that reached the target first.
    """

    confidence: float
    stated_r: float
    came_r: Interval95
    target_first: float


class EvidenceCheck(Frozen):
    """What plans of a market came to, beside what the book had stated.

    Attributes:
        market: Symbol and timeframe.
        directional: Share of moments with a plan.
        plans: The given ones.
        break_even: Share of targets at which they earn nothing before costs.
        target_first: Share of given plans that reached the target first.
        stated: The same as stated, on average.
        calibration_error: Of the stated shares, over ten bins, of the side with the trend at all moments.
        gross_r: Result of given plans before costs in units of the risk.
        gross_bps: The same in hundredths of a percent.
        random_r: Result of plans of both sides at all moments: entries at random.
        above_random_r: Given plans less the mean of both sides at the same moments.
        groups: Of given plans by confidence, lowest first.
    """

    market: str
    directional: float
    plans: int
    break_even: float
    target_first: float
    stated: float
    calibration_error: float
    gross_r: Interval95
    gross_bps: Interval95
    random_r: Interval95
    above_random_r: Interval95
    groups: tuple[CheckedGroup, ...]

    @property
    def verdict(self) -> str:
        """The comparison with random entries in words."""
        low, high = self.above_random_r.low, self.above_random_r.high
        if low is not None and low > 0:
            return "above random"
        return "below random" if high is not None and high < 0 else "as random"


def check_book(book: EvidenceBook, market: MeasuredMarket, costs: Costs) -> EvidenceCheck | None:
    """Return what the plans of a market came to; None where no plan was given."""
    samples, share = market.samples, book.weight_share(market.symbol, market.timeframe)
    given = samples.where(samples.given)
    if not len(given):
        return None
    with_trend = samples.where(samples.support > 0)
    stated = chance(share * with_trend.support * book.weight)
    # The plans of one moment lie next to each other, Long first.
    both = (samples.r[0::2] + samples.r[1::2]) / 2
    return EvidenceCheck(
        market=f"{market.symbol} {market.timeframe}",
        directional=float(2 * samples.given.mean()),
        plans=len(given),
        break_even=1 / (1 + REWARD),
        target_first=float(given.reached.mean()),
        stated=float(chance(share * given.support * book.weight).mean()),
        calibration_error=calibration_error(stated, with_trend.wins),
        gross_r=interval(given.r, given.times_ms),
        gross_bps=interval(given.bps, given.times_ms),
        random_r=interval(both, samples.times_ms[0::2]),
        above_random_r=interval(given.r - np.repeat(both, 2)[samples.given], given.times_ms),
        groups=tuple(_groups(given, chance(share * given.support * book.weight), costs)),
    )


def _groups(given: Samples, chances: FloatArray, costs: Costs) -> Iterator[CheckedGroup]:
    cost_r = costs.round_trip_bps / given.risk_bps
    stated = chances * (1 + REWARD) - 1 - cost_r
    # As `rules.evidence.even_money`, of many at once.
    confidence = np.clip(0.5 + stated / 2, 0, 1)
    for part in np.array_split(np.argsort(confidence, kind="stable"), CONFIDENCE_GROUPS):
        if len(part):
            yield CheckedGroup(
                confidence=float(confidence[part].mean()),
                stated_r=float(stated[part].mean()),
                came_r=interval((given.r - cost_r)[part], given.times_ms[part]),
                target_first=float(given.reached[part].mean()),
            )
