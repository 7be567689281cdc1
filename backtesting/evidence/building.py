"""From plans of the past to the book of evidence: curve, folds by year, and records of the strategies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from backtesting.evidence.curve import chance, clustered_mean, fit_curve
from backtesting.evidence.samples import AHEAD, Samples, join
from domain.arrays import FloatArray, IntArray
from domain.market import Timeframe
from domain.naming.symbols import Symbol
from domain.trading.evidence import Interval95, StrategyRecord
from rules.evidence import REACH, EvidenceBook, EvidenceYear, MeasuredFile
from rules.plans import HORIZON_CANDLES, REWARD, STOP_ATR
from rules.reasoning import LEAN
from rules.strategies import NO_VIEW, STRATEGY_NAMES

# The first year that is predicted has as many before it.
FIRST_YEARS = 2
BINS = 10


@dataclass(frozen=True)
class MeasuredMarket:
    """The plans of one market and timeframe, and the file they were measured on."""

    file: MeasuredFile
    symbol: str
    timeframe: Timeframe
    samples: Samples


def build_book(markets: Sequence[MeasuredMarket], built_at: datetime) -> EvidenceBook:
    """Return the book of evidence of some markets, pooled.

    Raises:
        InsufficientData: plans of too few weeks.
    """
    samples = join(market.samples for market in markets)
    curve = fit_curve(samples)
    return EvidenceBook(
        built_from=_words(markets),
        built_at=built_at.date().isoformat(),
        files=tuple(market.file for market in markets),
        weight=round(curve.weight, 6),
        error=round(curve.error, 6),
        plans=curve.plans,
        samples=len(samples),
        timeframes=tuple(sorted({market.timeframe for market in markets}, key=lambda timeframe: timeframe.ms)),
        kinds=tuple(sorted({Symbol.of(market.symbol).kind for market in markets})),
        folds=tuple(_folds(markets)),
        strategies=tuple(_record(samples, at, name) for at, name in enumerate(STRATEGY_NAMES)),
        stop_atr=STOP_ATR,
        reward=REWARD,
        horizon_candles=HORIZON_CANDLES,
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


def _folds(markets: Sequence[MeasuredMarket]) -> Iterator[EvidenceYear]:
    """Yield each year predicted by the plans that had ended before it began."""
    years = sorted({int(year) for market in markets for year in np.unique(_years(market.samples.times_ms))})
    for year in years[FIRST_YEARS:]:
        begin_ms = round(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000)
        before = join(
            market.samples.where(market.samples.times_ms < begin_ms - HORIZON_CANDLES * market.timeframe.ms)
            for market in markets
        )
        now = join(market.samples.where(_years(market.samples.times_ms) == year) for market in markets)
        curve = fit_curve(before)
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


def _record(samples: Samples, at: int, name: str) -> StrategyRecord:
    leaning = samples.where(samples.sides * (samples.scores[:, at] - NO_VIEW) >= LEAN)
    known = np.isfinite(leaning.moves)
    return StrategyRecord(
        name=name,
        right={
            ahead: interval(leaning.moves[known[:, k], k] > 0, leaning.times_ms[known[:, k]])
            for k, ahead in enumerate(AHEAD)
        },
        target_first=interval(leaning.reached, leaning.times_ms),
        expected_r=interval(leaning.r, leaning.times_ms),
    )


def interval(values: np.ndarray, times_ms: IntArray, timeframe: Timeframe = Timeframe.H1) -> Interval95:
    """Return the mean of n values of plans with its 95 % interval over clusters of time."""
    if not len(values):
        return Interval95(mean=None, low=None, high=None, cases=0)
    mean, error = clustered_mean(values.astype(np.float64), times_ms, timeframe)
    low, high = mean - REACH * error, mean + REACH * error
    return Interval95(mean=round(mean, 4), low=round(low, 4), high=round(high, 4), cases=len(values))


def _words(markets: Sequence[MeasuredMarket]) -> str:
    symbols = sorted({market.symbol for market in markets})
    first, last = (
        datetime.fromtimestamp(end(ms) / 1000, UTC)
        for end, ms in (
            (min, [market.file.first_ms for market in markets]),
            (max, [market.file.last_ms for market in markets]),
        )
    )
    named = symbols[0] if len(symbols) == 1 else f"{len(symbols)} markets"
    frames = ", ".join(sorted({market.timeframe.value for market in markets}))
    return f"{named}, {frames}, {first:%Y-%m} to {last:%Y-%m}"


def _years(times_ms: IntArray) -> IntArray:
    return times_ms.astype("datetime64[ms]").astype("datetime64[Y]").astype(np.int64) + 1970
