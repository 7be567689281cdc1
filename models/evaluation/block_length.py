"""How many successive rows of a block bootstrap belong together, from the rows themselves."""

from __future__ import annotations

from math import ceil, log10, sqrt

import numpy as np

from domain.arrays import FloatArray

# So many autocorrelations in a row within chance are the end of the dependence; fewer may be chance.
_RUN = 5


def best_block(values: FloatArray) -> float:
    """Return the length of the blocks with which a circular bootstrap misjudges the error of the mean least, >= 1.

    It grows with the cube root of n, and with how slowly the autocorrelations fade. They count up to twice the lag
    after which five in a row are within chance, by a flat-top window.

    Args:
        values: n >= 1 values in the order of time.

    Source: Politis and White, Automatic Block-Length Selection for the Dependent Bootstrap (2004), with the correction
    of Patton, Politis and White (2009), for the circular bootstrap.
    """
    count = len(values)
    farthest = min(ceil(sqrt(count)) + _RUN, count - 1)
    products = _autocovariances(values, farthest)
    # Of values that do not vary, this is rounding.
    if farthest <= _RUN or products[0] <= 1e-18 * float(values @ values) / count:
        return 1.0
    within_chance = np.abs(products[1:] / products[0]) < 2.0 * sqrt(log10(count) / count)
    fading = np.convolve(within_chance, np.ones(_RUN), "valid") == _RUN
    last = int(fading.argmax()) if fading.any() else int(np.flatnonzero(~within_chance)[-1]) + 1
    lags = np.arange(1, min(2 * max(last, 1), farthest) + 1)
    # 1 up to half of the lags, then down to 0.
    weighted = np.clip(2.0 - 2.0 * lags / lags[-1], 0.0, 1.0) * products[lags]
    slope, density = 2.0 * float(lags @ weighted), float(products[0] + 2.0 * weighted.sum())
    if density <= 0.0:
        return 1.0
    return float(np.clip((1.5 * count * (slope / density) ** 2) ** (1 / 3), 1.0, min(3.0 * sqrt(count), count / 3)))


def _autocovariances(values: FloatArray, farthest: int) -> FloatArray:
    """Return the autocovariances from lag 0 to the farthest one, shape (farthest + 1,)."""
    centered = values - values.mean()
    size = 1 << (len(values) + farthest).bit_length()
    spectrum = np.abs(np.fft.rfft(centered, size)) ** 2
    products: FloatArray = np.fft.irfft(spectrum, size)[: farthest + 1] / len(values)
    return products
