"""What figures of an account rest on, wherever they are computed."""

from __future__ import annotations

import numpy as np

from domain.arrays import RealArray

YEAR_MS = 365.25 * 24 * 3_600_000


def max_drawdown(equity: RealArray) -> float:
    """Return the largest fall of n values, all above 0 but the last, from a high so far, as a fraction of that high."""
    return float((1.0 - equity / np.maximum.accumulate(equity)).max())
