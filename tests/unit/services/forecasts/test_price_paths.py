"""Price paths: laws of the intervals, and what a model's view becomes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from domain.errors import InvalidMarketData
from domain.market import CandleSeries, Timeframe
from models.volatility.volatility_model import MAX_STEPS
from services.forecasts.price_paths import price_path
from tests.fixtures.forecasting import make_forecast

PRICES = arrays(np.float64, st.integers(2, 80), elements=st.floats(1e-12, 1e12))
CLOSES = 100 * np.exp(np.cumsum(np.random.default_rng(3).normal(0, 0.01, 400)))


def of(closes: np.ndarray) -> CandleSeries:
    """Return hours with these closes, each opening at the close before."""
    opens = np.concatenate([closes[:1], closes[:-1]])
    values = np.column_stack(
        [opens, np.maximum(opens, closes), np.minimum(opens, closes), closes, np.ones(len(closes))]
    )
    return CandleSeries.of_arrays(Timeframe.H1, 3_600_000 * np.arange(len(closes)), values)


@given(PRICES, st.floats(0.5, 0.99), st.integers(1, MAX_STEPS))
def test_any_market_has_finite_positive_intervals_that_hold_the_expected_price_and_widen(
    closes: np.ndarray, coverage: float, steps: int
) -> None:
    path = price_path(of(closes), None, steps, coverage)
    assert [step.step for step in path] == list(range(1, steps + 1))
    for step in path:
        assert 0 < step.lower <= step.expected <= step.upper < np.inf
        assert (step.expected, step.basis) == (closes[-1], "last_close")
    ratios = np.array([(step.lower / step.expected, step.upper / step.expected) for step in path])
    assert np.all(np.diff(ratios[:, 0]) <= 1e-12)
    assert np.all(np.diff(ratios[:, 1]) >= -1e-12)


@settings(max_examples=20)
@given(st.floats(0.5, 0.98))
def test_more_coverage_is_a_wider_interval(coverage: float) -> None:
    narrow, wide = (price_path(of(CLOSES), None, 1, share)[0] for share in (coverage, coverage + 0.01))
    assert wide.lower <= narrow.lower
    assert narrow.upper <= wide.upper


def test_a_flat_market_has_no_width() -> None:
    assert {(step.lower, step.upper) for step in price_path(of(np.full(100, 7.0)), None, 30, 0.9)} == {(7.0, 7.0)}


def test_expected_returns_count_at_their_horizons_and_on_the_line_between() -> None:
    path = price_path(of(CLOSES), make_forecast(expected_returns={1: 0.01, 4: 0.04, 16: -0.02}), 30, 0.9)
    last = CLOSES[-1]
    told = {step.step: (round(step.expected / last - 1, 9), step.basis) for step in path}
    assert told[1] == (0.01, "model")
    assert told[2] == (0.02, "interpolated")
    assert told[4] == (0.04, "model")
    assert told[10] == (0.01, "interpolated")
    assert told[16] == (-0.02, "model")
    assert told[30] == (-0.02, "held")


@pytest.mark.parametrize("probability", [0.3, 0.5, 0.7])
def test_a_probability_alone_is_a_share_of_the_usual_move(probability: float) -> None:
    forecast = make_forecast(probability_up=probability, horizon_candles=4)
    fourth = price_path(of(CLOSES), forecast, 5, 0.9)[3]
    usual = np.abs(np.log(CLOSES[4:] / CLOSES[:-4])).mean()
    assert np.log(fourth.expected / CLOSES[-1]) == pytest.approx((2 * probability - 1) * usual)
    assert fourth.basis == "model"


@pytest.mark.parametrize("wild", [-1.0, 50.0])
def test_a_return_that_no_market_has_is_refused(wild: float) -> None:
    with pytest.raises(InvalidMarketData, match="expects a return"):
        price_path(of(CLOSES), make_forecast(expected_returns={1: wild}), 5, 0.9)
