"""The plan of a forecast: the rules' exits on the likelier side, worth what the model's record says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.trading.costs import Costs
from domain.trading.forecast_plans import PlanRecord
from domain.values import Signal
from rules.evidence.weighing import even_money
from rules.forecast_plans import support_of, weigh_forecast
from rules.plans import HORIZON_CANDLES, find_exits
from tests.fixtures.plan_records import make_record

FREE, COSTS = Costs(fee_bps=0, slippage_bps=0), Costs(fee_bps=5, slippage_bps=1)


def weigh(probability: float, record: PlanRecord | None = None, costs: Costs = FREE, **changes: Any) -> Any:
    values: dict[str, Any] = {"symbol": "BTCUSDT", "price": 100.0, "average_true_range": 1.0} | changes
    found = weigh_forecast(
        record or make_record(), values["symbol"], probability, values["price"], values["average_true_range"], costs
    )
    assert found is not None
    return found


@pytest.mark.parametrize(("probability", "side"), [(0.9, "Long"), (0.5, "Long"), (0.49, "Short")])
def test_it_has_the_exits_of_the_rules_on_the_likelier_side(probability: float, side: str) -> None:
    plan, exits = weigh(probability), find_exits(Signal(side), 100.0, 1.0)
    assert (plan.side, plan.entry, plan.horizon_candles) == (side, 100.0, HORIZON_CANDLES)
    assert (plan.stop, plan.target) == (exits.stop, exits.target)


def test_costs_are_taken_from_what_it_is_worth() -> None:
    free, paid = weigh(0.6), weigh(0.6, costs=COSTS)
    assert paid.gross_bps == free.gross_bps
    assert paid.net_bps == pytest.approx(free.net_bps - 12)
    # Of a stop three percent away.
    assert paid.expected_r == pytest.approx(free.expected_r - 12 / 300, abs=1e-4)
    assert even_money(paid.expected_r) == pytest.approx(0.5 + paid.expected_r / 2)


def test_an_even_forecast_is_worth_chance() -> None:
    even = weigh(0.5)
    assert (even.target_first, even.expected_r, even.low, even.high) == (0.3333, 0.0, 0.0, 0.0)


def test_other_kinds_of_markets_have_half_of_the_weight() -> None:
    own, other = (weigh(0.6, symbol=symbol).target_first - 1 / 3 for symbol in ("BTCUSDT", "AAPL"))
    assert other == pytest.approx(own / 2, rel=0.05)
    assert weigh(0.6, symbol="AAPL").verdict == "insufficient"


@pytest.mark.parametrize("average_true_range", [0.0, 0.001, 16.0, float("nan")])
def test_without_room_there_is_no_plan(average_true_range: float) -> None:
    assert weigh_forecast(make_record(), "BTCUSDT", 0.6, 100.0, average_true_range, FREE) is None


def test_a_record_of_other_exits_weighs_no_plan() -> None:
    assert weigh_forecast(make_record(stop_atr=2.0), "BTCUSDT", 0.6, 100.0, 1.0, FREE) is None


@given(st.floats(0, 1), st.floats(0, 1))
def test_support_grows_with_the_probability_and_is_the_same_of_both_sides(one: float, other: float) -> None:
    lower, upper = (float(support_of(np.array(value))) for value in sorted((one, other)))
    assert -1 <= lower <= upper <= 1
    assert float(support_of(np.array(1 - one))) == pytest.approx(-float(support_of(np.array(one))), abs=1e-9)


@given(st.floats(0, 1), st.floats(-1, 1), st.floats(0, 0.5), st.sampled_from([0, 299, 300, 5_000]))
def test_what_is_stated_is_within_its_interval_and_fits_its_verdict(
    probability: float, weight: float, error: float, plans: int
) -> None:
    found = weigh(probability, make_record(weight=weight, error=error, plans=plans), COSTS)
    assert found.low <= found.expected_r <= found.high
    assert (found.verdict == "insufficient") is (plans < 300)
    if found.verdict == "positive":
        assert found.low >= 0
