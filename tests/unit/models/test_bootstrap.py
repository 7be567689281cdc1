"""Intervals: their coverage for dependent rows, and none from too few rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.watch_settings import EvaluationSettings
from models.evaluation.bootstrap import Resampling, mean_interval, resampled_means
from tests.fixtures.settings import configured


def overlapping(seed: int, count: int, horizon: int) -> np.ndarray:
    """Return sums of `horizon` successive independent numbers around 0, as forward returns are."""
    noise = np.random.default_rng([seed, 3]).normal(size=count + horizon - 1)
    return np.convolve(noise, np.ones(horizon), "valid")


def coverage(block: int, horizon: int, trials: int = 200) -> float:
    """Return how often the interval of 480 overlapping sums holds their true mean, 0."""
    intervals = (mean_interval(overlapping(seed, 480, horizon), Resampling(300, block, seed)) for seed in range(trials))
    return sum(found is not None and found.low <= 0.0 <= found.high for found in intervals) / trials


def test_blocks_keep_the_coverage_that_single_rows_miss() -> None:
    assert coverage(block=24, horizon=12) >= 0.9
    assert coverage(block=1, horizon=12) <= 0.6


@given(st.integers(1, 60), st.integers(1, 80), st.integers(0, 9))
def test_every_draw_has_all_its_rows(count: int, block: int, seed: int) -> None:
    rows = np.arange(count, dtype=float)
    means = resampled_means(np.column_stack((np.full(count, 3.0), rows, 2.0 * rows)), Resampling(200, block, seed))
    np.testing.assert_allclose(means[:, 0], 3.0, rtol=1e-12)
    assert means[:, 1].min() >= 0.0
    assert means[:, 1].max() <= count - 1
    # The same rows in every column.
    np.testing.assert_allclose(means[:, 2], 2.0 * means[:, 1], atol=1e-9)


def test_draws_of_single_rows_spread_as_independent_ones_do() -> None:
    rows = np.random.default_rng(5).normal(size=400)
    means = resampled_means(rows[:, None], Resampling(4_000, 1, 1))[:, 0]
    assert means.mean() == pytest.approx(rows.mean(), abs=0.01)
    assert means.std() == pytest.approx(rows.std() / 20.0, rel=0.05)


def test_the_same_seed_repeats_and_another_does_not() -> None:
    rows = np.random.default_rng(6).normal(size=300)
    assert mean_interval(rows, Resampling(200, 10, 1)) == mean_interval(rows, Resampling(200, 10, 1))
    assert mean_interval(rows, Resampling(200, 10, 1)) != mean_interval(rows, Resampling(200, 10, 2))


def test_too_few_blocks_give_no_interval() -> None:
    assert mean_interval(np.arange(79.0), Resampling(200, 10, 1)) is None
    assert mean_interval(np.arange(80.0), Resampling(200, 10, 1)) is not None
    assert mean_interval(np.empty(0), Resampling(200, 10, 1)) is None


def test_blocks_span_two_horizons_at_least() -> None:
    settings = configured(EvaluationSettings, bootstrap_block=24)
    assert Resampling.of(settings, horizon=4, seed=1).block == 24
    assert Resampling.of(settings, horizon=48, seed=1).block == 96
