"""Columns of price and time that are not indicators.

Every function returns one column, made from a few candles by plain arithmetic. Where the
formula has no value (no range, no volume), the column takes a neutral one, which its definition names.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from domain.arrays import FloatArray
from domain.hours.clocks import DAY_MS
from features.columns.bars import Bars
from features.columns.column import FRACTION, PLAIN, Column, Formula, divisor_history, scaled, windowed
from features.families.family import Indicator
from features.kernels.candles import change, moves, newest, shared
from features.kernels.windows import rolling_max, rolling_min, rolling_sum

# 1970-01-01 was a Thursday; weeks are counted from Monday.
FIRST_WEEKDAY = 3
ANGLE = "-1 to 1"
# A whole circle, in radians.
TURN = 2 * math.pi


def price_return(rows: int) -> Column:
    """Return the relative change of the close over `rows` candles."""
    definition = f"close / close of {rows} before - 1"
    return windowed(
        f"price_return_{rows}", "price", rows, lambda bars: change(bars.close, rows), definition, "fraction"
    )


def price_position() -> Column:
    """Return where the close stands in its candle."""
    return windowed(
        "price_position",
        "price",
        0,
        lambda bars: (bars.close - bars.low) / (bars.high - bars.low),
        "(close - low) / (high - low), 0.5 without a range",
        "0 low to 1 high",
        neutral=0.5,
    )


def high_low_spread() -> Column:
    """Return the range of the candle."""
    return windowed(
        "hl_spread", "price", 0, lambda bars: (bars.high - bars.low) / bars.close, "(high - low) / close", FRACTION
    )


def open_close_spread() -> Column:
    """Return the move within the candle."""
    return windowed(
        "oc_spread", "price", 0, lambda bars: (bars.close - bars.open) / bars.open, "(close - open) / open", FRACTION
    )


def body_share() -> Column:
    """Return the body as a share of the candle's range, negative in a falling candle."""
    return windowed(
        "body_share",
        "price",
        0,
        lambda bars: (bars.close - bars.open) / (bars.high - bars.low),
        "(close - open) / (high - low), 0 without a range",
        "-1 to 1",
    )


def shadow_balance() -> Column:
    """Return the lower less the upper shadow as a share of the range."""
    return windowed(
        "shadow_balance",
        "price",
        0,
        lambda bars: (
            (np.minimum(bars.open, bars.close) - bars.low - bars.high + np.maximum(bars.open, bars.close))
            / (bars.high - bars.low)
        ),
        "(lower shadow - upper shadow) / (high - low), 0 without a range",
        "-1 to 1",
    )


def price_momentum(rows: int, average_true_range: Indicator) -> Column:
    """Return the move of the close over `rows` candles in average true ranges: comparable at any volatility."""
    column = scaled(average_true_range)
    warm_up = max(rows, column.own_warm_up)

    def formula(bars: Bars) -> FloatArray:
        count = len(bars) - warm_up
        return newest(bars.close[rows:] - bars.close[:-rows], count) / newest(bars[average_true_range], count)

    return replace(
        column,
        name=f"price_momentum_{rows}",
        group="price",
        definition=f"(close - close of {rows} before) / {average_true_range.name}, 0 without a range",
        unit="average true ranges",
        source=PLAIN,
        formula=formula,
        own_warm_up=warm_up,
        own_history=max(rows + 1, divisor_history(column)),
    )


def range_position(rows: int) -> Column:
    """Return where the close stands between the extreme closes of `rows` candles."""

    def formula(bars: Bars) -> FloatArray:
        low, high = rolling_min(bars.close, rows), rolling_max(bars.close, rows)
        return (bars.close[rows - 1 :] - low) / (high - low)

    definition = f"(close - lowest close) / (highest - lowest) of {rows}, 0.5 in a flat market"
    return windowed(
        f"close_range_position_{rows}", "price", rows - 1, formula, definition, "0 lowest to 1 highest", neutral=0.5
    )


def drawdown(rows: int) -> Column:
    """Return the distance of the close below the highest high of `rows` candles."""
    return windowed(
        f"drawdown_{rows}",
        "price",
        rows - 1,
        lambda bars: bars.close[rows - 1 :] / rolling_max(bars.high, rows) - 1.0,
        f"close / highest high of {rows} - 1",
        "fraction, -1 to 0",
    )


def rally(rows: int) -> Column:
    """Return the distance of the close above the lowest low of `rows` candles."""
    return windowed(
        f"rally_{rows}",
        "price",
        rows - 1,
        lambda bars: bars.close[rows - 1 :] / rolling_min(bars.low, rows) - 1.0,
        f"close / lowest low of {rows} - 1",
        "fraction, from 0",
    )


def trend_efficiency(rows: int) -> Column:
    """Return Kaufman's efficiency of the close over `rows` candles, with the sign of the move."""

    def formula(bars: Bars) -> FloatArray:
        return (bars.close[rows:] - bars.close[:-rows]) / rolling_sum(np.abs(moves(bars)), rows)

    definition = f"(close - close of {rows} before) / sum of absolute changes, 0 in a flat market"
    return windowed(
        f"trend_efficiency_{rows}",
        "price",
        rows,
        formula,
        definition,
        "-1 to 1",
        source="Kaufman, Trading Systems (1995)",
    )


def time_columns() -> tuple[Column, ...]:
    """Return hour, weekday and month of the candle's open in UTC, each as a point on a circle."""
    angles: dict[str, tuple[str, Formula]] = {
        "hour": ("hour of the day, minutes included, of 24", _hour),
        "day": ("weekday from Monday, of 7", _day),
        "month": ("month from January, of 12", _month),
    }
    return tuple(
        windowed(
            f"{name}_{wave.__name__}",
            "time",
            0,
            lambda bars, angle=angle, wave=wave: wave(angle(bars)),  # type: ignore[misc]  # bound at once
            f"{wave.__name__} of {words}",
            ANGLE,
        )
        for name, (words, angle) in angles.items()
        for wave in (np.sin, np.cos)
    )


def higher_progress(factor: int) -> Column:
    """Return the part of the forming candle `factor` times as long that has passed at this candle's close."""
    return windowed(
        f"x{factor}_progress",
        "time",
        0,
        lambda bars: (bars.times % (factor * bars.step_ms) + bars.step_ms) / (factor * bars.step_ms),
        f"part of the candle {factor} times as long that has passed at the close",
        "above 0 to 1",
    )


@shared
def _hour(bars: Bars) -> FloatArray:
    return bars.times % DAY_MS / DAY_MS * TURN


@shared
def _day(bars: Bars) -> FloatArray:
    return (bars.times // DAY_MS + FIRST_WEEKDAY) % 7 / 7 * TURN


@shared
def _month(bars: Bars) -> FloatArray:
    months = bars.times.astype("datetime64[ms]").astype("datetime64[M]").astype(np.int64)
    return months % 12 / 12 * TURN
