"""Volatility columns, from returns and ranges."""

from __future__ import annotations

import math

import numpy as np

from domain.arrays import FloatArray
from features.columns.bars import Bars
from features.columns.column import Column, windowed
from features.kernels.candles import Candles, returns, shared
from features.kernels.trend import simple_average
from features.kernels.windows import rolling_deviation, rolling_mean, rolling_skew, rolling_sum

FOUR_LN_2 = 4 * math.log(2)


@shared
def return_deviation(candles: Candles, rows: int) -> FloatArray:
    """Return the standard deviations of the returns of `rows` candles, `rows` fewer than candles."""
    return rolling_deviation(returns(candles), rows)


def volatility(rows: int) -> Column:
    """Return the column of `return_deviation`."""
    return windowed(
        f"volatility_{rows}",
        "volatility",
        rows,
        lambda bars: return_deviation(bars, rows),
        f"standard deviation of {rows} returns",
        "fraction, from 0",
    )


def volatility_ratio(fast: int, slow: int) -> Column:
    """Return short over long volatility: above 1 when volatility is rising."""
    return windowed(
        f"volatility_ratio_{fast}_{slow}",
        "volatility",
        slow,
        lambda bars: return_deviation(bars, fast)[slow - fast :] / return_deviation(bars, slow),
        f"standard deviation of {fast} returns / of {slow} returns, 1 in a flat market",
        "ratio, from 0",
        neutral=1.0,
    )


def price_dispersion(rows: int) -> Column:
    """Return the spread of the closes around their mean."""
    return windowed(
        f"price_dispersion_{rows}",
        "volatility",
        rows - 1,
        lambda bars: rolling_deviation(bars.close, rows) / simple_average(bars, rows),
        f"standard deviation / mean of {rows} closes",
        "fraction, from 0",
    )


def parkinson_volatility(rows: int) -> Column:
    """Return the volatility estimated from the ranges of the candles, which includes moves within a candle."""

    def formula(bars: Bars) -> FloatArray:
        squares = np.log(bars.high / bars.low) ** 2
        return np.sqrt(rolling_mean(squares, rows) / FOUR_LN_2)

    return windowed(
        f"parkinson_volatility_{rows}",
        "volatility",
        rows - 1,
        formula,
        f"root of the mean of ln(high / low)^2 over {rows} candles / (4 ln 2)",
        "fraction, from 0",
        source="Parkinson, The Extreme Value Method (1980)",
    )


def return_skew(rows: int) -> Column:
    """Return the skewness of the returns: negative when falls were larger than rises."""
    return windowed(
        f"return_skew_{rows}",
        "volatility",
        rows,
        lambda bars: rolling_skew(returns(bars), rows),
        f"third central moment of {rows} returns / their variance^1.5, 0 in a flat market",
        "unbounded, mostly -3 to 3",
    )


def downside_share(rows: int) -> Column:
    """Return the share of falling candles in the sum of squared returns."""

    def formula(bars: Bars) -> FloatArray:
        moves = returns(bars)
        return rolling_sum(np.minimum(moves, 0.0) ** 2, rows) / rolling_sum(moves**2, rows)

    definition = f"squared falls / all squared returns of {rows} candles, 0.5 in a flat market"
    return windowed(f"downside_share_{rows}", "volatility", rows, formula, definition, "0 to 1", neutral=0.5)
