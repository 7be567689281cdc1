"""From plans of the past to the book of evidence: curve, folds by year, and records of the strategies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from backtesting.evidence.curve import chance, clustered_mean, fit_curve, too_few
from backtesting.evidence.samples import AHEAD, Samples, join
from domain.arrays import FloatArray, IntArray
from domain.errors import InsufficientData
from domain.market import Timeframe
from domain.naming.symbols import Symbol
from domain.trading.evidence import Interval95, StrategyRecord
from rules.evidence import REACH, EvidenceBook, EvidenceYear, MeasuredFile, TimeframeRecord
from rules.plans import HORIZON_CANDLES, REWARD, STOP_ATR
from rules.reasoning import LEAN
from rules.strategies import NO_VIEW, STRATEGY_NAMES

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


def build_book(markets: Sequence[MeasuredMarket], built_at: datetime) -> EvidenceBook:
    """Return the book of evidence of some markets, with a record for each timeframe that has enough plans.

    Raises:
        InsufficientData: no timeframe has plans of enough weeks.
    """
    pools = {timeframe: [market for market in markets if market.timeframe is timeframe] for timeframe in Timeframe}
    samples = {timeframe: join(market.samples for market in pool) for timeframe, pool in pools.items() if pool}
    left_out = {timeframe: lack for timeframe, pooled in samples.items() if (lack := too_few(pooled, timeframe))}
    if len(left_out) == len(samples):
        raise InsufficientData("; ".join(left_out.values()))
    return EvidenceBook(
        built_at=built_at.date().isoformat(),
        stop_atr=STOP_ATR,
        reward=REWARD,
        horizon_candles=HORIZON_CANDLES,
        records=tuple(
            _record(timeframe, pools[timeframe], pooled)
            for timeframe, pooled in samples.items()
            if timeframe not in left_out
        ),
        left_out=left_out,
    )


def _record(timeframe: Timeframe, markets: Sequence[MeasuredMarket], samples: Samples) -> TimeframeRecord:
    curve = fit_curve(samples, timeframe)
    return TimeframeRecord(
        timeframe=timeframe,
        built_from=_words(timeframe, markets),
        files=tuple(market.file for market in markets),
        kinds=tuple(sorted({Symbol.of(market.symbol).kind for market in markets})),
        weight=round(curve.weight, 6),
        error=round(curve.error, 6),
        plans=curve.plans,
        samples=len(samples),
        folds=tuple(_folds(timeframe, markets)),
        strategies=tuple(_strategy(timeframe, samples, at, name) for at, name in enumerate(STRATEGY_NAMES)),
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


def _folds(timeframe: Timeframe, markets: Sequence[MeasuredMarket]) -> Iterator[EvidenceYear]:
    """Yield each year predicted by the plans that had ended before it began, from the first that has enough of them."""
    years = sorted({int(year) for market in markets for year in np.unique(years_of(market.samples.times_ms))})
    for year in years[FIRST_YEARS:]:
        begin_ms = round(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000)
        ended_ms = begin_ms - HORIZON_CANDLES * timeframe.ms
        before = join(market.samples.where(market.samples.times_ms < ended_ms) for market in markets)
        if too_few(before, timeframe):
            continue
        now = join(market.samples.where(years_of(market.samples.times_ms) == year) for market in markets)
        curve = fit_curve(before, timeframe)
        # Of both sides the one with the trend, as an answer names it.
        now = now.where(now.support > 0)
        predicted = chance(now.support * curve.weight)
        yield EvidenceYear(
            year=year,
            plans=len(now),
            predicted=round(float(predicted.mean()), 4),
            came=round(float(np.clip(now.wins.mean(), 0, 1)), 4),
            calibration_error=round(calibration_error(predicted, now.wins), 4),
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
    """Return the mean of n values of plans with its 95 % interval over clusters of time."""
    if not len(values):
        return Interval95(mean=None, low=None, high=None, cases=0)
    mean, error = clustered_mean(values.astype(np.float64), times_ms, timeframe)
    low, high = mean - REACH * error, mean + REACH * error
    return Interval95(mean=round(mean, 4), low=round(low, 4), high=round(high, 4), cases=len(values))


def years_of(times_ms: IntArray) -> IntArray:
    """Return the years, UTC, in which moments lie."""
    return times_ms.astype("datetime64[ms]").astype("datetime64[Y]").astype(np.int64) + 1970


def _words(timeframe: Timeframe, markets: Sequence[MeasuredMarket]) -> str:
    symbols = sorted({market.symbol for market in markets})
    first, last = (
        datetime.fromtimestamp(end(ms) / 1000, UTC)
        for end, ms in (
            (min, [market.file.first_ms for market in markets]),
            (max, [market.file.last_ms for market in markets]),
        )
    )
    named = symbols[0] if len(symbols) == 1 else f"{len(symbols)} markets"
    return f"{named}, {timeframe}, {first:%Y-%m} to {last:%Y-%m}"
