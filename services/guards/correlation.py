"""How alike two bets are: the correlation of the returns of their symbols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from domain.arrays import FloatArray, IntArray
from domain.market import CandleSeries, Timeframe

# Returns of the newest candles of a market, by which it is compared with others.
COMPARED_RETURNS = 100
# With fewer returns in common a correlation says nothing.
MIN_COMMON_RETURNS = 30


class Bet(Protocol):
    """A Long or Short on a symbol.

    Attributes:
        side: 1 of Long, -1 of Short.
        timeframe: Of the returns.
        times: Shape (n,), of the candles in epoch ms, ascending.
        returns: Shape (n,), their logarithmic returns.
    """

    @property
    def side(self) -> int: ...
    @property
    def timeframe(self) -> Timeframe: ...
    @property
    def times(self) -> IntArray: ...
    @property
    def returns(self) -> FloatArray: ...


def newest_returns(series: CandleSeries) -> tuple[IntArray, FloatArray]:
    """Return times and logarithmic returns of the newest `COMPARED_RETURNS` candles, as a `Bet` has them."""
    newest = series.tail(COMPARED_RETURNS + 1)
    logs = np.log(newest.closes)
    return newest.times_ms[1:], logs[1:] - logs[:-1]


def likenesses(one: Bet, others: Sequence[Bet]) -> FloatArray:
    """Return the correlation of what a bet and each of n others earn, -1..1, shape (n,).

    Opposite sides of symbols that move alike are no one bet.
    """
    sides: FloatArray = one.side * np.array([other.side for other in others], dtype=np.float64)
    return correlations(one, others) * sides


def correlations(one: Bet, others: Sequence[Bet]) -> FloatArray:
    """Return Pearson's correlation of the returns of a symbol and of each of n others, -1..1, shape (n,).

    It is 0 with too few candles in common, or of another timeframe.
    """
    found = np.zeros(len(others))
    own_times, beside = one.times.tobytes(), list[int]()
    for at, other in enumerate(others):
        if other.timeframe is not one.timeframe:
            continue
        if other.times.tobytes() == own_times:
            beside.append(at)
        else:
            _, mine, its = np.intersect1d(one.times, other.times, assume_unique=True, return_indices=True)
            found[at] = _pearson(one.returns[mine], other.returns[None, its])[0]
    if beside:
        found[beside] = _pearson(one.returns, np.array([others[at].returns for at in beside]))
    return found


def _pearson(first: FloatArray, rows: FloatArray) -> FloatArray:
    """Return the correlation of n returns with those of each row, which does not depend on the other rows."""
    if len(first) < MIN_COMMON_RETURNS:
        return np.zeros(len(rows))
    first, rows = first - first.mean(), rows - rows.mean(axis=1, keepdims=True)
    sizes = np.sqrt((first * first).sum() * (rows * rows).sum(axis=1))
    found: FloatArray = np.divide((rows * first).sum(axis=1), sizes, out=np.zeros(len(rows)), where=sizes > 0)
    return found
