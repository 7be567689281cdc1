"""The simulated market has the properties that it promises, and obeys the rules of candles."""

from __future__ import annotations

import numpy as np
import pytest

from domain.arrays import FloatArray
from domain.hours.sessions import AROUND_THE_CLOCK
from domain.market import CandleSeries, Timeframe
from services.market_data.sources.simulation import candles_from_returns, simulate_returns
from tests.fixtures.histories import START_MS, simulated

VOLATILITY = 0.004


def _returns(seed: int, drift: float | None, count: int = 20_000) -> FloatArray:
    return simulate_returns(np.random.default_rng(seed), count, VOLATILITY, drift)


def _kurtosis(values: FloatArray) -> float:
    centered = values - values.mean()
    return float(np.mean(centered**4) / np.mean(centered**2) ** 2)


def _autocorrelation(values: FloatArray, lag: int) -> float:
    return float(np.corrcoef(values[:-lag], values[lag:])[0, 1])


def test_same_seed_gives_the_same_candles_and_another_seed_others() -> None:
    assert simulated(3, drift=None).candles == simulated(3, drift=None).candles
    assert simulated(3).candles != simulated(4).candles


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_returns_have_fat_tails_and_the_volatility_asked_for(seed: int) -> None:
    returns = _returns(seed, 0.0)
    assert _kurtosis(returns) > 4.5  # 3 for normal returns; its sampling error here is below 0.1
    assert returns.std() == pytest.approx(VOLATILITY, rel=0.1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_volatility_comes_in_clusters_but_returns_do_not(seed: int) -> None:
    returns = _returns(seed, 0.0)
    for lag in (1, 10):
        assert _autocorrelation(np.abs(returns), lag) > 0.05  # noise is 0.007
    assert abs(_autocorrelation(returns, 1)) < 0.05


@pytest.mark.parametrize("drift", [-0.2, 0.0, 0.2])
def test_drift_is_the_mean_return_in_volatilities(drift: float) -> None:
    assert _returns(5, drift).mean() / VOLATILITY == pytest.approx(drift, abs=0.03)


def test_without_a_drift_regimes_of_all_three_kinds_follow_each_other() -> None:
    # Both draw the same shocks first, so that what differs is the drift alone.
    drifts = (_returns(7, None, 5000) - _returns(7, 0.0, 5000)) / VOLATILITY
    assert {round(float(value), 6) for value in drifts} == {-0.12, 0.0, 0.12}
    assert 5 < np.count_nonzero(np.abs(np.diff(drifts)) > 1e-9) < 200


@pytest.mark.parametrize("start_price", [1e-8, 100.0, 1e9])
def test_candles_obey_the_rules_of_a_market(start_price: float) -> None:
    series = simulated(11, drift=None, timeframe=Timeframe.M5, count=2000, start_price=start_price)
    CandleSeries.ordered(series.timeframe, series.candles).of_market(AROUND_THE_CLOCK)
    assert series.missing == 0
    assert series.candles[0].timestamp == START_MS
    values = series.values
    assert values[0, 0] == start_price
    assert np.array_equal(values[1:, 0], values[:-1, 3])  # opens where the one before closed
    assert (values > 0).all()


def test_wicks_and_volume_look_like_a_market() -> None:
    values = simulated(12, count=5000).values
    moves = np.abs(np.log(values[:, 3] / values[:, 0]))
    ranges = np.log(values[:, 1] / values[:, 2])
    # The range of a Brownian path is twice its mean absolute move: 1.596 against 0.798 deviations.
    assert ranges.mean() / moves.mean() == pytest.approx(2.0, abs=0.25)
    turnover = values[:, 4] * values[:, 3]
    assert np.corrcoef(turnover, moves)[0, 1] > 0.4


def test_no_volatility_is_a_flat_market_and_no_returns_are_no_candles() -> None:
    rng = np.random.default_rng(1)
    flat = candles_from_returns(rng, simulate_returns(rng, 50, 0.0, None), 7.0, START_MS, Timeframe.H1)
    assert {(c.open, c.high, c.low, c.close) for c in flat} == {(7.0, 7.0, 7.0, 7.0)}
    assert all(c.volume > 0 for c in flat)
    assert candles_from_returns(rng, np.empty(0), 7.0, START_MS, Timeframe.H1) == []
