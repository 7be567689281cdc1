"""What learners read of a window: all of it, its newest row, or a row of statistics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from domain.arrays import RealArray
from features.datasets.windows import Windows
from models.architectures.outputs import InputKind

STATISTICS = ("last", "mean", "deviation", "change")
_ROWS_AT_ONCE = 1024


def inputs_of(kind: InputKind, windows: RealArray) -> RealArray:
    """Return what a learner reads of windows, float32.

    Args:
        kind: The windows themselves; `newest`: their last rows, shape (n, features); `summary`: see `summarize`.
        windows: Shape (n, sequence_length, features), float32.
    """
    if kind == "summary":
        return summarize(windows)
    return windows[:, -1] if kind == "newest" else windows


def input_shape(kind: InputKind, sequence_length: int, features: int) -> tuple[int, ...]:
    """Return the shape of what a learner reads of one window."""
    if kind == "window":
        return sequence_length, features
    return (features,) if kind == "newest" else (len(STATISTICS) * features,)


def newest_rows_of(windows: Windows) -> RealArray:
    """Return the last row of every window, shape (n, features)."""
    rows: RealArray = windows.rows[windows.ends]
    return rows


def summarize(windows: RealArray) -> RealArray:
    """Return the last row of each window with mean, deviation and change (last minus first) of every column.

    A window gives the same bits alone and among others: training and serving see the same numbers.

    Args:
        windows: Shape (n, sequence_length, features).

    Returns:
        Shape (n, 4 * features) float32, statistic by statistic as `summary_columns` names them.
    """
    # Time first: whole rows are added one after the other, in an order that does not depend on n.
    by_time = np.ascontiguousarray(windows.transpose(1, 0, 2), dtype=np.float64)
    last, mean = by_time[-1], by_time.mean(axis=0)
    deviation = np.sqrt(np.square(by_time - mean).mean(axis=0))
    return np.concatenate([last, mean, deviation, last - by_time[0]], axis=1).astype(np.float32)


def summaries(windows: Windows) -> RealArray:
    """Return the summary of every window, shape (n, 4 * features); a few windows at a time are copied out."""
    parts = [summarize(values) for values, _ in windows.batches(_ROWS_AT_ONCE)]
    return np.concatenate(parts) if parts else np.empty((0, len(STATISTICS) * windows.rows.shape[1]), np.float32)


def summary_columns(features: Sequence[str]) -> tuple[str, ...]:
    """Return the names of a summary's columns."""
    return tuple(f"{name}_{statistic}" for statistic in STATISTICS for name in features)
