"""Recursions y[t] = decay · y[t-1] + x[t] without a loop over the candles.

Within a block, y is a lower-triangular matrix of powers of the decay times x; from block to block
only the last value carries on, which is the same recursion with the decay to the power of the
block's length. So a short series is one matrix product, and a long one takes linear time.
All weights lie between 0 and 1, so that rounding never grows.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from domain.arrays import FloatArray

# Series up to WHOLE take one product; longer ones are cut in blocks.
WHOLE = 128
BLOCK = 32
# Blocks in one product: larger products start a second thread, which costs more than it saves.
TOGETHER = 128


def decayed(values: FloatArray, decay: float) -> FloatArray:
    """Return y[t] = decay · y[t-1] + values[t] with y[-1] = 0, along the last axis.

    A series is NaN from its first value on that is not finite: a matrix product would carry it into
    earlier rows of its block as well.
    """
    smoothed = _decayed(values, decay)
    last = smoothed[..., -1]
    if math.isfinite(last if last.ndim == 0 else np.add.reduce(last, axis=None)):
        return smoothed
    if values.ndim > 1:
        return np.array([decayed(row, decay) for row in values])
    endless = np.flatnonzero(~np.isfinite(values))
    known = int(endless[0]) if len(endless) else len(values)
    smoothed = np.full(len(values), np.nan)
    if known:
        smoothed[:known] = _decayed(values[:known], decay)
    return smoothed


def exponential(values: FloatArray, alpha: float) -> FloatArray:
    """Return the average y[t] = y[t-1] + alpha · (values[t] - y[t-1]), which begins with the first value."""
    shares = values * alpha
    shares[..., 0] = values[..., 0]
    return decayed(shares, 1 - alpha)


def ema(values: FloatArray, period: int) -> FloatArray:
    """Return the exponential average with alpha 2 / (period + 1), without its first `period - 1` values."""
    return exponential(values, 2 / (period + 1))[..., period - 1 :]


def wilder(values: FloatArray, period: int) -> FloatArray:
    """Return Wilder's average: the mean of the first `period` values, then 1 / period of each new one."""
    shares = values[..., period - 1 :] / period
    shares[..., 0] = np.add.reduce(values[..., :period], axis=-1) / period
    return decayed(shares, 1 - 1 / period)


def varying(values: FloatArray, alphas: FloatArray) -> FloatArray:
    """Return y[t] = y[t-1] + alphas[t] · (values[t] - y[t-1]) from y[0] = values[0]; alphas within 0 to 0.5.

    Within a block, y is the product of the decays times the sum of what each value adds over the
    product up to it. Values must be positive: then nothing cancels, and half to the power of the
    block's length is far from underflow.
    """
    if values.ndim > 1:
        return np.array([varying(*series) for series in zip(values, alphas, strict=True)])
    count = len(values)
    rows = -(-count // BLOCK)
    decays, added = np.ones(rows * BLOCK), np.zeros(rows * BLOCK)
    decays[1:count] = 1 - alphas[1:]
    added[1:count] = alphas[1:] * values[1:]
    added[0] = values[0]
    products = np.cumprod(decays.reshape(rows, BLOCK), axis=1)
    sums = np.cumsum(added.reshape(rows, BLOCK) / products, axis=1)
    carry, carries = 0.0, []
    for product, total in zip(products[:, -1].tolist(), sums[:, -1].tolist(), strict=True):
        carries.append(carry)
        carry = product * (carry + total)
    sums += np.array(carries)[:, None]
    averages: FloatArray = products * sums
    return averages.reshape(-1)[:count]


def _decayed(values: FloatArray, decay: float) -> FloatArray:
    count = values.shape[-1]
    if count <= WHOLE:
        weights = _weights(decay, WHOLE)[:count, :count].T
        # One product for each series: a product of all would round each by its place among them.
        short: FloatArray = (
            np.matmul(values, weights) if values.ndim == 1 else np.matmul(values[..., None, :], weights)[..., 0, :]
        )
        return short
    # Padded in front: zeros before the first value have no effect.
    series, blocks = values.shape[:-1], -(-count // BLOCK)
    padded = np.zeros((*series, blocks * BLOCK))
    padded[..., blocks * BLOCK - count :] = values
    powers = _powers(decay)
    cut, weights = padded.reshape(*series, blocks, BLOCK), _weights(decay, BLOCK).T
    smoothed = np.empty(cut.shape)
    for start in range(0, blocks, TOGETHER):
        part = (..., slice(start, start + TOGETHER), slice(None))
        np.matmul(cut[part], weights, out=smoothed[part])
    carries = _decayed(smoothed[..., :-1, -1], float(powers[-1]))
    smoothed[..., 1:, :] += carries[..., None] * powers
    long: FloatArray = smoothed.reshape(*series, blocks * BLOCK)[..., blocks * BLOCK - count :]
    return long


@lru_cache(maxsize=64)
def _weights(decay: float, length: int) -> FloatArray:
    """Return the matrix with decay ** (row - column) on and below the diagonal, 0 above."""
    ages = np.subtract.outer(np.arange(length), np.arange(length))
    return np.where(ages >= 0, np.power(decay, np.maximum(ages, 0)), 0.0)


@lru_cache(maxsize=64)
def _powers(decay: float) -> FloatArray:
    """Return decay ** 1, decay ** 2, … of a block."""
    return np.power(decay, np.arange(1, BLOCK + 1))
