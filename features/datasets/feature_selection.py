"""Selection of features by their correlation with the target.

Pass training rows alone: a selection made from test rows is a leak.
"""

from __future__ import annotations

import numpy as np

from domain.arrays import FloatArray, RealArray


def correlations(values: RealArray, target: RealArray) -> FloatArray:
    """Return the absolute Pearson correlation of each column with the target, 0 to 1; constant columns get 0.

    It finds linear relations only.

    Args:
        values: Shape (n, columns), finite.
        target: Shape (n,); rows where it is NaN are left out, and fewer than two rows give 0.

    Returns:
        Shape (columns,).
    """
    known = ~np.isnan(target)
    values, target = values[known], target[known]
    if len(target) < 2:
        return np.zeros(values.shape[1])
    centered = values - values.mean(axis=0)
    target = target - target.mean()
    norms = np.sqrt((centered**2).sum(axis=0) * (target**2).sum())
    # The mean of equal values is rounded, so a constant column differs from it by rounding alone.
    varies = (np.ptp(values, axis=0) > 0.0) & (norms > 0.0)
    shares = np.divide(np.abs(target @ centered), norms, out=np.zeros(len(norms)), where=varies)
    limited: FloatArray = np.minimum(shares, 1.0)
    return limited


def selected_columns(values: RealArray, target: RealArray, columns: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Return the `count` columns that correlate most with the target, in the order of the table.

    Of equal columns the first is taken. A count of 0, or of all and more, selects every column.

    Args:
        values: Of training rows, shape (n, columns), finite.
        target: Shape (n,), NaN where unknown.
        columns: Names of the columns.
        count: How many.
    """
    if not 0 < count < len(columns):
        return columns
    strongest = np.argsort(-correlations(values, target), kind="stable")[:count]
    return tuple(columns[at] for at in sorted(strongest.tolist()))
