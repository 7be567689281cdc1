"""Outcomes of entries at their horizons, from the candles of their market; pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from backtesting.plan_outcomes import OPEN, STOP, TARGET, TIME, VOID, priced_outcomes
from backtesting.trading.fills import closes_ms
from domain.arrays import BoolArray, FloatArray, IntArray
from domain.ledger.entries import PLAN, Settleable
from domain.ledger.settlements import PlanEnd, Settlement
from domain.market import CandleSeries, Timeframe
from storage.ledger_ports import Due

# What is said in this first share of a candle counts as said at its open; later, a plan waits for the next open.
GRACE = 0.1
# The smallest usual split is 3:2: candles whose prices are further than this from the price of an entry were adjusted
# since, or are those of another market.
_SAME_SCALE = 1.25
_ENDS = {TARGET: PlanEnd.TARGET, STOP: PlanEnd.STOP, TIME: PlanEnd.TIME, VOID: PlanEnd.VOID}


@dataclass(frozen=True)
class MarketCandles:
    """Closed candles of one market and timeframe, and where they came from: `stored` or a source's name."""

    symbol: str
    series: CandleSeries
    source: str


def outcomes(market: MarketCandles, due: Sequence[Due], settled_ms: int) -> list[Settlement | None]:
    """Return the settlement of each horizon, None where the candles do not tell it.

    A horizon is the close of the candle that many candles after the newest one known to the entry, as the market
    trades: nights, weekends and holidays have no candles, and a candle that is missing is counted, not passed over.

    A plan follows `backtesting.plan_outcomes`. Its stop and target are the prices that were given, one R is the
    distance of the stop from the price of the entry. It is entered at the first open after it was said, where the first
    tenth of a candle still counts as its open, so that the seconds of an answer do not cost a whole candle and what
    was said in the middle of a candle gains nothing from its past. A void plan has the open that made it void as its
    price, and no R.

    No horizon is settled by candles on another scale than the entry's price, as those before and after a split.

    Args:
        market: Of all these entries.
        due: Horizons.
        settled_ms: Time for the settlements, epoch ms.
    """
    if not len(market.series):
        return [None] * len(due)
    positions = _Positions.of(market.series, [item.entry for item in due])
    found: list[Settlement | None] = [None] * len(due)
    plans = np.array([item.horizon == PLAN for item in due], dtype=np.bool_)
    for at, end in _at_closes(market.series, positions, due, np.flatnonzero(positions.known & ~plans)):
        found[at] = _settlement(market, positions, due[at], end, settled_ms)
    for at, end in _of_plans(market.series, positions, due, np.flatnonzero(positions.known & plans)):
        found[at] = _settlement(market, positions, due[at], end, settled_ms)
    return found


@dataclass(frozen=True)
class _End:
    """The candle that settles a horizon, and the result."""

    candle: int
    price: float
    end: PlanEnd | None = None
    r: float | None = None


@dataclass(frozen=True)
class _Positions:
    """Where m entries lie in a series of n candles.

    Attributes:
        steps: Number of each candle, those that are missing counted, shape (n,).
        closes_ms: When each candle closes, shape (n,).
        newest: The newest candle that had closed for each entry, -1 without any, shape (m,).
        from_step: The number of the candle that had closed, though it is missing itself, shape (m,).
        entered_after: The candle before the first open after the entry was said, shape (m,).
        known: Whether the candles reach back to the entry, on its scale, shape (m,).
    """

    steps: IntArray
    closes_ms: IntArray
    newest: IntArray
    from_step: IntArray
    entered_after: IntArray
    known: BoolArray

    @classmethod
    def of(cls, series: CandleSeries, entries: Sequence[Settleable]) -> _Positions:
        steps = np.arange(len(series), dtype=np.int64)
        if not series.regular:
            steps[1:] += np.cumsum(series.missing_after)
        closed_ms = np.array([entry.closed_ms for entry in entries], dtype=np.int64)
        known_ms = np.array([entry.known_ms for entry in entries], dtype=np.int64)
        ends_ms = closes_ms(series)
        newest = np.searchsorted(ends_ms, closed_ms, side="right") - 1
        from_step = steps[newest.clip(min=0)]
        for at in np.flatnonzero((newest >= 0) & (ends_ms[newest] < closed_ms)).tolist():
            from_step[at] += _missing_before(series, int(newest[at]), int(closed_ms[at]))
        opened = np.searchsorted(series.times_ms, known_ms - grace_ms(series.timeframe), side="left") - 1
        known = (newest >= 0) & _same_scale(series, newest.clip(min=0), entries)
        return cls(steps, ends_ms, newest, from_step, np.maximum(newest, opened), known)


