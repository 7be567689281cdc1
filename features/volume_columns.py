"""Volume columns: the running totals of the textbooks, as rolling shares that forget where they began."""

from __future__ import annotations

import numpy as np

from features.bars import Bars
from features.columns import Column, windowed
from features.kernels.candles import FloatArray
from features.rolling import change, rolling_mean, rolling_std, rolling_sum


def volume_balance(rows: int) -> Column:
    """Return the change of the on-balance volume over `rows` candles as a share of all volume."""

    def formula(bars: Bars) -> FloatArray:
        return rolling_sum(np.sign(bars.returns) * bars.volume, rows) / rolling_sum(bars.volume, rows)

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
        return rolling_sum(bars.returns * bars.volume, rows) / rolling_sum(bars.volume, rows)

    definition = f"mean of {rows} returns weighted by volume, 0 without volume"
    return windowed(f"vpt_mean_{rows}", "volume", rows, formula, definition, "fraction")


def volume_comparison(fast: int, slow: int) -> Column:
    """Return the recent over the usual volume."""
    return windowed(
        f"volume_mean_ratio_{fast}_{slow}",
        "volume",
        slow - 1,
        lambda bars: rolling_mean(bars.volume, fast) / rolling_mean(bars.volume, slow),
        f"mean volume of {fast} / of {slow} candles, 1 without volume",
        f"ratio, 0 to {slow / fast:g}",
        neutral=1.0,
    )


def volume_variation(rows: int) -> Column:
    """Return how uneven the volume was: its standard deviation over its mean."""
    return windowed(
        f"volume_variation_{rows}",
        "volume",
        rows - 1,
        lambda bars: rolling_std(bars.volume, rows) / rolling_mean(bars.volume, rows),
        f"standard deviation / mean of the volume of {rows} candles, 0 without volume",
        "ratio, from 0",
    )


def range_per_volume(rows: int) -> Column:
    """Return the mean absolute return per share of usual volume: high where little volume moves the price."""

    def formula(bars: Bars) -> FloatArray:
        usual = _share_of_usual(bars, rows)
        return np.abs(bars.returns) / np.where(usual > 0, usual, np.nan)

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

    def formula(bars: Bars) -> FloatArray:
        usual = _share_of_usual(bars, rows)
        middle = (bars.high + bars.low) / 2
        return change(middle, 1) * (bars.high - bars.low) / bars.close / usual

    definition = (
        f"change of (high + low) / 2 * (high - low) / close / (volume / mean volume of {rows}), 0 without volume"
    )
    return windowed(
        f"ease_of_movement_{rows}",
        "volume",
        max(1, rows - 1),
        formula,
        definition,
        "unbounded, around 0",
        source="Arms, Volume Cycles in the Stock Market (1994), normalized",
    )


def _share_of_usual(bars: Bars, rows: int) -> FloatArray:
    return bars.volume / rolling_mean(bars.volume, rows)
