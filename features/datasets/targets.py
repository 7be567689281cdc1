"""Targets that a model learns, made from later candles and unknown until those have closed.

Row i is decided at the close of candle i. A target with a horizon of h candles is known at the
close of candle i + h, so its last h rows are NaN, and so is every row without h unbroken candles
after it. A model that is trained on row i may not be tested on a row up to i + h: see `splits`.

`runs` below is the run of each row from `candle_checks.unbroken_runs`. It has no default: None counts
the horizon in rows, across gaps and filled candles.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from domain.arrays import BoolArray, FloatArray, IntArray
from features.datasets.candle_checks import NO_RUN

# Returns that the size of a usual move is taken from.
TYPICAL_CANDLES = 50

# The horizons of a multi-horizon target that carry a drawdown and a rally: the second and the fourth.
RISK_HORIZONS = (1, 3)


class TradeClass(IntEnum):
    """The three classes, in the order of a model's outputs."""

    SELL = 0
    HOLD = 1
    BUY = 2


def forward_returns(closes: FloatArray, horizon: int, runs: IntArray | None) -> FloatArray:
    """Return the relative change of the close over the next `horizon` candles, as a fraction.

    Known at the close of candle i + horizon.

    Args:
        closes: n closes, > 0, oldest first.
        horizon: Candles ahead, >= 1.
        runs: Run of each row, or None to compute across gaps.
    """
    returns = np.full(len(closes), np.nan)
    rows = _rows_with_future(len(closes), horizon, runs)
    returns[rows] = closes[rows + horizon] / closes[rows] - 1.0
    return returns


def over_break(times_ms: IntArray, horizon: int, length_ms: int) -> BoolArray:
    """Return for n candles whether the next `horizon` candles take longer than they trade: over a night or a weekend.

    False for the last `horizon` candles.
    """
    longer = np.zeros(len(times_ms), dtype=np.bool_)
    longer[:-horizon] = times_ms[horizon:] - times_ms[:-horizon] > horizon * length_ms
    return longer


def multi_horizon_returns(closes: FloatArray, horizons: Sequence[int], runs: IntArray | None) -> FloatArray:
    """Return the forward returns of several horizons, shape (n, horizons), as fractions.

    Each column is known at its own horizon; a row as a whole at the longest.
    """
    columns = [forward_returns(closes, horizon, runs) for horizon in horizons]
    return np.column_stack(columns) if columns else np.empty((len(closes), 0))


def binary_target(returns: FloatArray) -> FloatArray:
    """Return 1 where the price rises and 0 where it falls; known when the return is.

    An unchanged price is NaN: it is neither, and counting it as a fall would bias the model to Short.
    """
    return np.where(np.isnan(returns) | (returns == 0.0), np.nan, (returns > 0.0).astype(np.float64))


def soft_target(returns: FloatArray, threshold: float) -> FloatArray:
    """Return 0.5 + return * 0.5 / threshold, clipped to 0..1; known when the return is.

    Score a model by the sign of the return: accuracy has no meaning for labels between 0 and 1.

    Args:
        returns: Forward returns as fractions.
        threshold: Return, >= 0, from which the target is 1; with 0 the target is the sign of the return.

    Source: FR-AI-008 of the specification, whose slope does not meet its own threshold, made continuous.
    """
    if threshold == 0.0:
        return 0.5 + 0.5 * np.sign(returns)
    return np.clip(0.5 + returns * 0.5 / threshold, 0.0, 1.0)


def hold_thresholds(closes: FloatArray, deviations: float) -> FloatArray:
    """Return the largest move per candle that still counts as HOLD, as a fraction.

    A fixed threshold would measure the volatility of the market more than its direction: few hours move
    by more than 0.5 %.

    Args:
        closes: n closes, > 0, oldest first.
        deviations: Standard deviations of the newest 50 returns, > 0.

    Returns:
        n fractions, of the returns so far while there are fewer than 50; NaN for the first two.
    """
    import pandas as pd

    changes = pd.Series(closes).pct_change()
    return deviations * changes.rolling(TYPICAL_CANDLES, min_periods=2).std().to_numpy()


