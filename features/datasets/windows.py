"""Windows over feature rows, each with its target; they are views until a batch is copied out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from domain.arrays import BoolArray, IntArray, RealArray
from features.datasets.candle_checks import NO_RUN


def window_ends(runs: IntArray, sequence_length: int) -> IntArray:
    """Return the last rows of the windows that lie in one unbroken run.

    Args:
        runs: Run of each row, from `candle_checks.unbroken_runs`; zeros allow every window.
        sequence_length: Rows per window, >= 1.
    """
    first, last = runs[: max(0, len(runs) - sequence_length + 1)], runs[sequence_length - 1 :]
    ends: IntArray = np.flatnonzero((first == last) & (last != NO_RUN)) + sequence_length - 1
    return ends


@dataclass(frozen=True)
class Windows:
    """Samples: `sequence_length` rows of features, and the target of the last of them.

    `rows`: shape (n, features), n >= `sequence_length` unless there are no windows. `targets`: shape
    (n,) or (n, outputs), one per row. `ends`: the last row of each window, ascending.

    The samples overlap in nearly all their rows. Copying them out takes `sequence_length` times the
    memory of the rows, so `batch` gathers a few at a time from a view.
    """

    rows: RealArray
    targets: RealArray
    ends: IntArray
    sequence_length: int

    @classmethod
    def over(cls, rows: RealArray, targets: RealArray, sequence_length: int, runs: IntArray) -> Windows:
        """Return every window within one run whose target is known.

        Args:
            rows: Shape (n, features), oldest first.
            targets: Shape (n,) or (n, outputs); NaN where unknown.
            sequence_length: Rows per window, >= 1.
            runs: Run of each row, from `candle_checks.unbroken_runs`; zeros allow every window.

        Raises:
            ValueError: rows, targets and runs differ in number, or sequence_length < 1.
        """
        if not len(rows) == len(targets) == len(runs):
            raise ValueError(
                f"{len(rows)} rows, {len(targets)} targets and {len(runs)} runs: there must be one of each per row"
            )
        if sequence_length < 1:
            raise ValueError(f"sequence_length needs to be 1 or more, received {sequence_length}")
        ends = window_ends(runs, sequence_length)
        known: BoolArray = np.logical_and.reduce(np.isfinite(targets), axis=tuple(range(1, targets.ndim)))
        return cls(rows, targets, ends[known[ends]], sequence_length)

    def __len__(self) -> int:
        return len(self.ends)

    def ending_in(self, part: range, slots: IntArray) -> Windows:
        """Return the windows whose last row lies in `part`, a range of slots with step 1.

        The earlier rows of a window may lie before the part: they are known by then.

        Args:
            part: Slots, see `training_data.TrainingSet`.
            slots: The slot of each row.
        """
        last = slots[self.ends]
        return replace(self, ends=self.ends[(last >= part.start) & (last < part.stop)])

    def batch(self, samples: IntArray) -> tuple[RealArray, RealArray]:
        """Return copies of some samples: shape (k, sequence_length, features), and their targets.

        Args:
            samples: Numbers of k samples, 0..len - 1.
        """
        ends = self.ends[samples]
        if not len(ends):
            return np.empty((0, self.sequence_length, self.rows.shape[1]), self.rows.dtype), self.targets[ends]
        view = sliding_window_view(self.rows, self.sequence_length, axis=0)
        # The view is (position, features, sequence_length); models want time before features.
        gathered = view.transpose(0, 2, 1)[ends - self.sequence_length + 1]
        return gathered, self.targets[ends]

    def batches(self, size: int) -> Iterator[tuple[RealArray, RealArray]]:
        """Yield all samples once, in the order of time, `size` (>= 1) at a time; the last batch may be smaller."""
        for start in range(0, len(self), size):
            yield self.batch(np.arange(start, min(start + size, len(self))))
