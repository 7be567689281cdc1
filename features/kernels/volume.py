"""Volume: amounts traded, and the moves that they were traded on."""

from __future__ import annotations

import numpy as np

from domain.arrays import FloatArray
from features.kernels.candles import Candles, moves, returns, share, shared, typical
from features.kernels.momentum import percent_change
from features.kernels.recursions import ema
from features.kernels.windows import rolling_mean, rolling_sum

# `ta` gives the ease of movement for volumes in hundreds of millions.
EASE_SCALE = 1e8
FIRST_INDEX = 1000.0


def obv(candles: Candles) -> FloatArray:
    """Return the running total of the volume, less where the close falls; the first candle counts as rising."""
    signed = candles.volume.copy()
    signed[..., 1:] *= np.where(moves(candles) < 0, -1.0, 1.0)
    return signed.cumsum(axis=-1)


def vpt(candles: Candles) -> FloatArray:
    """Return the running total of the volume times the relative change of the close."""
    return (returns(candles) * candles.volume[..., 1:]).cumsum(axis=-1)


@shared
def _accumulated(candles: Candles) -> FloatArray:
    """Return the volume of each candle times -1 for a close on its low to 1 on its high; 0 without a range."""
    spread = candles.high - candles.low
    position = (candles.close - candles.low) - (candles.high - candles.close)
    return share(position, spread) * candles.volume


def adi(candles: Candles) -> FloatArray:
    """Return the running total of accumulation less distribution."""
    return _accumulated(candles).cumsum(axis=-1)


@shared
def volume_sum(candles: Candles, period: int) -> FloatArray:
    """Return the volume of `period` candles."""
    return rolling_sum(candles.volume, period)


def cmf(candles: Candles, period: int) -> FloatArray:
    """Return accumulation less distribution over the volume; NaN without volume."""
    return rolling_sum(_accumulated(candles), period) / volume_sum(candles, period)


def force_index(candles: Candles, period: int) -> FloatArray:
    """Return the EMA of the move times the volume."""
    return ema(moves(candles) * candles.volume[..., 1:], period)


def ease_of_movement(candles: Candles, period: int) -> FloatArray:
    """Return the SMA of the move of the candles' middle times their range over their volume; NaN without volume."""
    spread, volume = candles.high - candles.low, candles.volume
    middles = candles.high + candles.low
    ease = (middles[1:] - middles[:-1]) * spread[1:] / volume[1:]
    return rolling_mean(ease, period) * (EASE_SCALE / 2)


def mfi(candles: Candles, period: int) -> FloatArray:
    """Return the turnover on rising typical prices, over that on rising and falling ones; NaN without turnover."""
    price = typical(candles)
    turnover = price[1:] * candles.volume[1:]
    rises = rolling_sum(turnover * (price[1:] > price[:-1]), period)
    falls = rolling_sum(turnover * (price[1:] < price[:-1]), period)
    return 100 * (rises / (rises + falls))


def nvi(candles: Candles) -> FloatArray:
    """Return an index, 1000 at first, that follows the close where the volume falls."""
    factors = np.empty(candles.close.shape)
    factors[..., 0] = FIRST_INDEX
    close, volume = candles.close, candles.volume
    fallen = volume[..., 1:] < volume[..., :-1]
    factors[..., 1:] = np.where(fallen, close[..., 1:] / close[..., :-1], 1.0)
    index: FloatArray = np.multiply.accumulate(factors, axis=-1)
    return index


def vwap(candles: Candles, period: int) -> FloatArray:
    """Return the average of the typical price weighted by volume; NaN without volume."""
    return rolling_sum(typical(candles) * candles.volume, period) / volume_sum(candles, period)


def volume_sma(candles: Candles, period: int) -> FloatArray:
    """Return the mean volume."""
    return volume_sum(candles, period) / period


def volume_ratio(candles: Candles, period: int) -> FloatArray:
    """Return the volume over its mean; NaN without volume."""
    return candles.volume[period - 1 :] / (volume_sum(candles, period) / period)


def volume_roc(candles: Candles, period: int) -> FloatArray:
    """Return the percent change of the volume; NaN after a candle without any."""
    return percent_change(candles.volume, period)