def three_class_target(returns: FloatArray, thresholds: FloatArray) -> FloatArray:
    """Return the `TradeClass` of each return; known when the return and its threshold are.

    Args:
        returns: Forward returns as fractions, of any shape.
        thresholds: Fractions, >= 0, that fit that shape; a move no larger in either direction is HOLD.
    """
    classes = np.full(returns.shape, float(TradeClass.HOLD))
    classes[returns > thresholds] = TradeClass.BUY
    classes[returns < -thresholds] = TradeClass.SELL
    return np.where(np.isnan(returns) | np.isnan(thresholds), np.nan, classes)


def future_drawdowns(closes: FloatArray, lows: FloatArray, horizon: int, runs: IntArray | None) -> FloatArray:
    """Return how far the price falls below the close within the next `horizon` candles.

    Known at the close of candle i + horizon.

    Args:
        closes: n closes, > 0, oldest first.
        lows: n lows.
        horizon: Candles ahead, >= 1.
        runs: Run of each row, or None to compute across gaps.

    Returns:
        n fractions <= 0: the worst loss of a long position; 0 where the price never falls below the close.
    """
    drawdowns = np.full(len(closes), np.nan)
    rows = _rows_with_future(len(closes), horizon, runs)
    if len(rows):
        lowest = sliding_window_view(lows[1:], horizon).min(axis=1)
        drawdowns[rows] = np.minimum(0.0, lowest[rows] / closes[rows] - 1.0)
    return drawdowns


def future_rallies(closes: FloatArray, highs: FloatArray, horizon: int, runs: IntArray | None) -> FloatArray:
    """Return how far the price rises above the close within the next `horizon` candles.

    The opposite of `future_drawdowns`: n fractions >= 0, known at the close of candle i + horizon.
    """
    rallies = np.full(len(closes), np.nan)
    rows = _rows_with_future(len(closes), horizon, runs)
    if len(rows):
        highest = sliding_window_view(highs[1:], horizon).max(axis=1)
        rallies[rows] = np.maximum(0.0, highest[rows] / closes[rows] - 1.0)
    return rallies


def multi_horizon_target(
    closes: FloatArray,
    highs: FloatArray,
    lows: FloatArray,
    horizons: Sequence[int],
    thresholds: FloatArray,
    runs: IntArray | None,
) -> FloatArray:
    """Return the target of PatchTST, shape (n, 12); each column is known at its own horizon, a row at the longest.

    Four forward returns, their four `TradeClass`es, the drawdowns of the second and the fourth horizon,
    and the rallies of the same two.

    Args:
        closes: n closes, > 0, oldest first.
        highs: n highs.
        lows: n lows.
        horizons: Four numbers of candles ahead, each >= 1.
        thresholds: n fractions, from `hold_thresholds`; a horizon's grows with the root of its length.
        runs: Run of each row, or None to compute across gaps.
    """
    returns = multi_horizon_returns(closes, horizons, runs)
    risky = [horizons[at] for at in RISK_HORIZONS]
    return np.column_stack(
        [
            returns,
            three_class_target(returns, thresholds[:, None] * np.sqrt(horizons)),
            *(future_drawdowns(closes, lows, horizon, runs) for horizon in risky),
            *(future_rallies(closes, highs, horizon, runs) for horizon in risky),
        ]
    )


def _rows_with_future(count: int, horizon: int, runs: IntArray | None) -> IntArray:
    """Return the rows that have `horizon` rows after them, in the same run."""
    if horizon < 1:
        raise ValueError(f"a target needs a horizon of 1 candle or more, received {horizon}")
    rows = np.arange(max(0, count - horizon))
    if runs is None:
        return rows
    unbroken: BoolArray = (runs[rows] == runs[rows + horizon]) & (runs[rows] != NO_RUN)
    return rows[unbroken]
