"""Stop and target stand where the levels and the range say, and risk is one scale."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.analysis import RiskLevel, VolatilityLevel
from domain.values import Signal
from features.indicators.support_resistance import Levels
from rules.risk import Exits, exits_fit, find_exits, volatility_level
from tests.fixtures.histories import assess, dashboard


def test_the_stop_hides_behind_a_level_and_the_target_stops_before_one() -> None:
    nothing = Levels((), ())
    plain = find_exits(Signal.LONG, 100, 1, nothing)
    assert plain is not None
    assert (plain.stop, plain.target) == (98.5, 103)
    short = find_exits(Signal.SHORT, 100, 1, nothing)
    assert short is not None
    assert (short.stop, short.target) == (101.5, 97)
    behind = find_exits(Signal.LONG, 100, 1, Levels((99.8, 98.0), (104.0,)))
    assert behind is not None
    assert (behind.stop, behind.target) == (97.75, 103.75)  # 99.8 is too near, 98 in reach; 104 less a margin
    near = find_exits(Signal.LONG, 100, 1, Levels((), (101,)))
    assert near is not None
    assert near.target == 103  # a target before 101 would not be worth the risk
    assert find_exits(Signal.NEUTRAL, 100, 1, nothing) is None


@pytest.mark.parametrize(
    ("percentile", "level"),
    [
        (0, VolatilityLevel.VERY_LOW),
        (10, VolatilityLevel.LOW),
        (50, VolatilityLevel.MEDIUM),
        (89.9, VolatilityLevel.HIGH),
        (100, VolatilityLevel.VERY_HIGH),
    ],
)
def test_volatility_levels_split_the_percentiles(percentile: float, level: VolatilityLevel) -> None:
    assert volatility_level(percentile) is level


def test_overall_risk_follows_its_parts() -> None:
    order = [RiskLevel.LOW, RiskLevel.MEDIUM, RiskLevel.HIGH]
    risks = [assess(dashboard(seed, drift)).risk_assessment for seed in range(8) for drift in (0.0, 0.3)]
    risks.sort(key=lambda risk: risk.technical_risk + risk.market_risk)
    ranks = [order.index(risk.overall_risk) for risk in risks]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) > 1


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
