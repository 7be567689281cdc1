"""From plans of the past to evidence: curve, folds by year, and records of the strategies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from backtesting.evidence.curve import MIN_CLUSTERS, chance, clustered_mean, count_clusters, fit_curves, too_few
from backtesting.evidence.samples import AHEAD, Samples, join
from domain.arrays import FloatArray, IntArray
from domain.errors import InsufficientData
from domain.market import Timeframe
from domain.naming.symbols import Symbol
from domain.trading.evidence import Interval95, StrategyRecord
from domain.trading.reach import reach_of_groups
from domain.values import utc_time
from rules.evidence.measured import EvidenceYear, MeasuredEvidence, MeasuredFile, TimeframeRecord
from rules.evidence.weighing import REACH
from rules.plans import HORIZON_CANDLES, REWARD, STOP_ATR
from rules.strategies import LEAN, NO_VIEW, STRATEGY_NAMES

# The first year that is predicted has as many before it.
FIRST_YEARS = 2
BINS = 10


@dataclass(frozen=True)
class MeasuredMarket:
    """The plans of one market and timeframe, and the candles they were measured on."""

    file: MeasuredFile
    symbol: str
    timeframe: Timeframe
    samples: Samples


def build_evidence(markets: Sequence[MeasuredMarket], built_at: datetime) -> MeasuredEvidence:
    """Return the evidence of some markets, with a record for each timeframe that has enough plans.

    Raises:
        InsufficientData: no timeframe has plans of enough weeks.
    """
    pools = {timeframe: [market for market in markets if market.timeframe is timeframe] for timeframe in Timeframe}
    samples = {timeframe: join(market.samples for market in pool) for timeframe, pool in pools.items() if pool}
    left_out = {timeframe: lack for timeframe, pooled in samples.items() if (lack := too_few(pooled, timeframe))}
    enough = {timeframe: pooled for timeframe, pooled in samples.items() if timeframe not in left_out}
    if not enough:
        raise InsufficientData("; ".join(left_out.values()))
    curves = fit_curves(enough)
    folds: dict[Timeframe, list[EvidenceYear]] = {timeframe: [] for timeframe in enough}
    for timeframe, year in _folds(enough):
        folds[timeframe].append(year)
    return MeasuredEvidence(
        built_at=built_at.date().isoformat(),
        stop_atr=STOP_ATR,
        reward=REWARD,
        horizon_candles=HORIZON_CANDLES,
        records=tuple(
            TimeframeRecord(
                timeframe=timeframe,
                built_from=_words(timeframe, pools[timeframe]),
                files=tuple(market.file for market in pools[timeframe]),
                kinds=tuple(sorted({Symbol.of(market.symbol).kind for market in pools[timeframe]})),
                weight=round(curve.counts.weight, 6),
                error=round(curve.counts.error, 6),
                own_weight=round(curve.own.weight, 6),
                own_error=round(curve.own.error, 6),
                plans=curve.own.plans,
                samples=len(enough[timeframe]),
                folds=tuple(folds[timeframe]),
                strategies=tuple(
                    _strategy(timeframe, enough[timeframe], at, name) for at, name in enumerate(STRATEGY_NAMES)
                ),
            )
            for timeframe, curve in curves.items()
        ),
        left_out=left_out,
    )


def calibration_error(predicted: FloatArray, came: FloatArray) -> float:
    """Return the expected calibration error over bins of about equal count, 0 without plans.

    Source: Naeini, Cooper and Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning (2015).
    """
    order = np.argsort(predicted, kind="stable")
    parts = [part for part in np.array_split(order, BINS) if len(part)]
    return float(
        sum(len(part) * abs(predicted[part].mean() - came[part].mean()) for part in parts) / max(len(order), 1)
    )


def _folds(samples: Mapping[Timeframe, Samples]) -> Iterator[tuple[Timeframe, EvidenceYear]]:
    """Yield each year of each timeframe, predicted by the plans of all that had ended before it began.

    Left out are the first years, those before which a timeframe has too few plans, and those in which it has none.
    """
    years = sorted({int(year) for plans in samples.values() for year in np.unique(years_of(plans.times_ms))})
    for year in years[FIRST_YEARS:]:
        begin_ms = round(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000)
        before = {
            timeframe: ended
            for timeframe, plans in samples.items()
            if not too_few(ended := plans.where(plans.times_ms < begin_ms - HORIZON_CANDLES * timeframe.ms), timeframe)
        }
        for timeframe, curve in (fit_curves(before) if before else {}).items():
            plans = samples[timeframe]
            # Of both sides the one with the trend, as an answer names it.
            now = plans.where((years_of(plans.times_ms) == year) & (plans.support > 0))
            if not len(now):
                continue
            predicted = chance(now.support * curve.counts.weight)
            yield (
                timeframe,
                EvidenceYear(
                    year=year,
                    plans=len(now),
                    predicted=round(float(predicted.mean()), 4),
                    came=round(float(np.clip(now.wins.mean(), 0, 1)), 4),
                    calibration_error=round(calibration_error(predicted, now.wins), 4),
                ),
            )


def _strategy(timeframe: Timeframe, samples: Samples, at: int, name: str) -> StrategyRecord:
    leaning = samples.where(samples.sides * (samples.scores[:, at] - NO_VIEW) >= LEAN)
    known = np.isfinite(leaning.moves)
    return StrategyRecord(
        name=name,
        right={
            ahead: interval(leaning.moves[known[:, k], k] > 0, leaning.times_ms[known[:, k]], timeframe)
            for k, ahead in enumerate(AHEAD)
        },
        target_first=interval(leaning.reached, leaning.times_ms, timeframe),
        expected_r=interval(leaning.r, leaning.times_ms, timeframe),
    )


def interval(values: np.ndarray, times_ms: IntArray, timeframe: Timeframe) -> Interval95:
    """Return the mean of n values of plans with its 95 % interval over clusters of time.

    One cluster shows nothing of how clusters vary: then there is no interval. Of few, it is wider, by Student's t.

    Source: Cameron and Miller, A Practitioner's Guide to Cluster-Robust Inference (2015), section VI.
    """
    if not len(values):
        return Interval95(mean=None, low=None, high=None, cases=0)
    mean, error = clustered_mean(values.astype(np.float64), times_ms, timeframe)
    clusters = count_clusters(times_ms, timeframe)
    if clusters < 2:
        return Interval95(mean=round(mean, 4), low=None, high=None, cases=len(values))
    reach = error * (reach_of_groups(clusters) if clusters < MIN_CLUSTERS else REACH)
    return Interval95(mean=round(mean, 4), low=round(mean - reach, 4), high=round(mean + reach, 4), cases=len(values))


def years_of(times_ms: IntArray) -> IntArray:
    """Return the years, UTC, in which moments lie."""
    return times_ms.astype("datetime64[ms]").astype("datetime64[Y]").astype(np.int64) + 1970


def _words(timeframe: Timeframe, markets: Sequence[MeasuredMarket]) -> str:
    symbols = sorted({market.symbol for market in markets})
    first, last = (
        utc_time(end(ms))
        for end, ms in (
            (min, [market.file.first_ms for market in markets]),
            (max, [market.file.last_ms for market in markets]),
        )
    )
    named = symbols[0] if len(symbols) == 1 else f"{len(symbols)} markets"
    return f"{named}, {timeframe}, {first:%Y-%m} to {last:%Y-%m}"
