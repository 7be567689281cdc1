"""How much each column lowered the loss of trees in training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from domain.arrays import FloatArray
from domain.values import Frozen, Share

MAX_COLUMNS = 20


class ColumnImportance(Frozen):
    """A column, and its share of the gain of all splits, 0..1; of a summary all statistics of it together."""

    column: str
    share: Share


def importances_of(gains: FloatArray | None, columns: Sequence[str]) -> tuple[ColumnImportance, ...]:
    """Return the columns with the greatest shares, greatest first, at most `MAX_COLUMNS`; without those of 0.

    Args:
        gains: Of each input, one or more statistics of every column one after the other; None of what does not split.
        columns: That the model reads.
    """
    if gains is None or not gains.sum() > 0.0:
        return ()
    shares = gains.reshape(-1, len(columns)).sum(axis=0) / gains.sum()
    greatest = np.argsort(-shares, kind="stable")[:MAX_COLUMNS]
    return tuple(
        ColumnImportance(column=columns[at], share=min(1.0, float(shares[at]))) for at in greatest if shares[at] > 0.0
    )
