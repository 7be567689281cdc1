"""Plans: exits at their distances on the right sides, and exits of others only where they can be traded on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.values import Signal
from rules.plans import HORIZON_CANDLES, Exits, exits_fit, find_exits, make_plan


def test_the_stop_is_three_ranges_away_and_the_target_twice_as_far() -> None:
    long, short = (find_exits(side, 100, 1) for side in (Signal.LONG, Signal.SHORT))
    assert (long.stop, long.target) == (97, 106)
    assert (short.stop, short.target) == (103, 94)


def test_a_plan_takes_exits_that_fit_and_replaces_others() -> None:
    plan = make_plan(Signal.LONG, 100, 1, Exits(98, 105))
    assert (plan.stop, plan.target, plan.horizon_candles) == (98, 105, HORIZON_CANDLES)
    assert (plan.risk, plan.reward) == (2, 2.5)
    assert plan.break_even == pytest.approx(1 / 3.5)
    replaced = make_plan(Signal.LONG, 100, 1, Exits(99.5, 105))
    assert (replaced.stop, replaced.target) == (97, 106)


@given(
    st.sampled_from([Signal.LONG, Signal.SHORT]),
    st.floats(1e-8, 1e9),
    st.floats(-2, 2),
    st.floats(-2, 4),
)
def test_exits_of_others_fit_only_where_they_can_be_traded_on(
    signal: Signal, price: float, stop: float, target: float
) -> None:
    average_true_range = price * 0.01
    exits = Exits(price * stop, price * target)
    side = 1 if signal is Signal.LONG else -1
    risk, reward = side * (price - exits.stop), side * (exits.target - price)
    if exits_fit(exits, signal, price, average_true_range):
        assert average_true_range <= risk <= 5 * average_true_range
        assert risk <= reward <= 10 * risk
        assert exits.stop > 0
        assert exits.target > 0
    assert not exits_fit(exits, Signal.NEUTRAL, price, average_true_range)


def test_plain_exits_of_others_fit() -> None:
    assert exits_fit(Exits(98.0, 104.0), Signal.LONG, 100.0, 1.0)
    assert exits_fit(Exits(102.0, 96.0), Signal.SHORT, 100.0, 1.0)
    assert not exits_fit(Exits(102.0, 96.0), Signal.LONG, 100.0, 1.0)
