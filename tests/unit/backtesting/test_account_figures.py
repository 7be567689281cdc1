"""Figures of an account: by hand, and by the formulas of quantstats and ffn as their sources have them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtesting.figures.account import AccountFigures, account_figures, daily_returns, yearly_returns
from backtesting.trades import EquityCurve
from domain.trading.performance import YEAR_MS

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
# A Monday.
START_MS = 1_483_315_200_000
MONEY = st.decimals(0, 10**6, places=2).map(float)


def curve(values: list[float], step_ms: int = DAY_MS, gross: list[float] | None = None) -> EquityCurve:
    """Return a curve whose first value is that of a midnight."""
    equity = np.array(values, np.float64)
    times = START_MS + step_ms * np.arange(len(values), dtype=np.int64)
    return EquityCurve(times, equity, equity if gross is None else np.array(gross), np.zeros(len(values)))


def figures(of: EquityCurve, around_the_clock: bool = True) -> AccountFigures:
    return account_figures(of, daily_returns(of, around_the_clock))


def of_days(of: EquityCurve, around_the_clock: bool) -> list[float]:
    returns: list[float] = vars(daily_returns(of, around_the_clock))["values"].tolist()
    return returns


def test_figures_of_a_small_curve_by_hand() -> None:
    found = figures(curve([100, 110, 99, 108.9], gross=[100, 110, 100, 120]))
    assert (found.days, found.days_per_year) == (3, 365.0)
    assert found.total_return == pytest.approx(0.089)
    assert found.gross_return == pytest.approx(0.2)
    assert found.max_drawdown == pytest.approx(0.1)
    # Returns 0.1, -0.1, 0.1: mean 1/30, deviation (n - 1) sqrt(0.04 / 3), downside deviation sqrt(0.01 / 3).
    assert found.sharpe_ratio == pytest.approx(1 / 30 / math.sqrt(0.04 / 3) * math.sqrt(365))
    assert found.sortino_ratio == pytest.approx(1 / 30 / math.sqrt(0.01 / 3) * math.sqrt(365))
    assert found.cagr == pytest.approx(1.089 ** (365.25 / 3) - 1)
    assert found.cagr is not None
    assert found.calmar_ratio == pytest.approx(found.cagr / 0.1)


@given(st.lists(st.floats(-0.2, 0.2), min_size=5, max_size=400).filter(lambda values: np.std(values) > 1e-6))
def test_figures_agree_with_the_formulas_of_quantstats_and_ffn(values: list[float]) -> None:
    equity = [1000.0, *(1000.0 * np.cumprod(1 + np.array(values)))]
    found = figures(curve(equity))
    times = pd.to_datetime(START_MS + DAY_MS * np.arange(len(equity)), unit="ms")
    prices = pd.Series(equity, index=times)
    returns = prices.pct_change().dropna()
    # quantstats.stats.sharpe: returns.mean() / returns.std(ddof=1) * sqrt(periods)
    assert found.sharpe_ratio == pytest.approx(returns.mean() / returns.std(ddof=1) * np.sqrt(365), rel=1e-6)
    # quantstats.stats.sortino: downside = sqrt((returns[returns < 0] ** 2).sum() / len(returns))
    downside = np.sqrt((returns[returns < 0] ** 2).sum() / len(returns))
    expected = returns.mean() / downside * np.sqrt(365) if downside > 1e-9 else None
    assert found.sortino_ratio == (None if expected is None else pytest.approx(expected, rel=1e-6))
    # quantstats.stats.max_drawdown: (prices / prices.expanding(min_periods=0).max()).min() - 1
    fall = (prices / prices.expanding(min_periods=0).max()).min() - 1
    assert found.max_drawdown == pytest.approx(-fall, abs=1e-12)
    # ffn.calc_cagr: (prices.iloc[-1] / prices.iloc[0]) ** (1 / year_frac) - 1, year_frac in years of 31,557,600 s
    years = (times[-1] - times[0]).total_seconds() / 31_557_600
    cagr = (prices.iloc[-1] / prices.iloc[0]) ** (1 / years) - 1
    assert found.cagr == pytest.approx(cagr, rel=1e-6)
    # ffn.calc_calmar_ratio: cagr / abs(max_drawdown)
    if fall < -1e-9:
        assert found.calmar_ratio == pytest.approx(cagr / abs(fall), rel=1e-6)


@given(
    st.lists(st.decimals(0, 10**6, places=2).map(float), min_size=2, max_size=60),
    st.booleans(),
    st.sampled_from([HOUR_MS, DAY_MS]),
)
def test_no_figure_is_ever_nan_or_infinite(values: list[float], around_the_clock: bool, step_ms: int) -> None:
    found = figures(curve([100.0, *values], step_ms), around_the_clock)
    for name, value in found.model_dump().items():
        assert value is None or math.isfinite(value), name


def test_what_is_undefined_is_none() -> None:
    flat = figures(curve([100, 100, 100, 100]))
    assert (flat.sharpe_ratio, flat.sortino_ratio, flat.calmar_ratio) == (None, None, None)
    assert (flat.total_return, flat.cagr, flat.max_drawdown) == (0.0, 0.0, 0.0)
    assert figures(curve([100, 110, 121, 133.1])).sharpe_ratio is None  # by rounding alone it would be 1e15
    assert figures(curve([100, 110, 115])).sortino_ratio is None
    ruined = figures(curve([100, 50, 0, 0]))
    assert (ruined.total_return, ruined.cagr, ruined.max_drawdown) == (-1.0, -1.0, 1.0)


def test_hours_count_by_the_day_and_midnight_is_the_end_of_a_day() -> None:
    rising = [100.0 * 1.001**hour for hour in range(49)]
    of = curve(rising, HOUR_MS)
    assert of_days(of, around_the_clock=True) == pytest.approx([1.001**24 - 1] * 2)


def test_days_without_candles_count_around_the_clock_and_are_no_days_of_a_market_with_sessions() -> None:
    whole = curve([100, 101, 99, 102, 103, 104, 105])
    kept = np.array([0, 1, 2, 6])
    of = EquityCurve(whole.times_ms[kept], whole.equity[kept], whole.gross_equity[kept], whole.invested[kept])
    assert of_days(of, around_the_clock=True) == pytest.approx([0.01, 99 / 101 - 1, 0, 0, 0, 105 / 99 - 1])
    assert of_days(of, around_the_clock=False) == pytest.approx([0.01, 99 / 101 - 1, 105 / 99 - 1])


def test_a_market_with_sessions_has_the_days_on_which_it_traded() -> None:
    days = np.array([day for day in range(1, 2 * 365) if day % 7 < 5 and day % 50])
    times = START_MS + DAY_MS * days + 14 * HOUR_MS
    values = np.linspace(100, 120, len(days))
    of = EquityCurve(times, values, values, np.zeros(len(days)))
    returns = daily_returns(of, around_the_clock=False)
    assert returns.per_year == pytest.approx((len(days) - 1) / ((times[-1] - times[0]) / YEAR_MS))
    assert 250 < returns.per_year < 258
    # Of less than a year, five weekdays.
    few = EquityCurve(times[:10], values[:10], values[:10], np.zeros(10))
    assert daily_returns(few, around_the_clock=False).per_year == pytest.approx(365 * 5 / 7)


def test_years_multiply_to_the_whole() -> None:
    values = [100.0 * (1 + 0.001 * (day % 7 - 2)) * 1.0005**day for day in range(900)]
    of = curve(values)
    years = yearly_returns(of)
    assert list(years) == ["2017", "2018", "2019"]
    assert np.prod([1 + value for value in years.values()]) == pytest.approx(values[-1] / values[0])
    # The first year ends with the value of the midnight after it.
    assert years["2017"] == pytest.approx(values[364] / values[0] - 1)


def test_a_curve_that_begins_with_a_year_has_no_row_of_the_year_before() -> None:
    whole = curve([100.0 + day for day in range(400)])
    equity = whole.equity[364:]
    # Its first value is that of the midnight at which 2018 begins.
    years = yearly_returns(EquityCurve(whole.times_ms[364:], equity, equity, np.zeros(len(equity))))
    assert years == {"2018": pytest.approx(499 / 464 - 1)}
