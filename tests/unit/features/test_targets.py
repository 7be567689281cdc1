"""Targets: their formulas, rows without one, and the candle at which they are known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.datasets.candle_checks import NO_RUN
from features.datasets.targets import (
    TradeClass,
    binary_target,
    forward_returns,
    future_drawdowns,
    future_rallies,
    hold_thresholds,
    multi_horizon_returns,
    soft_target,
    three_class_target,
)

NAN = float("nan")
prices = st.lists(st.floats(1.0, 1_000.0), max_size=30).map(lambda values: np.array(values, dtype=np.float64))
horizons = st.integers(1, 6)
returns = st.floats(-0.5, 0.5)

MADE_FROM_PRICES: list[Callable[[np.ndarray, int, np.ndarray | None], np.ndarray]] = [
    forward_returns,
    lambda closes, horizon, runs: multi_horizon_returns(closes, (horizon,), runs)[:, 0],
    lambda closes, horizon, runs: future_drawdowns(closes, closes * 0.99, horizon, runs),
    lambda closes, horizon, runs: future_rallies(closes, closes * 1.01, horizon, runs),
]


def test_forward_returns_are_over_the_horizon() -> None:
    values = forward_returns(np.array([100.0, 110.0, 99.0, 120.0]), 2, None)
    np.testing.assert_allclose(values, [-0.01, 120 / 110 - 1, NAN, NAN])


@pytest.mark.parametrize("target", MADE_FROM_PRICES)
@given(closes=prices, horizon=horizons)
def test_exactly_the_last_horizon_rows_have_no_target(
    target: Callable[[np.ndarray, int, np.ndarray | None], np.ndarray], closes: np.ndarray, horizon: int
) -> None:
    open_rows = np.flatnonzero(np.isnan(target(closes, horizon, np.zeros(len(closes), dtype=np.int64))))
    assert open_rows.tolist() == list(range(max(0, len(closes) - horizon), len(closes)))


@pytest.mark.parametrize("target", MADE_FROM_PRICES)
@given(closes=prices, horizon=horizons, data=st.data())
def test_a_target_is_known_at_the_close_of_its_horizon(
    target: Callable[[np.ndarray, int, np.ndarray | None], np.ndarray],
    closes: np.ndarray,
    horizon: int,
    data: st.DataObject,
) -> None:
    whole = target(closes, horizon, None)
    row = data.draw(st.integers(0, max(0, len(closes) - 1)))
    known = target(closes[: row + horizon + 1], horizon, None)
    np.testing.assert_array_equal(known[: row + 1], whole[: row + 1])


@pytest.mark.parametrize("target", MADE_FROM_PRICES)
@given(closes=prices, horizon=horizons, data=st.data())
def test_no_target_crosses_a_break_unless_stated(
    target: Callable[[np.ndarray, int, np.ndarray | None], np.ndarray],
    closes: np.ndarray,
    horizon: int,
    data: st.DataObject,
) -> None:
    count = len(closes)
    breaks = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    runs = np.cumsum(breaks, dtype=np.int64)
    expected = [row + horizon < count and not any(breaks[row + 1 : row + horizon + 1]) for row in range(count)]
    assert (~np.isnan(target(closes, horizon, runs))).tolist() == expected


def test_rows_that_are_not_real_have_no_target() -> None:
    runs = np.array([0, NO_RUN, NO_RUN, 1, 1])
    assert np.isnan(forward_returns(np.ones(5), 1, runs)).tolist() == [True, True, True, False, True]


def test_binary_is_the_sign_and_nan_without_one() -> None:
    np.testing.assert_array_equal(binary_target(np.array([0.01, -0.01, 0.0, NAN])), [1.0, 0.0, NAN, NAN])


def test_soft_follows_the_contract() -> None:
    values = soft_target(np.array([-0.01, -0.005, -0.0025, 0.0, 0.0025, 0.005, 0.01, NAN]), 0.005)
    np.testing.assert_allclose(values, [0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.0, NAN])


def test_soft_without_a_threshold_is_the_sign_alone() -> None:
    values = soft_target(np.array([-0.01, -1e-9, 0.0, 1e-9, 0.01, NAN]), 0.0)
    np.testing.assert_array_equal(values, [0.0, 0.0, 0.5, 1.0, 1.0, NAN])


@given(returns, returns, st.floats(1e-4, 0.1))
def test_soft_is_continuous_ascending_and_within_0_and_1(one: float, other: float, threshold: float) -> None:
    low, high = soft_target(np.array(sorted((one, other))), threshold)
    assert 0.0 <= low <= high <= 1.0
    # No jump: it changes by no more than its slope allows.
    assert high - low <= abs(one - other) * 0.5 / threshold + 1e-12


def test_three_classes_hold_within_the_threshold() -> None:
    returns = np.array([-0.02, -0.01, 0.0, 0.01, 0.02, 0.02, NAN, 0.01])
    thresholds = np.array([0.01, 0.01, 0.01, 0.01, 0.01, 0.03, 0.01, NAN])
    buy, hold, sell = TradeClass.BUY, TradeClass.HOLD, TradeClass.SELL
    values = three_class_target(returns, thresholds)
    np.testing.assert_array_equal(values, [sell, hold, hold, hold, buy, hold, NAN, NAN])


def test_hold_thresholds_grow_with_volatility() -> None:
    calm = 100.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.001, 200)))
    wild = 100.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.010, 200)))
    small, large = hold_thresholds(calm, 0.25), hold_thresholds(wild, 0.25)
    assert np.isnan(small[:2]).all()
    np.testing.assert_allclose(large[2:] / small[2:], 10.0, rtol=0.05)
    np.testing.assert_allclose(small[-1], 0.25 * np.std(np.diff(calm)[-50:] / calm[-51:-1], ddof=1), rtol=1e-9)
    np.testing.assert_array_equal(hold_thresholds(calm[:80], 0.25), small[:80])


@given(st.lists(returns, max_size=20), st.floats(1e-4, 0.1))
def test_targets_of_the_mirrored_market_are_mirrored(values: list[float], threshold: float) -> None:
    rises = np.array(values)
    thresholds = np.full(len(rises), threshold)
    np.testing.assert_allclose(binary_target(-rises), 1.0 - binary_target(rises))
    np.testing.assert_allclose(soft_target(-rises, threshold), 1.0 - soft_target(rises, threshold), atol=1e-12)
    np.testing.assert_allclose(three_class_target(-rises, thresholds), 2.0 - three_class_target(rises, thresholds))


def test_multi_horizon_returns_have_a_column_per_horizon() -> None:
    closes = np.linspace(1.0, 2.0, 9)
    values = multi_horizon_returns(closes, (1, 4), None)
    assert values.shape == (9, 2)
    np.testing.assert_array_equal(values[:, 1], forward_returns(closes, 4, None))
    assert multi_horizon_returns(closes, (), None).shape == (9, 0)


def test_drawdown_and_rally_see_wicks_of_later_candles_only() -> None:
    closes = np.array([100.0, 100.0, 100.0, 100.0])
    lows, highs = np.array([1.0, 90.0, 95.0, 101.0]), np.array([999.0, 103.0, 120.0, 99.0])
    np.testing.assert_allclose(future_drawdowns(closes, lows, 2, None), [-0.1, -0.05, NAN, NAN])
    np.testing.assert_allclose(future_rallies(closes, highs, 2, None), [0.2, 0.2, NAN, NAN])
    np.testing.assert_allclose(future_drawdowns(closes, lows, 1, None)[2], 0.0)
    np.testing.assert_allclose(future_rallies(closes, highs, 1, None)[2], 0.0)


@given(prices, horizons)
def test_the_return_lies_between_drawdown_and_rally(closes: np.ndarray, horizon: int) -> None:
    change = forward_returns(closes, horizon, None)
    worst, best = future_drawdowns(closes, closes, horizon, None), future_rallies(closes, closes, horizon, None)
    known = ~np.isnan(change)
    assert ((worst <= change) & (change <= best))[known].all()


def test_a_horizon_below_one_candle_is_refused() -> None:
    with pytest.raises(ValueError, match="horizon of 1 candle"):
        forward_returns(np.ones(5), 0, None)
