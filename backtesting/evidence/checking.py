"""Evidence compared with the results of plans that it was not built from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from backtesting.evidence.building import BINS, MeasuredMarket, calibration_error, interval, years_of
from backtesting.evidence.curve import chance
from backtesting.evidence.samples import Samples, join
from domain.arrays import FloatArray, IntArray
from domain.market import Timeframe
from domain.trading.costs import MarketCosts
from domain.trading.evidence import Interval95
from domain.values import Frozen
from rules.evidence.measured import MeasuredEvidence
from rules.plans import REWARD

CONFIDENCE_GROUPS = 3


class CheckedGroup(Frozen):
    """Given plans of about the same confidence.

    Attributes:
        confidence: Mean of the group.
        stated_r: Mean result after costs in units of the risk, as it was stated.
        came_r: The same as observed, with its 95 % interval.
        target_first: Share of plans that reached the target first.
    """

    confidence: float
    stated_r: float
    came_r: Interval95
    target_first: float


class CheckedBin(Frozen):
    """Plans of about the same stated chance of the target first, and the observed share with its 95 % interval."""

    stated: float
    came: Interval95


class CheckedYear(Frozen):
    """The plans of one year: results before costs of the given ones, and of entries at random."""

    year: int
    gross_r: Interval95
    random_r: Interval95


class EvidenceCheck(Frozen):
    """Results of plans of a market, beside what the evidence had stated.

    Attributes:
        market: Symbol, or the number of markets that are pooled, and timeframe.
        timeframe: Of the plans.
        first_ms, last_ms: First and last moment at which plans were made, epoch ms.
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
        groups: Thirds of the given plans by confidence, lowest first.
        deciles: The same in tenths.
        reliability: The side with the trend at all moments, in up to ten bins by what was stated; plans of which the
            same was stated are one bin.
        years: Given plans beside entries at random, year by year.
    """

    market: str
    timeframe: Timeframe
    first_ms: int
    last_ms: int
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
    deciles: tuple[CheckedGroup, ...]
    reliability: tuple[CheckedBin, ...]
    years: tuple[CheckedYear, ...]

    @property
    def verdict(self) -> str:
        """The comparison with random entries in words; `-` where too few weeks allow none."""
        low, high = self.above_random_r.low, self.above_random_r.high
        if low is None or high is None:
            return "-"
        if low > 0:
            return "above random"
        return "below random" if high < 0 else "as random"


def check_markets(
    evidence: MeasuredEvidence, markets: Sequence[MeasuredMarket], costs: MarketCosts
) -> list[EvidenceCheck]:
    """Return the results of the plans of each market, and of all markets of one timeframe where it has several.

    A market in which no plan was given is left out.
    """
    found = [check_market(evidence, market, costs) for market in markets]
    for timeframe in sorted({market.timeframe for market in markets}, key=lambda timeframe: timeframe.ms):
        pool = [market for market in markets if market.timeframe is timeframe]
        if len(pool) > 1:
            odds = np.concatenate([_log_odds(evidence, market) for market in pool])
            paid = np.concatenate([_cost_bps(market, costs) for market in pool])
            pooled = join(market.samples for market in pool)
            found.append(_check(f"{len(pool)} markets", timeframe, pooled, odds, paid))
    return [check for check in found if check]


def check_market(evidence: MeasuredEvidence, market: MeasuredMarket, costs: MarketCosts) -> EvidenceCheck | None:
    """Return the results of the plans of a market; None where no plan was given."""
    odds, paid = _log_odds(evidence, market), _cost_bps(market, costs)
    return _check(market.symbol, market.timeframe, market.samples, odds, paid)


def _log_odds(evidence: MeasuredEvidence, market: MeasuredMarket) -> FloatArray:
    """Return what the evidence adds to the log odds of chance, for each plan."""
    record = evidence.record(market.timeframe)
    odds: FloatArray = record.weight_share(market.symbol, market.timeframe) * record.weight * market.samples.support
    return odds


def _cost_bps(market: MeasuredMarket, costs: MarketCosts) -> FloatArray:
    """Return the costs of a round trip, for each plan."""
    return np.full(len(market.samples), costs.of(market.symbol).round_trip_bps)


def _check(
    name: str, timeframe: Timeframe, samples: Samples, log_odds: FloatArray, cost_bps: FloatArray
) -> EvidenceCheck | None:
    given = samples.where(samples.given)
    if not len(given):
        return None
    with_trend = samples.where(samples.support > 0)
    cost_r = cost_bps[samples.given] / given.risk_bps
    stated, stated_given = chance(log_odds[samples.support > 0]), chance(log_odds[samples.given])
    # The plans of one moment lie next to each other, Long first.
    both = (samples.r[0::2] + samples.r[1::2]) / 2
    moments_ms = samples.times_ms[0::2]
    return EvidenceCheck(
        market=f"{name} {timeframe}",
        timeframe=timeframe,
        first_ms=int(moments_ms.min()),
        last_ms=int(moments_ms.max()),
        directional=float(2 * samples.given.mean()),
        plans=len(given),
        break_even=1 / (1 + REWARD),
        target_first=float(given.reached.mean()),
        stated=float(stated_given.mean()),
        calibration_error=calibration_error(stated, with_trend.wins),
        gross_r=interval(given.r, given.times_ms, timeframe),
        gross_bps=interval(given.bps, given.times_ms, timeframe),
        random_r=interval(both, moments_ms, timeframe),
        above_random_r=interval(given.r - np.repeat(both, 2)[samples.given], given.times_ms, timeframe),
        groups=tuple(_groups(given, stated_given, cost_r, timeframe, CONFIDENCE_GROUPS)),
        deciles=tuple(_groups(given, stated_given, cost_r, timeframe, BINS)),
        reliability=tuple(
            CheckedBin(
                stated=float(stated[part].mean()),
                came=interval(with_trend.wins[part], with_trend.times_ms[part], timeframe),
            )
            for part in _bins(stated)
        ),
        years=tuple(
            CheckedYear(
                year=int(year),
                gross_r=interval(given.r[of_given], given.times_ms[of_given], timeframe),
                random_r=interval(both[of_all], moments_ms[of_all], timeframe),
            )
            for year in np.unique(years_of(moments_ms))
            for of_given, of_all in [(years_of(given.times_ms) == year, years_of(moments_ms) == year)]
        ),
    )


def _bins(values: FloatArray) -> list[IntArray]:
    """Return the positions of values in bins of about equal count, lowest first; equal values are in one bin."""
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
    numbers = np.searchsorted(edges, values, side="right")
    return [np.flatnonzero(numbers == number) for number in np.unique(numbers)]


def _groups(
    given: Samples, chances: FloatArray, cost_r: FloatArray, timeframe: Timeframe, count: int
) -> Iterator[CheckedGroup]:
    stated = chances * (1 + REWARD) - 1 - cost_r
    # As `rules.evidence.weighing.even_money`, of many at once.
    confidence = np.clip(0.5 + stated / 2, 0, 1)
    for part in np.array_split(np.argsort(confidence, kind="stable"), count):
        if len(part):
            yield CheckedGroup(
                confidence=float(confidence[part].mean()),
                stated_r=float(stated[part].mean()),
                came_r=interval((given.r - cost_r)[part], given.times_ms[part], timeframe),
                target_first=float(given.reached[part].mean()),
            )
