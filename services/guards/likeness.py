"""How alike two bets are: the correlation of the returns of their symbols."""

from __future__ import annotations

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
    return newest.times_ms[1:], np.diff(np.log(newest.closes))


def likeness(one: Bet, other: Bet) -> float:
    """Return the correlation of what two bets earn, -1..1: opposite sides of symbols that move alike are no one bet."""
    return correlation(one, other) * one.side * other.side


def correlation(one: Bet, other: Bet) -> float:
    """Return Pearson's correlation of two symbols' returns, -1..1; 0 with too few common candles."""
    if one.timeframe is not other.timeframe:
        return 0.0
    first, second = one.returns, other.returns
    if not np.array_equal(one.times, other.times):
        _, at, other_at = np.intersect1d(one.times, other.times, assume_unique=True, return_indices=True)
        first, second = first[at], second[other_at]
    if len(first) < MIN_COMMON_RETURNS:
        return 0.0
    first, second = first - first.mean(), second - second.mean()
    size = float(np.sqrt(np.dot(first, first) * np.dot(second, second)))
    return float(np.dot(first, second)) / size if size > 0 else 0.0
