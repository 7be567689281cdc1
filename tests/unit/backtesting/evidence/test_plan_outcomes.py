"""Outcomes of many plans at once are those of one simulated trade after the other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtesting.plan_outcomes import OPEN, STOP, TARGET, TIME, PlanOutcomes, plan_outcomes
from backtesting.trades import TradeEnd
from backtesting.trading.fills import MarketOrders
from domain.market import CandleSeries
from tests.fixtures.histories import simulated
from tests.fixtures.trading import candles

ENDS = {TradeEnd.STOP: STOP, TradeEnd.TARGET: TARGET, TradeEnd.TIME: TIME}


def one(series: CandleSeries, side: int = 1, risk: float = 2.0, reward: float = 2.0, horizon: int = 10) -> PlanOutcomes:
    """Return the outcome of a plan made at the close of the first candle."""
    return plan_outcomes(series, np.array([0]), np.array([side]), np.array([risk]), np.array([reward]), horizon)


@pytest.mark.parametrize(
    ("rows", "end", "r"),
    [
        ([(100, 101, 99, 100), (100, 105, 99, 104)], TARGET, 2.0),
        ([(100, 101, 99, 100), (100, 101, 97, 98)], STOP, -1.0),
        ([(100, 101, 99, 100), (100, 105, 97, 104)], STOP, -1.0),  # both in one candle: the worse
        ([(100, 101, 99, 100), (100, 101, 99, 100), (95, 96, 94, 95)], STOP, -2.5),  # jumped over the stop
        ([(100, 101, 99, 100), (100, 101, 99, 100), (106, 107, 96, 97)], TARGET, 3.0),  # and over the target
        ([(100, 101, 99, 100), (99, 101, 98.5, 100), (100, 101, 99, 101)], OPEN, np.nan),  # the candles end
        ([(100, 101, 99, 100), (97, 98, 96, 97)], OPEN, np.nan),  # it opens beyond the stop: no plan
    ],
)
def test_a_plan_ends_where_its_orders_are_filled(
    rows: list[tuple[float, float, float, float]], end: int, r: float
) -> None:
    found = one(candles(rows))
    assert found.ends.tolist() == [end]
    np.testing.assert_allclose(found.r, [r])


def test_the_entry_is_the_next_open_and_the_time_limit_a_close() -> None:
    found = one(candles([(100, 101, 99, 100), (101, 102, 100, 101), (101, 103, 100, 102.5)]), horizon=2)
    assert (found.ends.tolist(), found.candles.tolist()) == ([TIME], [2])
    np.testing.assert_allclose(found.r, [0.75])  # 101 to 102.5 at a risk of 2
    np.testing.assert_allclose(found.bps, [1e4 * 1.5 / 101])


@given(
    seed=st.integers(0, 10_000),
    side=st.sampled_from([1, -1]),
    risk=st.floats(0.05, 3),
    reward=st.floats(0.5, 4),
    horizon=st.integers(1, 60),
)
def test_many_plans_end_as_simulated_trades_do(seed: int, side: int, risk: float, reward: float, horizon: int) -> None:
    series = simulated(seed, count=80, volatility=0.01)
    positions = np.arange(0, 70, 7)
    count = len(positions)
    found = plan_outcomes(
        series, positions, np.full(count, side), np.full(count, risk), np.full(count, reward), horizon
    )
    orders = MarketOrders("BTCUSDT", series, None)
    for at, position in enumerate(positions.tolist()):
        close, entry = float(series.closes[position]), float(series.opens[position + 1])
        stop, target = close - side * risk, close + side * reward * risk
        if not side * stop < side * entry < side * target:
            assert found.ends[at] == OPEN
            continue
        done = orders.exit(position + 1, side, stop, target, horizon)
        assert found.ends[at] == ENDS.get(done.end, OPEN)
        if done.end in ENDS:
            assert found.r[at] == pytest.approx(side * (done.price - entry) / risk, abs=1e-9)
