"""Intervals: their coverage for dependent rows, and none from too few rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter

from config.watch_settings import EvaluationSettings
from models.evaluation.block_length import best_block
from models.evaluation.bootstrap import Interval, Resampling, interval, mean_interval, resampled_means
from tests.fixtures.settings import configured


def overlapping(seed: int, count: int, horizon: int) -> np.ndarray:
    """Return sums of `horizon` successive independent numbers around 0, as forward returns are."""
    noise = np.random.default_rng([seed, 3]).normal(size=count + horizon - 1)
    return np.convolve(noise, np.ones(horizon), "valid")


def unfitted(rows: np.ndarray, resampling: Resampling) -> Interval | None:
    """Return the interval of the mean with blocks of the given length."""
    return interval(resampled_means(rows[:, None], resampling)[:, 0], len(rows), resampling)


def coverage(samples: list[np.ndarray], block: int, interval_of: Callable[..., Interval | None]) -> float:
    """Return how often the interval holds the true mean, 0."""
    found = (interval_of(rows, Resampling(300, block, seed)) for seed, rows in enumerate(samples))
    return sum(ends is not None and ends.low <= 0.0 <= ends.high for ends in found) / len(samples)


def test_blocks_keep_the_coverage_that_single_rows_miss() -> None:
    samples = [overlapping(seed, 480, horizon=12) for seed in range(200)]
    assert coverage(samples, 24, mean_interval) >= 0.9
    assert coverage(samples, 1, unfitted) <= 0.6


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


def fading(seed: int, count: int, correlation: float) -> np.ndarray:
    """Return numbers around 0, each `correlation` times the one before plus chance."""
    noise = np.random.default_rng([seed, 7]).normal(size=count + 300)
    numbers: np.ndarray = lfilter([1.0], [1.0, -correlation], noise)[300:]
    return numbers


def test_blocks_are_fitted_to_rows_that_depend_on_each_other_for_long() -> None:
    samples = [fading(seed, 2_000, 0.9) for seed in range(300)]
    assert coverage(samples, 24, unfitted) <= 0.9
    assert coverage(samples, 24, mean_interval) >= 0.915


@pytest.mark.parametrize("correlation", [0.3, 0.5, 0.8, 0.9])
def test_the_best_block_is_that_of_theory(correlation: float) -> None:
    # Of this process, by Politis and White (2004), with the constant of 2009.
    best = (1.5 * (2 * correlation / (1 - correlation**2)) ** 2 * 20_000) ** (1 / 3)
    found = [best_block(fading(seed, 20_000, correlation)) for seed in range(20)]
    assert np.median(found) == pytest.approx(best, rel=0.15)


def test_blocks_stay_as_they_are_where_rows_are_independent_or_few() -> None:
    independent = np.random.default_rng(8).normal(size=5_000)
    assert Resampling(200, 24, 1).fitted(independent).block == 24
    assert Resampling(200, 24, 1).fitted(np.ones(5_000), np.zeros(5_000)).block == 24
    # An eighth of the rows at most: else there would be no interval.
    assert Resampling(200, 4, 1).fitted(fading(1, 160, 0.99)).block == 20
    assert Resampling(200, 24, 1).fitted(np.arange(10.0)).block == 24
    assert best_block(np.array([1.0])) == 1.0


def test_blocks_span_two_horizons_at_least() -> None:
    settings = configured(EvaluationSettings, bootstrap_block=24)
    assert Resampling.of(settings, horizon=4, seed=1).block == 24
    assert Resampling.of(settings, horizon=48, seed=1).block == 96
