"""Found settings are used only where they are better by more than chance, and no choice of luck."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backtesting.figures.account import DailyReturns
from backtesting.figures.overfitting import Overfitting
from services.optimising.verdict import MAX_OVERFITTING, judge, sharpe_gain

DAYS = 400


def returns(sharpe: float, seed: int = 1, days: int = DAYS) -> DailyReturns:
    """Return daily returns with a Sharpe ratio, not annualized."""
    drawn = np.random.default_rng(seed).normal(size=days)
    return DailyReturns(0.01 * ((drawn - drawn.mean()) / drawn.std(ddof=1) + sharpe), 365.0)


def luck(probability: float) -> Overfitting:
    return Overfitting(probability=probability, loss_probability=0.1, settings=30, halvings=12_870)


def test_the_gain_is_the_difference_of_the_ratios_with_an_interval_around_it() -> None:
    found, present = returns(0.2), returns(0.05, seed=2)
    gain = sharpe_gain(found, present, seed=1)
    # Mean squares divide by n, the ratio of an account by n - 1.
    assert gain.sharpe_ratio == pytest.approx(0.15 * math.sqrt(365) * math.sqrt(DAYS / (DAYS - 1)))
    assert gain.low is not None
    assert gain.high is not None
    assert gain.low < gain.sharpe_ratio < gain.high
    assert gain == sharpe_gain(found, present, seed=1)


def test_the_interval_of_independent_days_is_as_wide_as_their_standard_errors() -> None:
    widths = []
    for seed in range(8):
        gain = sharpe_gain(returns(0.0, 2 * seed), returns(0.0, 2 * seed + 1), seed)
        assert gain.low is not None
        assert gain.high is not None
        widths.append(gain.high - gain.low)
    # Two ratios of n days, each with a standard error of 1 / sqrt(n).
    assert np.mean(widths) == pytest.approx(2 * 1.96 * math.sqrt(2 / DAYS) * math.sqrt(365), rel=0.15)


def test_days_that_both_share_are_no_chance() -> None:
    base = returns(0.1)
    better = DailyReturns(base.values + 0.001, 365.0)
    gain = sharpe_gain(better, base, seed=1)
    assert gain.p_value == pytest.approx(1 / 2001)
    assert sharpe_gain(base, base, seed=1).p_value == 1.0


def test_gains_of_nothing_have_p_values_of_every_size() -> None:
    drawn = [
        sharpe_gain(
            DailyReturns(np.random.default_rng(at).normal(0, 0.01, DAYS), 365.0),
            DailyReturns(np.random.default_rng(at + 1000).normal(0, 0.01, DAYS), 365.0),
            seed=at,
        ).p_value
        for at in range(40)
    ]
    assert sum(value <= 0.05 for value in drawn) <= 6
    assert min(drawn) < 0.25 < 0.75 < max(drawn)


def test_an_account_without_trades_is_compared_as_zero() -> None:
    idle = DailyReturns(np.zeros(DAYS), 365.0)
    assert sharpe_gain(returns(0.2), idle, seed=1).p_value < 0.01
    assert sharpe_gain(idle, idle, seed=1).sharpe_ratio == 0.0


def test_a_clear_gain_that_is_no_luck_is_used() -> None:
    found, present = returns(0.3), returns(0.0, seed=2)
    verdict = judge(found, present, sharpe_gain(found, present, seed=1), luck(0.04))
    assert verdict.use
    assert verdict.words == (
        "use the found settings: out of sample the chosen settings had a Sharpe ratio of 5.73, the present ones of "
        "0.00; p < 0.001; the probability of overfitting is 0.04, below 0.25"
    )


def test_a_gain_that_chance_would_bring_is_not_used() -> None:
    found, present = returns(0.02), returns(0.0, seed=2)
    verdict = judge(found, present, sharpe_gain(found, present, seed=1), luck(0.04))
    assert not verdict.use
    assert verdict.words.startswith("keep the present settings: out of sample")
    assert verdict.words.endswith("they are not better by more than chance (p at most 0.05)")


@pytest.mark.parametrize(
    ("overfit", "words"),
    [
        (luck(MAX_OVERFITTING), "the probability of overfitting is 0.25, not below 0.25"),
        (None, "the probability of overfitting is not known, since fewer than two settings had enough trades"),
    ],
)
def test_a_choice_that_may_be_luck_is_not_used(overfit: Overfitting | None, words: str) -> None:
    found, present = returns(0.3), returns(0.0, seed=2)
    verdict = judge(found, present, sharpe_gain(found, present, seed=1), overfit)
    assert not verdict.use
    assert verdict.words.endswith(words)


def test_settings_that_only_lose_less_say_so() -> None:
    found, present = returns(-0.1), returns(-0.6, seed=2)
    verdict = judge(found, present, sharpe_gain(found, present, seed=1), luck(0.0))
    assert verdict.use
    assert verdict.words.endswith("though they lose too")
