"""Buy and hold: bought at the first open that can be traded, sold at the last close."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backtesting.figures.buy_and_hold import buy_and_hold
from backtesting.trading.fills import closes_ms
from domain.naming.symbols import SymbolKind
from domain.trading.costs import Costs, MarketCosts
from tests.fixtures.trading import traded

FREE, PAID = MarketCosts(fee_bps=0, slippage_bps=0), MarketCosts(fee_bps=9, slippage_bps=1)
RISING = traded([(90, 100, 90, 95), (100, 110, 99, 105), (105, 125, 104, 120)])
FALLING = replace(traded([(50, 51, 49, 50), (50, 50, 40, 45), (45, 45, 20, 25)]), symbol="EURUSD")
TIMES_MS = closes_ms(RISING.series)


def test_one_market_without_costs() -> None:
    assert buy_and_hold([RISING], TIMES_MS, FREE).tolist() == pytest.approx([1.0, 1.05, 1.2])


def test_costs_are_paid_on_what_is_bought_and_sold() -> None:
    found = buy_and_hold([RISING], TIMES_MS, PAID).tolist()
    assert found == pytest.approx([1.0, 1.05 / 1.001, 1.2 / 1.001 * 0.999])


def test_markets_share_the_money() -> None:
    assert buy_and_hold([RISING, FALLING], TIMES_MS, FREE).tolist() == pytest.approx([1.0, 0.975, 0.85])


def test_each_market_pays_the_costs_of_its_kind() -> None:
    costs = PAID.model_copy(update={"by_kind": {SymbolKind.FOREX: Costs(fee_bps=0, slippage_bps=0)}})
    assert buy_and_hold([FALLING], TIMES_MS, costs).tolist() == buy_and_hold([FALLING], TIMES_MS, FREE).tolist()
    assert buy_and_hold([RISING], TIMES_MS, costs).tolist() == buy_and_hold([RISING], TIMES_MS, PAID).tolist()
