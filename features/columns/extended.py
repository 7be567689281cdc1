"""The columns that the extended set adds to the standard ones, for boosters that read the newest row alone.

A row without the rows before it has to tell by itself how a move compares with the usual one, what the last candles
looked like, and which hour of the week it is. All of it is known from 49 candles, as the standard columns are.
"""

from __future__ import annotations

import numpy as np

from domain.arrays import FloatArray
from domain.hours.clocks import DAY_MS, WEEK_MS
from features.columns import price_and_time as groups
from features.columns import volatility as volatility_columns
from features.columns.bars import Bars
from features.columns.column import Column, lagged, windowed
from features.columns.patterns import more_pattern_columns
from features.columns.price_and_time import FIRST_WEEKDAY
from features.columns.standard import standard_columns
from features.columns.volatility import return_deviation
from features.indicators.catalogue import indicator
from features.kernels.candles import change, newest
from features.kernels.windows import rolling_mean

USUAL = 20


def extended_columns() -> tuple[Column, ...]:
    """Return the columns in their order: the standard ones first, 126 in all."""
    return (*standard_columns(), *_shape(), *_time(), *_units(), *_recent())


def upper_shadow() -> Column:
    """Return the upper shadow as a share of the candle's range."""
    return windowed(
        "upper_shadow_share",
        "price",
        0,
        lambda bars: (bars.high - np.maximum(bars.open, bars.close)) / (bars.high - bars.low),
        "(high - higher of open and close) / (high - low), 0 without a range",
        "0 to 1",
    )


def lower_shadow() -> Column:
    """Return the lower shadow as a share of the candle's range."""
    return windowed(
        "lower_shadow_share",
        "price",
        0,
        lambda bars: (np.minimum(bars.open, bars.close) - bars.low) / (bars.high - bars.low),
        "(lower of open and close - low) / (high - low), 0 without a range",
        "0 to 1",
    )


def spread_ratio(rows: int) -> Column:
    """Return the range of the candle over the mean range of `rows` candles."""

    def formula(bars: Bars) -> FloatArray:
        spreads = (bars.high - bars.low) / bars.close
        return spreads[rows - 1 :] / rolling_mean(spreads, rows)

    definition = f"(high - low) / close over its mean of {rows} candles, 1 without a range"
    return windowed(
        f"hl_spread_ratio_{rows}", "price", rows - 1, formula, definition, f"ratio, 0 to {rows}", neutral=1.0
    )


def hour_of_day() -> Column:
    """Return the part of the day, in UTC, that has passed when the candle opens: a tree parts it with one question."""
    return windowed(
        "hour_of_day",
        "time",
        0,
        lambda bars: bars.times % DAY_MS / DAY_MS,
        "part of the UTC day that has passed at the open",
        "0 to below 1",
    )


def hour_of_week() -> Column:
    """Return the part of the week, from Monday in UTC, that has passed when the candle opens."""
    return windowed(
        "hour_of_week",
        "time",
        0,
        lambda bars: (bars.times + FIRST_WEEKDAY * DAY_MS) % WEEK_MS / WEEK_MS,
        "part of the week from Monday, UTC, that has passed at the open",
        "0 to below 1",
    )


def return_in_deviations(rows: int, usual: int) -> Column:
    """Return the change of the close over `rows` candles in standard deviations of `usual` returns of one candle."""
    warm_up = max(rows, usual)

    def formula(bars: Bars) -> FloatArray:
        count = len(bars) - warm_up
        return newest(change(bars.close, rows), count) / newest(return_deviation(bars, usual), count)

    return windowed(
        f"price_return_{rows}_to_volatility_{usual}",
        "price",
        warm_up,
        formula,
        f"(close / close of {rows} before - 1) / standard deviation of {usual} returns, 0 in a flat market",
        "standard deviations",
    )


def _shape() -> tuple[Column, ...]:
    return (
        groups.body_share(),
        upper_shadow(),
        lower_shadow(),
        spread_ratio(USUAL),
        *(lagged(groups.body_share(), rows) for rows in (1, 2, 3)),
        lagged(upper_shadow(), 1),
        lagged(lower_shadow(), 1),
        *(lagged(groups.high_low_spread(), rows) for rows in (1, 2, 3, 5)),
        *(lagged(groups.price_position(), rows) for rows in (1, 2, 3, 5)),
    )


def _time() -> tuple[Column, ...]:
    return (hour_of_week(), hour_of_day())


def _units() -> tuple[Column, ...]:
    """Return moves in units of the usual move, which are comparable between markets."""
    return (
        *(groups.price_momentum(rows, indicator("atr")) for rows in (1, 2, 3)),
        return_in_deviations(1, USUAL),
        return_in_deviations(3, USUAL),
        *(return_in_deviations(rows, 48) for rows in (6, 12, 24)),
        *(lagged(return_in_deviations(1, USUAL), rows) for rows in (1, 2, 3, 4, 5)),
    )


def _recent() -> tuple[Column, ...]:
    """Return where the market stands in its last 20 to 48 candles, and how it came there."""
    return (
        *(groups.price_return(rows) for rows in (2, 3, 20, 30, 48)),
        groups.price_momentum(20, indicator("atr")),
        *(groups.range_position(rows) for rows in (20, 48)),
        groups.drawdown(20),
        groups.rally(20),
        *(groups.trend_efficiency(rows) for rows in (10, 20)),
        *(volatility_columns.volatility(rows) for rows in (30, 48)),
        volatility_columns.volatility_ratio(5, 20),
        volatility_columns.parkinson_volatility(10),
        volatility_columns.return_skew(20),
        volatility_columns.downside_share(20),
        more_pattern_columns()[-1],
    )
