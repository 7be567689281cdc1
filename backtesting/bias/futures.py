"""Other futures: the candles after a moment cut off, or replaced by candles that did not happen."""

from __future__ import annotations

import numpy as np

from domain.arrays import FloatArray, IntArray
from domain.market import MAX_PRICE, MIN_PRICE, CandleSeries

# Each move of the real future is doubled and turned around: a value that looks at one candle ahead, or at all, sees
# another side and another size.
MOVES = -2.0
# Longer futures tell no more: two months of hours, a week of quarters.
REPLACED_CANDLES = 1_500
_SEED = 20251


def choose_moments(first: int, count: int, wanted: int) -> IntArray:
    """Return positions after which the future is changed, the same for every call: one in each of equal stretches.

    At equal distances they could all fall on the close of a longer candle, where one that shows too early is whole.

    Args:
        first: Earliest position.
        count: Number of candles; the last moment is the candle before the last.
        wanted: Number of moments; fewer where there are not as many candles.
    """
    edges = np.linspace(first, count - 1, min(wanted, count - 1 - first) + 1).astype(np.int64)
    within = np.random.default_rng(_SEED).random(len(edges) - 1)
    moments: IntArray = edges[:-1] + np.floor(within * np.diff(edges)).astype(np.int64)
    return moments


def without_future(series: CandleSeries, moment: int) -> CandleSeries:
    """Return the candles up to the moment."""
    return series.part(0, moment + 1)


def with_other_future(series: CandleSeries, moment: int) -> CandleSeries:
    """Return the candles up to the moment, and after it others at the same times, at most `REPLACED_CANDLES`.

    They are those of the real future in the opposite order, their moves turned around and doubled, with twice the
    volume: possible candles that go on from the close of the moment.
    """
    end = min(len(series), moment + 1 + REPLACED_CANDLES)
    values = series.values[:end].copy()
    values[moment + 1 :] = _others(values[moment:])
    return CandleSeries.of_arrays(series.timeframe, series.times_ms[:end], values, series.sessions)


def _others(values: FloatArray) -> FloatArray:
    """Return m other candles for those after the first of m + 1 rows."""
    logs = np.log(values[:, :4])
    # Open, high, low and close of each candle, seen from the close before.
    moves = MOVES * (logs[1:] - logs[:-1, 3:])[::-1]
    moves[:, [1, 2]] = moves[:, [2, 1]]
    closes = logs[0, 3] + np.cumsum(moves[:, 3])
    before = np.concatenate((logs[:1, 3], closes[:-1]))
    prices = np.exp(np.clip(before[:, None] + moves, np.log(MIN_PRICE), np.log(MAX_PRICE)))
    return np.column_stack((prices, 2.0 * values[:0:-1, 4]))
