"""Windows: the right rows with the right target, none across a gap, and little memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.datasets.candle_checks import NO_RUN
from features.datasets.windows import Windows, window_ends

MIB = 2**20


def numbered(count: int, length: int, runs: np.ndarray | None = None) -> Windows:
    """Return windows over rows (i, -i) with target i."""
    rows = np.column_stack((np.arange(count), -np.arange(count))).astype(np.float32)
    zeros = np.zeros(count, dtype=np.int64)
    return Windows.over(rows, np.arange(float(count)), length, zeros if runs is None else runs)


def test_a_batch_holds_rows_up_to_the_target_and_none_after() -> None:
    windows = numbered(6, 3)
    values, targets = windows.batch(np.array([0, 3]))
    assert values.shape == (2, 3, 2)
    assert values[:, :, 0].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert values[:, :, 1].tolist() == [[0, -1, -2], [-3, -4, -5]]
    assert targets.tolist() == [2, 5]


def test_a_batch_is_a_copy_that_the_caller_may_change() -> None:
    windows = numbered(6, 3)
    windows.batch(np.array([0]))[0][:] = 99
    assert windows.rows.max() == 5


@given(st.lists(st.integers(0, 2), max_size=30), st.integers(1, 6))
def test_windows_never_cross_a_break(steps: list[int], length: int) -> None:
    # 2 stands for a filled candle, 1 for a gap before the row.
    runs = np.cumsum([step == 1 or 2 in steps[max(0, at - 1) : at] for at, step in enumerate(steps)], dtype=np.int64)
    runs = np.where(np.array(steps, dtype=np.int64) == 2, NO_RUN, runs)
    expected = [
        end
        for end in range(length - 1, len(steps))
        if 2 not in steps[end - length + 1 : end + 1] and 1 not in steps[end - length + 2 : end + 1]
    ]
    assert window_ends(runs, length).tolist() == expected
    assert numbered(len(steps), length, runs).ends.tolist() == expected


def test_windows_without_a_known_target_are_left_out() -> None:
    targets = np.column_stack((np.arange(5.0), np.arange(5.0)))
    targets[2, 1] = np.nan
    windows = Windows.over(np.zeros((5, 2)), targets, 2, np.zeros(5, dtype=np.int64))
    assert windows.ends.tolist() == [1, 3, 4]
    assert windows.batch(np.array([1]))[1].shape == (1, 2)


def test_a_part_takes_the_windows_that_end_in_it() -> None:
    part = numbered(10, 4).ending_in(range(15, 18), np.arange(10, 20))
    assert part.ends.tolist() == [5, 6, 7]
    assert part.batch(np.array([0]))[0][0, :, 0].tolist() == [2, 3, 4, 5]


@given(st.integers(0, 40), st.integers(1, 5), st.integers(1, 9))
def test_batches_give_every_sample_once_in_the_order_of_time(count: int, length: int, size: int) -> None:
    batches = list(numbered(count, length).batches(size))
    assert all(len(values) == len(targets) <= size for values, targets in batches)
    targets = [target for batch in batches for target in batch[1].tolist()]
    assert targets == list(range(length - 1, count))
    assert all((values[:, -1, 0] == labels).all() for values, labels in batches)


def test_too_few_rows_give_no_window_and_an_empty_batch() -> None:
    windows = numbered(3, 4)
    assert len(windows) == 0
    assert windows.batch(np.empty(0, dtype=np.int64))[0].shape == (0, 4, 2)


def test_unequal_lengths_and_no_length_are_refused() -> None:
    runs = np.zeros(3, dtype=np.int64)
    with pytest.raises(ValueError, match="3 rows, 2 targets and 3 runs"):
        Windows.over(np.zeros((3, 1)), np.zeros(2), 1, runs)
    with pytest.raises(ValueError, match="sequence_length"):
        Windows.over(np.zeros((3, 1)), np.zeros(3), 0, runs)


def test_an_epoch_over_100_000_rows_of_60_x_65_needs_no_copies() -> None:
    tracemalloc.start()
    rows = np.ones((100_000, 65))
    windows = Windows.over(rows, np.ones(100_000), 60, np.zeros(100_000, dtype=np.int64))
    seen = 0
    for values, _ in windows.batches(256):
        seen += len(values)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seen == 100_000 - 59
    # 50 MiB are the rows; copies would take 2,980.
    assert peak < 80 * MIB
