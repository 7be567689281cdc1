"""The result of holding the markets over the same time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backtesting.trading.fills import closes_ms
from backtesting.trading.orders import TradedMarket
from domain.arrays import FloatArray, IntArray
from domain.trading.costs import MarketCosts


def buy_and_hold(markets: Sequence[TradedMarket], times_ms: IntArray, costs: MarketCosts) -> FloatArray:
    """Return the value of 1 invested in equal parts in all markets, at n moments.

    Each part buys at the first open that a call could have been filled at, and sells at the last close; costs are paid
    on what is bought and on what is sold.

    Args:
        markets: Each with two candles or more.
        times_ms: Moments, ascending, the last not before the last close of a market.
        costs: Of each side, of each market.
    """
    total = np.zeros(len(times_ms))
    for market in markets:
        series, share = market.series, costs.of(market.symbol).fraction
        invested = 1.0 / (1.0 + share)
        values = np.concatenate(([1.0], (series.closes / series.opens[1] * invested)[1:]))
        values[-1] -= share * values[-1]
        known = np.searchsorted(closes_ms(series), times_ms, side="right") - 1
        total += values[known.clip(min=0)]
    return total / len(markets)