def grace_ms(timeframe: Timeframe) -> int:
    """Return how long after an open what is said still counts as said at it."""
    return round(GRACE * timeframe.ms)


def _missing_before(series: CandleSeries, position: int, closed_ms: int) -> int:
    """Return how many candles are missing between one and a time before the next."""
    if position + 1 >= len(series) or not series.missing_after[position]:
        return 0
    before, after = series.times_ms[position : position + 2].tolist()
    missing = series.sessions.missing_times(before, after, series.timeframe.ms)
    return int(np.searchsorted(missing, closed_ms, side="left"))


def _same_scale(series: CandleSeries, newest: IntArray, entries: Sequence[Settleable]) -> BoolArray:
    """Return whether the price of each entry is near its newest candle and the one after."""
    prices = np.array([entry.price for entry in entries])
    after = (newest + 1).clip(max=len(series) - 1)
    low = np.minimum(series.lows[newest], series.lows[after])
    high = np.maximum(series.highs[newest], series.highs[after])
    near: BoolArray = (prices * _SAME_SCALE >= low) & (prices <= high * _SAME_SCALE)
    return near


def _at_closes(
    series: CandleSeries, positions: _Positions, due: Sequence[Due], chosen: IntArray
) -> Iterator[tuple[int, _End]]:
    wanted = positions.from_step[chosen] + np.array([due[at].horizon for at in chosen.tolist()], dtype=np.int64)
    candles = np.searchsorted(positions.steps, wanted)
    there = candles < len(series)
    there[there] = positions.steps[candles[there]] == wanted[there]
    prices = series.closes[candles[there]].tolist()
    for at, candle, price in zip(chosen[there].tolist(), candles[there].tolist(), prices, strict=True):
        yield at, _End(candle, price)


def _of_plans(
    series: CandleSeries, positions: _Positions, due: Sequence[Due], chosen: IntArray
) -> Iterator[tuple[int, _End]]:
    def limit(at: int) -> int:
        return due[at].entry.horizon_candles or 0

    for horizon, group in groupby(sorted(chosen.tolist(), key=limit), key=limit):
        yield from _of_one_limit(series, positions, due, np.array(list(group), dtype=np.int64), horizon)


def _of_one_limit(
    series: CandleSeries, positions: _Positions, due: Sequence[Due], chosen: IntArray, horizon: int
) -> Iterator[tuple[int, _End]]:
    entries = [due[at].entry for at in chosen.tolist()]
    prices, stops, targets = (
        np.array([getattr(entry, name) for entry in entries], dtype=np.float64) for name in ("price", "stop", "target")
    )
    # An answer that a guard refused may have no side any more: its plan tells it.
    sides = np.where(targets > stops, 1, -1)
    before = positions.entered_after[chosen]
    plans = priced_outcomes(series, before, sides, stops, targets, _risks(prices, stops), horizon)
    exits = np.where(plans.ends == VOID, before + 1, before + plans.candles)
    # A candle that is missing on the way may have held the stop.
    newest, steps = positions.newest[chosen], positions.steps[exits.clip(max=len(series) - 1)]
    whole = steps - positions.from_step[chosen] == exits - newest
    for row in np.flatnonzero((plans.ends != OPEN) & whole).tolist():
        candle, end = int(exits[row]), _ENDS[int(plans.ends[row])]
        if end is PlanEnd.VOID:
            yield int(chosen[row]), _End(candle, float(series.opens[candle]), end)
        else:
            yield int(chosen[row]), _End(candle, float(plans.exits[row]), end, float(plans.r[row]))


def _risks(prices: FloatArray, stops: FloatArray) -> FloatArray:
    """Return the distances of stops; one without any would make a result without bounds, so it is not a number."""
    risks = np.abs(prices - stops)
    return np.where(risks > 0, risks, np.nan)


def _settlement(market: MarketCandles, positions: _Positions, due: Due, end: _End, settled_ms: int) -> Settlement:
    return Settlement(
        entry_id=due.entry.id,
        horizon=due.horizon,
        price=end.price,
        move=end.price / due.entry.price - 1,
        end=end.end,
        r=None if end.r is None or math.isnan(end.r) else end.r,
        ended_ms=int(positions.closes_ms[end.candle]),
        settled_ms=settled_ms,
        source=market.source,
    )
