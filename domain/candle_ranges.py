"""High and low that lie a little inside open or close: how much, and the candle that was meant."""

from __future__ import annotations

import numpy as np

from domain.arrays import FloatArray

# One step of floating-point arithmetic, as a share of the price: adjusted prices are off by that.
ROUNDING_SHARE = 1e-9


def widened(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return rows whose high and low take in open and close, and by how much each row was widened.

    Args:
        values: n rows of open, high, low, close and possibly more, the prices above 0.

    Returns:
        The rows, those without an excess untouched, and n excesses as shares of the close: 0 where open and
        close lie in low..high, infinite where low is above high, which nothing explains.
    """
    open_, high, low, close = values[:, 0], values[:, 1], values[:, 2], values[:, 3]
    top, bottom = np.maximum(open_, close), np.minimum(open_, close)
    excess: FloatArray = np.maximum(np.maximum(top - high, low - bottom), 0.0) / close
    if not excess.any():
        return values, excess
    excess[low > high * (1 + ROUNDING_SHARE)] = np.inf
    repaired = values.copy()
    repaired[:, 1], repaired[:, 2] = np.maximum(top, high), np.minimum(bottom, low)
    return repaired, excess
