"""Figures of trades, worked out by hand, and the groups that they are told apart by."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtesting.figures.trade_groups import (
    by_confidence,
    by_ground,
    by_side,
    by_symbol,
    by_timeframe,
    by_year,
    trade_figures,
    turnover,
)
from domain.market import Timeframe
from domain.values import Signal
from tests.fixtures.traded import OPENED_MS, trade


def test_figures_of_three_trades_by_hand() -> None:
    # 1 R is 10: after costs of 1 they came to +1.9, -1.1 and -0.1 R.
    found = trade_figures([trade(20, 1), trade(-10, 1), trade(0, 1)])
    assert found.trades == 3
    assert found.win_rate == pytest.approx(1 / 3)
    assert found.expectancy == pytest.approx((1.9 - 1.1 - 0.1) / 3)
    assert found.profit_factor == pytest.approx(19 / 12)
    assert [found.profit, found.costs] == pytest.approx([7, 3])
    assert found.gross_bps == pytest.approx(1e4 * (20 - 10) / 100 / 3)
    assert found.net_bps == pytest.approx(1e4 * (19 - 11 - 1) / 100 / 3)
    assert found.expectancy is not None
    # Student's t of two degrees of freedom.
    reach = 4.302653 * statistics.stdev([1.9, -1.1, -0.1]) / math.sqrt(3)
    assert found.expectancy_low == pytest.approx(found.expectancy - reach, rel=1e-6)
    assert found.expectancy_high == pytest.approx(found.expectancy + reach, rel=1e-6)


@pytest.mark.parametrize("count", [2, 4, 10])
def test_the_interval_of_few_trades_holds_their_expectancy(count: int) -> None:
    rng, held = np.random.default_rng(count), 0
    for _ in range(400):
        found = trade_figures([trade(gross, 0) for gross in rng.normal(0.0, 10.0, count)])
        assert found.expectancy_low is not None
        assert found.expectancy_high is not None
        held += found.expectancy_low <= 0.0 <= found.expectancy_high
    assert held / 400 == pytest.approx(0.95, abs=0.03)


def test_what_costs_eat_is_no_win() -> None:
    assert trade_figures([trade(1, 2)]).win_rate == 0.0


def test_without_trades_or_losses_figures_are_none_and_not_nan() -> None:
    nothing = trade_figures([])
    assert (nothing.trades, nothing.profit, nothing.costs) == (0, 0.0, 0.0)
    undefined = nothing.win_rate, nothing.expectancy, nothing.profit_factor, nothing.net_bps, nothing.confidence
    assert set(undefined) == {None}
    won = trade_figures([trade(20)])
    assert (won.profit_factor, won.expectancy_low) == (None, None)
    assert won.expectancy == pytest.approx(2.0)


def test_trades_are_told_apart() -> None:
    trades = [
        trade(20, side=Signal.LONG, symbol="BTCUSDT", timeframe=Timeframe.H1, ground="trend"),
        trade(-10, side=Signal.SHORT, symbol="ETHUSDT", timeframe=Timeframe.H1, ground="MACD Strategy"),
        trade(5, side=Signal.SHORT, symbol="ETHUSDT", timeframe=Timeframe.M15, ground="trend"),
    ]
    assert {name: group.trades for name, group in by_side(trades).items()} == {"Long": 1, "Short": 2}
    assert {name: group.profit for name, group in by_symbol(trades).items()} == {"BTCUSDT": 20.0, "ETHUSDT": -5.0}
    assert {name: group.trades for name, group in by_timeframe(trades).items()} == {"15m": 1, "1h": 2}
    assert {name: group.trades for name, group in by_ground(trades).items()} == {"MACD Strategy": 1, "trend": 2}


def test_a_trade_counts_in_the_year_of_its_exit() -> None:
    # 2021 begins at OPENED_MS.
    over_new_year = trade(opened_ms=OPENED_MS - 10, closed_ms=OPENED_MS)
    assert list(by_year([over_new_year, trade(closed_ms=OPENED_MS - 1)])) == ["2020", "2021"]


@pytest.mark.parametrize(
    ("confidence", "name"),
    [(0.0, "0.00-0.05"), (0.15, "0.15-0.20"), (0.5499, "0.50-0.55"), (0.55, "0.55-0.60"), (1.0, "0.95-1.00")],
)
def test_bins_of_confidence(confidence: float, name: str) -> None:
    assert list(by_confidence([trade(confidence=confidence)])) == [name]


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(0, 5), st.floats(0, 1)), min_size=1, max_size=30))
def test_groups_add_up_to_the_whole(results: list[tuple[float, float, float]]) -> None:
    trades = [trade(gross, costs, confidence=confidence) for gross, costs, confidence in results]
    whole, groups = trade_figures(trades), by_confidence(trades).values()
    assert sum(group.trades for group in groups) == whole.trades
    assert sum(group.profit for group in groups) == pytest.approx(whole.profit)
    expectancy = sum((group.expectancy or 0.0) * group.trades for group in groups) / whole.trades
    assert expectancy == pytest.approx(whole.expectancy)


def test_turnover_counts_entries_and_exits_over_the_average_equity() -> None:
    trades = [trade(20, quantity=2.0), trade(-10)]
    assert turnover(trades, np.array([400.0, 600.0])) == pytest.approx((2 * 220 + 190) / 500)
    assert turnover(trades, np.array([0.0])) is None
