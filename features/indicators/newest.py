"""The newest indicators of the rules in many windows of one series at once.

What depends on the candles before it alone is computed once for all windows. What depends on where a window
begins, such as an average with a seed, is computed for many windows of one length together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from domain.arrays import FloatArray, IntArray
from features.families.family import Indicator
from features.indicators.catalogue import after_warm_up, compute
from features.indicators.derived import newest_percentile, range_percent, volume_balance
from features.kernels.candles import Candles

# Windows that are computed together: an array of them fits into the processor's cache.
TOGETHER = 128


def newest(
    values: FloatArray, starts: IntArray, ends: IntArray, columns: Mapping[str, Indicator], volume_period: int
) -> dict[str, FloatArray]:
    """Return the newest value of each column of the rules in each of m windows; not finite where there is none.

    Args:
        values: Array of shape (n, 5): open, high, low, close, volume.
        starts: Position of the first candle of each window, m >= 1 numbers.
        ends: Position after its last candle, m numbers.
        columns: Indicators by the rules' names; "average_true_range" is one.
        volume_period: Candles of the balance of the volume.
    """
    first = int(starts.min())
    candles, at, lengths = Candles(values[first : ends.max()].T), ends - 1 - first, ends - starts
    found = compute(candles, [wanted for wanted in columns.values() if wanted.rolling])
    table = {
        name: np.where(lengths > wanted.warm_up, found[wanted.name][at], np.nan)
        if wanted.rolling
        else np.full(len(at), np.nan)
        for name, wanted in columns.items()
    }
    percents, ranks = np.full(len(at), np.nan), np.full(len(at), np.nan)
    with np.errstate(all="ignore"):
        balance = np.where(lengths > volume_period, volume_balance(candles, volume_period)[at], np.nan)
        for places, windows in _of_one_length(values, starts, lengths):
            for name, wanted in columns.items():
                if not wanted.rolling and len(windows) > wanted.warm_up:
                    column = after_warm_up(windows, wanted, "fast")
                    table[name][places] = column[:, -1]
                    if name == "average_true_range":
                        percent = range_percent(column, windows.close[:, wanted.warm_up :])
                        percents[places], ranks[places] = percent[:, -1], newest_percentile(percent)
    return {
        "close": candles.close[at],
        **table,
        "average_true_range_percent": percents,
        "average_true_range_percentile": ranks,
        "volume_balance": balance,
    }


def _of_one_length(values: FloatArray, starts: IntArray, lengths: IntArray) -> Iterator[tuple[IntArray, Candles]]:
    """Yield windows of one length, at most `TOGETHER`, with their places among all."""
    for length in np.unique(lengths).tolist():
        places = np.flatnonzero(lengths == length)
        offsets = np.arange(length)
        for begin in range(0, len(places), TOGETHER):
            some = places[begin : begin + TOGETHER]
            rows = values[starts[some, None] + offsets]
            yield some, Candles(rows.transpose(2, 0, 1))
