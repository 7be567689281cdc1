"""Summaries of windows: their statistics, and the same bits in serving as in training."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features.datasets.windows import Windows
from models.architectures.summary import summaries, summarize, summary_columns


def test_a_summary_holds_the_statistics_of_its_column_names() -> None:
    window = np.array([[[1.0, 10.0], [4.0, 10.0], [4.0, 13.0]]], dtype=np.float32)
    summary = dict(zip(summary_columns(("a", "b")), summarize(window)[0].tolist(), strict=True))
    assert summary == {
        "a_last": 4.0,
        "b_last": 13.0,
        "a_mean": 3.0,
        "b_mean": 11.0,
        "a_deviation": np.float32(np.sqrt(2.0)),
        "b_deviation": np.float32(np.sqrt(2.0)),
        "a_change": 3.0,
        "b_change": 3.0,
    }


@given(seed=st.integers(0, 10_000), count=st.integers(1, 40), length=st.integers(1, 70), features=st.integers(2, 20))
def test_a_window_has_the_same_summary_alone_and_among_others(
    seed: int, count: int, length: int, features: int
) -> None:
    windows = np.random.default_rng(seed).normal(size=(count, length, features)).astype(np.float32)
    together = summarize(windows)
    assert together.dtype == np.float32
    for at in range(count):
        np.testing.assert_array_equal(together[at], summarize(windows[at : at + 1])[0])


def test_all_windows_are_summarized_in_order() -> None:
    rows = np.random.default_rng(1).normal(size=(3000, 3)).astype(np.float32)
    windows = Windows.over(rows, np.zeros(3000), 8, np.zeros(3000, dtype=np.int64))
    np.testing.assert_array_equal(summaries(windows), summarize(windows.batch(np.arange(len(windows)))[0]))
    assert summaries(windows.ending_in(range(0), np.arange(3000))).shape == (0, 12)
