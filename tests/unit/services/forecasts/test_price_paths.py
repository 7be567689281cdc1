"""Price paths: laws of the intervals, what a model's view becomes, and how often real prices stay inside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from domain.errors import InvalidMarketData
from services.forecasts.price_paths import MAX_STEPS, price_path
from tests.fixtures.forecasting import make_forecast

PRICES = arrays(np.float64, st.integers(2, 80), elements=st.floats(1e-12, 1e12))
CLOSES = 100 * np.exp(np.cumsum(np.random.default_rng(3).normal(0, 0.01, 400)))


@given(PRICES, st.floats(0.5, 0.99), st.integers(1, MAX_STEPS))
def test_any_market_has_finite_positive_intervals_that_hold_the_expected_price_and_widen(
    closes: np.ndarray, coverage: float, steps: int
) -> None:
    path = price_path(closes, None, steps, coverage)
    assert [step.step for step in path] == list(range(1, steps + 1))
    for step in path:
        assert 0 < step.lower <= step.expected <= step.upper < np.inf
        assert (step.expected, step.basis) == (closes[-1], "last_close")
    ratios = np.array([(step.lower / step.expected, step.upper / step.expected) for step in path])
    assert np.all(np.diff(ratios[:, 0]) <= 1e-12)
    assert np.all(np.diff(ratios[:, 1]) >= -1e-12)


@given(st.floats(0.5, 0.98))
def test_more_coverage_is_a_wider_interval(coverage: float) -> None:
    narrow, wide = (price_path(CLOSES, None, 1, share)[0] for share in (coverage, coverage + 0.01))
    assert wide.lower <= narrow.lower
    assert narrow.upper <= wide.upper


def test_a_flat_market_has_no_width() -> None:
    assert {(step.lower, step.upper) for step in price_path(np.full(100, 7.0), None, 30, 0.9)} == {(7.0, 7.0)}


def test_expected_returns_count_at_their_horizons_and_on_the_line_between() -> None:
    path = price_path(CLOSES, make_forecast(expected_returns={1: 0.01, 4: 0.04, 16: -0.02}), 30, 0.9)
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
    fourth = price_path(CLOSES, forecast, 5, 0.9)[3]
    usual = np.abs(np.log(CLOSES[4:] / CLOSES[:-4])).mean()
    assert np.log(fourth.expected / CLOSES[-1]) == pytest.approx((2 * probability - 1) * usual)
    assert fourth.basis == "model"


@pytest.mark.parametrize("wild", [-1.0, 50.0])
def test_a_return_that_no_market_has_is_refused(wild: float) -> None:
    with pytest.raises(InvalidMarketData, match="expects a return"):
        price_path(CLOSES, make_forecast(expected_returns={1: wild}), 5, 0.9)


@pytest.mark.realdata
@pytest.mark.parametrize("file", ["BTCUSDT-1h.csv.gz", "ETHUSDT-1h.csv.gz", "BTCUSDT-15m.csv.gz"])
def test_real_prices_stay_inside_about_as_often_as_is_said(real_data: Path, file: str) -> None:
    closes = pd.read_csv(real_data / file)["close"].to_numpy(float)
    inside: dict[int, list[bool]] = {1: [], 5: [], 30: []}
    for now in range(500, len(closes) - MAX_STEPS, len(closes) // 500):
        path = price_path(closes[now - 500 : now], None, MAX_STEPS, 0.9)
        for step, hits in inside.items():
            hits.append(path[step - 1].lower <= closes[now - 1 + step] <= path[step - 1].upper)
    for hits in inside.values():
        assert 0.82 < np.mean(hits) < 0.96
