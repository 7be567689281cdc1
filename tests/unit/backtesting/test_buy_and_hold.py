"""Buy and hold: bought at the first open that can be traded, sold at the last close."""

from __future__ import annotations

import pytest

from backtesting.figures.buy_and_hold import buy_and_hold
from backtesting.trading.fills import closes_ms
from domain.trading.costs import Costs
from tests.fixtures.trading import candles

FREE, PAID = Costs(fee_bps=0, slippage_bps=0), Costs(fee_bps=9, slippage_bps=1)
RISING = candles([(90, 100, 90, 95), (100, 110, 99, 105), (105, 125, 104, 120)])
FALLING = candles([(50, 51, 49, 50), (50, 50, 40, 45), (45, 45, 20, 25)])


def test_one_market_without_costs() -> None:
    assert buy_and_hold([RISING], closes_ms(RISING), FREE).tolist() == pytest.approx([1.0, 1.05, 1.2])


def test_costs_are_paid_on_what_is_bought_and_sold() -> None:
    found = buy_and_hold([RISING], closes_ms(RISING), PAID).tolist()
    assert found == pytest.approx([1.0, 1.05 / 1.001, 1.2 / 1.001 * 0.999])


def test_markets_share_the_money() -> None:
    assert buy_and_hold([RISING, FALLING], closes_ms(RISING), FREE).tolist() == pytest.approx([1.0, 0.975, 0.85])
