"""Volume columns: running totals as rolling shares, which do not depend on the first candle."""

from __future__ import annotations

import numpy as np

from domain.arrays import FloatArray
from features.columns.bars import Bars
from features.columns.column import Column, windowed
from features.kernels.candles import change, newest, returns
from features.kernels.volume import volume_sum
from features.kernels.windows import rolling_deviation, rolling_sum


def volume_balance(rows: int) -> Column:
    """Return the change of the on-balance volume over `rows` candles as a share of all volume."""

    def formula(bars: Bars) -> FloatArray:
        return rolling_sum(np.sign(returns(bars)) * bars.volume[1:], rows) / volume_sum(bars, rows)[1:]

    definition = f"(volume of rising - of falling candles) / volume of {rows} candles, 0 without volume"
    return windowed(
        f"obv_balance_{rows}",
        "volume",
        rows,
        formula,
        definition,
        "-1 all on falling to 1 all on rising candles",
        source="Granville, New Key to Stock Market Profits (1963), normalized",
    )


def volume_price_trend(rows: int) -> Column:
    """Return the change of the volume-price trend over `rows` candles per unit of volume."""

    def formula(bars: Bars) -> FloatArray:
        return rolling_sum(returns(bars) * bars.volume[1:], rows) / volume_sum(bars, rows)[1:]

    definition = f"mean of {rows} returns weighted by volume, 0 without volume"
    return windowed(f"vpt_mean_{rows}", "volume", rows, formula, definition, "fraction")


def volume_comparison(fast: int, slow: int) -> Column:
    """Return the mean volume of `fast` candles over that of `slow` candles."""
    return windowed(
        f"volume_mean_ratio_{fast}_{slow}",
        "volume",
        slow - 1,
        lambda bars: volume_sum(bars, fast)[slow - fast :] / volume_sum(bars, slow) * (slow / fast),
        f"mean volume of {fast} / of {slow} candles, 1 without volume",
        f"ratio, 0 to {slow / fast:g}",
        neutral=1.0,
    )


def volume_variation(rows: int) -> Column:
    """Return the standard deviation of the volume over its mean."""
    return windowed(
        f"volume_variation_{rows}",
        "volume",
        rows - 1,
        lambda bars: rolling_deviation(bars.volume, rows) / volume_sum(bars, rows) * rows,
        f"standard deviation / mean of the volume of {rows} candles, 0 without volume",
        "ratio, from 0",
    )


def range_per_volume(rows: int) -> Column:
    """Return the mean absolute return per share of usual volume: high where a small volume moves the price."""

    def formula(bars: Bars) -> FloatArray:
        usual = _share_of_usual(bars, rows)
        return newest(np.abs(returns(bars)), len(bars) - rows) / np.where(usual > 0, usual, np.nan)[1:]

    definition = f"absolute return / (volume / mean volume of {rows} candles), 0 without volume"
    return windowed(
        f"illiquidity_{rows}",
        "volume",
        rows,
        formula,
        definition,
        "fraction, from 0",
        source="Amihud, Illiquidity and Stock Returns (2002), normalized",
    )


def ease_of_movement(rows: int) -> Column:
    """Return how far the middle of the candle moves per share of usual volume, times the range; both of the price."""
    warm_up = max(1, rows - 1)

    def formula(bars: Bars) -> FloatArray:
        usual = _share_of_usual(bars, rows)
        moves = change(bars.high + bars.low, 1) * (bars.high - bars.low)[1:] / bars.close[1:]
        return newest(moves, len(bars) - warm_up) / newest(usual, len(bars) - warm_up)

    definition = (
        f"change of (high + low) / 2 * (high - low) / close / (volume / mean volume of {rows}), 0 without volume"
    )
    return windowed(
        f"ease_of_movement_{rows}",
        "volume",
        warm_up,
        formula,
        definition,
        "unbounded, around 0",
        source="Arms, Volume Cycles in the Stock Market (1994), normalized",
    )


def _share_of_usual(bars: Bars, rows: int) -> FloatArray:
    return bars.volume[rows - 1 :] / volume_sum(bars, rows) * rows
