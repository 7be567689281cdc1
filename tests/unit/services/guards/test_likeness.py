"""When two signals are one bet."""

from __future__ import annotations

import pytest

from domain.market import Timeframe
from domain.values import Signal
from services.guards.correlation import COMPARED_RETURNS, likenesses, newest_returns
from tests.fixtures.guards import H1, given_side, returns
from tests.fixtures.histories import simulated


@pytest.mark.parametrize(
    ("one", "other", "expected"), [("Long", "Long", 1), ("Long", "Short", -1), ("Short", "Short", 1)]
)
def test_opposite_sides_of_symbols_that_move_alike_are_no_one_bet(one: str, other: str, expected: float) -> None:
    assert likenesses(given_side(Signal(one)), [given_side(Signal(other))])[0] == pytest.approx(expected)


def test_opposite_sides_of_symbols_that_move_against_each_other_are_one_bet() -> None:
    mirrored = given_side(Signal.SHORT, returns=-returns(1))
    assert likenesses(given_side(Signal.LONG), [mirrored])[0] == pytest.approx(1)


def test_returns_of_different_timeframes_are_not_compared() -> None:
    assert likenesses(given_side(), [given_side(timeframe=Timeframe.M15)])[0] == 0


def test_a_market_is_compared_by_its_newest_returns() -> None:
    series = simulated(1, 0.0, H1, 300)
    times, found = newest_returns(series)
    assert len(times) == len(found) == COMPARED_RETURNS
    assert times[-1] == series.candles[-1].timestamp
    before, last = series.candles[-2:]
    assert found[-1] == pytest.approx(last.close / before.close - 1, rel=0.05)
