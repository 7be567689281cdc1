"""The deflated Sharpe ratio and the probability of overfitting: the papers' own numbers, and laws."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest

from backtesting.figures.overfitting import deflated_sharpe, expected_highest, overfitting
from domain.errors import InsufficientData

if TYPE_CHECKING:
    from scipy import stats


@pytest.fixture(scope="module", autouse=True)
def scipy_is_imported() -> None:
    """Import it for the first test that runs, not for the collection of all tests, which it would slow down."""
    global stats
    from scipy import stats


def test_the_highest_of_ten_and_hundred_worthless_trials() -> None:
    # Bailey and Lopez de Prado (2014), exhibit 1: with a deviation of 1 the highest of 10 is about 1.57, of 100 2.53.
    assert expected_highest(10, 1.0) == pytest.approx(1.57, abs=0.01)
    assert expected_highest(100, 1.0) == pytest.approx(2.53, abs=0.01)
    assert expected_highest(1, 1.0) == 0.0


def test_the_highest_is_that_of_simulated_trials() -> None:
    simulated = np.random.default_rng(1).normal(size=(20_000, 50)).max(axis=1).mean()
    assert expected_highest(50, 1.0) == pytest.approx(simulated, abs=0.05)


def test_the_numerical_example_of_the_paper() -> None:
    # "A numerical example": annual Sharpe 2.5 over 1250 days of 250 a year, skewness -3, kurtosis 10, 100 trials
    # whose annual Sharpe ratios have the variance 1/2: DSR 0.9004. Here by the formula, for returns with these moments.
    ratio, highest = 2.5 / math.sqrt(250), expected_highest(100, math.sqrt(0.5 / 250))
    assert highest == pytest.approx(0.1132, abs=1e-4)
    found = stats.norm.cdf((ratio - highest) * math.sqrt(1249) / math.sqrt(1 + 3 * ratio + 9 / 4 * ratio**2))
    assert found == pytest.approx(0.9004, abs=1e-4)
    returns = _with_moments(ratio, skew=-3.0, kurtosis=10.0, count=1250)
    assert deflated_sharpe(returns, 100, math.sqrt(0.5 / 250)) == pytest.approx(0.9004, abs=2e-3)


def test_more_trials_and_more_varied_ones_deflate_more() -> None:
    returns = np.random.default_rng(2).normal(0.001, 0.01, 500)
    one, some, many = (deflated_sharpe(returns, trials, 0.05) or 0.0 for trials in (1, 10, 1000))
    assert one > some > many
    assert some > (deflated_sharpe(returns, 10, 0.1) or 0.0)


def test_the_probabilistic_ratio_of_normal_returns_is_nearly_that_of_a_t_test() -> None:
    returns = np.random.default_rng(3).normal(0.0005, 0.01, 1000)
    against_zero = 1 - stats.ttest_1samp(returns, 0.0, alternative="greater").pvalue
    assert deflated_sharpe(returns, 1, 0.0) == pytest.approx(against_zero, abs=0.005)


@pytest.mark.parametrize("returns", [[], [0.01, 0.02], [0.0] * 50, [0.01] * 50])
def test_what_is_undefined_is_none(returns: list[float]) -> None:
    assert deflated_sharpe(np.array(returns), 5, 0.1) is None


def test_one_setting_that_is_better_throughout_is_no_luck() -> None:
    returns = np.random.default_rng(4).normal(0.0, 0.01, (640, 20))
    returns[:, 7] += 0.01
    found = overfitting(returns)
    assert (found.settings, found.halvings) == (20, 12_870)
    assert found.probability == 0.0
    assert found.loss_probability == 0.0


def test_settings_that_are_worth_nothing_are_chosen_by_luck() -> None:
    found = [overfitting(np.random.default_rng(seed).normal(0.0, 0.01, (400, 30)), 8).probability for seed in range(20)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.12)


def test_settings_that_win_in_one_half_and_lose_in_the_other_are_overfitted() -> None:
    random = np.random.default_rng(5)
    returns = random.normal(0.0, 0.01, (320, 10))
    # Setting k wins in block k and loses everywhere else.
    for setting in range(10):
        returns[:, setting] -= 0.004
        returns[32 * setting : 32 * (setting + 1), setting] += 0.08
    assert overfitting(returns, 10).probability > 0.9


def test_every_halving_is_the_plain_computation() -> None:
    returns = np.random.default_rng(6).normal(0.001, 0.01, (24, 5))
    parts = returns.reshape(4, 6, 5)
    below = 0
    for chosen in combinations(range(4), 2):
        inside = np.concatenate([parts[block] for block in chosen])
        outside = np.concatenate([parts[block] for block in range(4) if block not in chosen])
        best = (inside.mean(axis=0) / inside.std(axis=0)).argmax()
        ranks = stats.rankdata(outside.mean(axis=0) / outside.std(axis=0))
        logit = math.log((ranks[best] / 6) / (1 - ranks[best] / 6))
        below += logit <= 0
    assert overfitting(returns, 4).probability == pytest.approx(below / 6)


@pytest.mark.parametrize("shape", [(100, 1), (31, 5)])
def test_too_little_to_tell_is_refused_with_the_numbers(shape: tuple[int, int]) -> None:
    with pytest.raises(InsufficientData, match=f"2 settings and 32 periods at least, received {shape[1]} and"):
        overfitting(np.zeros(shape))


def _with_moments(ratio: float, skew: float, kurtosis: float, count: int) -> np.ndarray:
    """Return returns with a Sharpe ratio and, nearly, these moments."""
    levels = (np.arange(count) + 0.5) / count
    # Three points with given mean 0, deviation 1, skewness and kurtosis: the plainest such distribution.
    root = math.sqrt(4 * kurtosis - 3 * skew**2)
    values = np.array([(skew - root) / 2, 0.0, (skew + root) / 2])
    shares = np.array([1 / (values[0] * (values[0] - values[2])), 0.0, 1 / (values[2] * (values[2] - values[0]))])
    shares[1] = 1 - shares.sum()
    standard = values[np.searchsorted(np.cumsum(shares), levels).clip(max=2)]
    return np.asarray((standard - standard.mean()) / standard.std(ddof=1) + ratio)
