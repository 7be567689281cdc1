"""What holding the markets came to over the same time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backtesting.trading.fills import closes_ms
from domain.arrays import FloatArray, IntArray
from domain.market import CandleSeries
from domain.trading.costs import Costs


def buy_and_hold(markets: Sequence[CandleSeries], times_ms: IntArray, costs: Costs) -> FloatArray:
    """Return the value of 1 invested in equal parts in all markets, at n moments.

    Each part buys at the first open that a call could have been filled at, and sells at the last close; costs are paid
    on what is bought and on what is sold.

    Args:
        markets: Candles of each market, two or more.
        times_ms: Moments, ascending, the last not before the last close of a market.
        costs: Of each side.
    """
    total = np.zeros(len(times_ms))
    for series in markets:
        invested = 1.0 / (1.0 + costs.fraction)
        values = np.concatenate(([1.0], (series.closes / series.opens[1] * invested)[1:]))
        values[-1] -= costs.fraction * values[-1]
        known = np.searchsorted(closes_ms(series), times_ms, side="right") - 1
        total += values[known.clip(min=0)]
    return total / len(markets)
