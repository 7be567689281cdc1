"""Candlestick patterns, breakouts and turning points as columns of 0 and 1.

A turning point is reported at the close of the last candle that confirms it, not at its own row.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from domain.arrays import BoolArray, FloatArray
from features.columns.bars import Bars
from features.columns.column import PLAIN, Column, windowed
from features.kernels.candles import returns
from features.kernels.volatility import donchian_lower, donchian_upper
from features.kernels.windows import rolling_max

# Body of a doji at most, as a share of the range.
DOJI_BODY = 0.1
# Of a hammer: the long shadow in bodies at least, the short one as a share of the range at most.
LONG_SHADOW, SHORT_SHADOW = 2.0, 0.1
# Body of a marubozu at least, as a share of the range.
FULL_BODY = 0.9
# Candles on each side that confirm a turning point.
TURN_SIDES = 3
# Longer streaks count as this long, so that the column needs no longer history.
LONGEST_STREAK = 10
NISON = "Nison, Japanese Candlestick Charting Techniques (1991)"
DONCHIAN = "Donchian's channel breakout"
YES_NO = "0 or 1"

_Condition = Callable[[Bars], BoolArray]


def pattern_columns() -> tuple[Column, ...]:
    """Return the patterns of one or two candles."""
    return (
        _pattern("doji", 0, _doji, f"|close - open| <= {DOJI_BODY:g} (high - low), with a range"),
        _pattern(
            "hammer",
            0,
            lambda bars: _pinned(bars, _lower_shadow(bars), _upper_shadow(bars)),
            f"lower shadow >= {LONG_SHADOW:g} bodies, upper shadow <= {SHORT_SHADOW:g} of the range, with a body",
        ),
    )


def more_pattern_columns() -> tuple[Column, ...]:
    """Return the patterns that only the wide set has."""
    return (
        _pattern(
            "shooting_star",
            0,
            lambda bars: _pinned(bars, _upper_shadow(bars), _lower_shadow(bars)),
            f"upper shadow >= {LONG_SHADOW:g} bodies, lower shadow <= {SHORT_SHADOW:g} of the range, with a body",
        ),
        _pattern(
            "marubozu",
            0,
            lambda bars: (_body(bars) >= FULL_BODY * (bars.high - bars.low)) & (bars.high > bars.low),
            f"|close - open| >= {FULL_BODY:g} (high - low), with a range",
        ),
        _pattern("engulfing_up", 1, lambda bars: _engulfing(bars, 1.0), "rising body covers the falling one before"),
        _pattern("engulfing_down", 1, lambda bars: _engulfing(bars, -1.0), "falling body covers the rising one before"),
        _pattern(
            "inside_bar",
            1,
            lambda bars: (bars.high[1:] < bars.high[:-1]) & (bars.low[1:] > bars.low[:-1]),
            "high and low within those before",
        ),
        _pattern(
            "outside_bar",
            1,
            lambda bars: (bars.high[1:] > bars.high[:-1]) & (bars.low[1:] < bars.low[:-1]),
            "high and low beyond those before",
        ),
        windowed(
            "streak",
            "pattern",
            LONGEST_STREAK,
            _streak,
            f"closes in a row that rose, or minus those that fell, at most {LONGEST_STREAK}",
            f"-{LONGEST_STREAK} to {LONGEST_STREAK}",
        ),
    )


def breakout_columns(rows: int) -> tuple[Column, ...]:
    """Return whether the close left the range of the `rows` candles before it."""
    return (
        _pattern(
            f"breakout_up_{rows}",
            rows,
            lambda bars: bars.close[rows:] > donchian_upper(bars, rows)[:-1],
            f"close > highest high of the {rows} candles before",
            DONCHIAN,
        ),
        _pattern(
            f"breakout_down_{rows}",
            rows,
            lambda bars: bars.close[rows:] < donchian_lower(bars, rows)[:-1],
            f"close < lowest low of the {rows} candles before",
            DONCHIAN,
        ),
    )


def turning_point_columns(sides: int = TURN_SIDES) -> tuple[Column, ...]:
    """Return whether this close confirms the candle `sides` before as a local high or low."""
    return (
        _pattern(
            f"local_high_{sides}",
            2 * sides,
            lambda bars: _confirmed_top(bars.high, sides),
            f"high of {sides} before > the highs of the {sides} candles on each of its sides",
            PLAIN,
        ),
        _pattern(
            f"local_low_{sides}",
            2 * sides,
            lambda bars: _confirmed_top(-bars.low, sides),
            f"low of {sides} before < the lows of the {sides} candles on each of its sides",
            PLAIN,
        ),
    )


def _pattern(name: str, rows: int, formula: _Condition, definition: str, source: str = NISON) -> Column:
    return windowed(
        name, "pattern", rows, lambda bars: formula(bars).astype(np.float64), definition, YES_NO, source=source
    )


def _body(bars: Bars) -> FloatArray:
    return np.abs(bars.close - bars.open)


def _upper_shadow(bars: Bars) -> FloatArray:
    return bars.high - np.maximum(bars.open, bars.close)


def _lower_shadow(bars: Bars) -> FloatArray:
    return np.minimum(bars.open, bars.close) - bars.low


def _doji(bars: Bars) -> BoolArray:
    return (_body(bars) <= DOJI_BODY * (bars.high - bars.low)) & (bars.high > bars.low)


def _pinned(bars: Bars, long_shadow: FloatArray, short_shadow: FloatArray) -> BoolArray:
    body = _body(bars)
    return (body > 0) & (long_shadow >= LONG_SHADOW * body) & (short_shadow <= SHORT_SHADOW * (bars.high - bars.low))


def _engulfing(bars: Bars, direction: float) -> BoolArray:
    """Return where a body in `direction` covers the opposite body before it and is larger."""
    opened, closed = direction * bars.open, direction * bars.close
    opened, closed, opened_before, closed_before = opened[1:], closed[1:], opened[:-1], closed[:-1]
    covers = (opened <= closed_before) & (closed >= opened_before)
    return covers & (closed_before < opened_before) & (closed - opened > opened_before - closed_before)


def _streak(bars: Bars) -> FloatArray:
    directions = np.sign(returns(bars))
    newest_one = directions[LONGEST_STREAK - 1 :]
    streak, unbroken = newest_one.copy(), np.ones(len(newest_one), dtype=bool)
    for rows in range(1, LONGEST_STREAK):
        unbroken &= directions[LONGEST_STREAK - 1 - rows : -rows] == newest_one
        streak += np.where(unbroken, newest_one, 0.0)
    return streak


def _confirmed_top(values: FloatArray, sides: int) -> BoolArray:
    center, highest = values[sides:-sides], rolling_max(values, sides)
    return (center > highest[sides + 1 :]) & (center > highest[: -sides - 1])
