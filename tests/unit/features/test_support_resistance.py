"""Levels are prices at which the market turned, on the right side, nearest first."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from features.indicators.support_resistance import MAX_LEVELS, Levels, find_levels
from tests.fixtures.histories import flat_series, simulated


def _zigzag(turns: list[float], steps: int = 5) -> pd.DataFrame:
    """Return a path of straight lines from turn to turn, with highs and lows close to it."""
    path = [turns[0]]
    for turn in turns[1:]:
        start = path[-1]
        path += [start + (turn - start) * (i + 1) / steps for i in range(steps)]
    return pd.DataFrame({"high": path, "low": path})


def _levels(frame: pd.DataFrame, price: float, average_true_range: float) -> Levels:
    return find_levels(frame["high"].to_numpy(float), frame["low"].to_numpy(float), price, average_true_range)


def test_turning_points_are_the_levels_nearest_first() -> None:
    frame = _zigzag([100, 110, 95, 120, 90, 105])
    levels = _levels(frame, price=105, average_true_range=1)
    assert levels.supports == (95, 90)
    assert levels.resistances == (110, 120)


def test_a_broken_resistance_is_a_support() -> None:
    frame = _zigzag([100, 110, 102, 130])
    assert _levels(frame, price=130, average_true_range=1).supports == (110, 102)


def test_turns_that_lie_together_are_one_level_at_their_mean() -> None:
    frame = _zigzag([100, 110, 95, 110.4, 95.2, 103])
    levels = _levels(frame, price=103, average_true_range=1)
    assert levels.resistances == (110.2,)
    assert levels.supports == (95.1,)
    apart = _levels(frame, price=103, average_true_range=0.1)
    assert apart.resistances == (110, 110.4)
    assert apart.supports == (95.2, 95)


def test_a_turn_counts_once_three_candles_confirm_it() -> None:
    frame = _zigzag([100, 110, 95])
    assert _levels(frame.iloc[:8], 105, 1).resistances == ()  # two candles after the top
    assert _levels(frame.iloc[:9], 105, 1).resistances == (110,)


def test_a_top_of_equal_candles_counts_once_and_a_flat_market_has_no_levels() -> None:
    path = [1.0, 2, 3, 4, 4, 3, 2, 1]
    assert _levels(pd.DataFrame({"high": path, "low": path}), 2.5, 0.1).resistances == (4.0,)
    flat = _levels(flat_series().frame, 100, 0)
    assert (flat.supports, flat.resistances) == ((), ())


@given(seed=st.integers(0, 10_000), shift=st.floats(0.97, 1.03), count=st.integers(0, 120))
def test_levels_keep_to_their_side_and_to_the_prices_seen(seed: int, shift: float, count: int) -> None:
    frame = simulated(seed, drift=None, count=120).frame.iloc[:count]
    price = 100 * shift
    levels = _levels(frame, price, average_true_range=0.4)
    assert all(level < price for level in levels.supports)
    assert all(level > price for level in levels.resistances)
    assert list(levels.supports) == sorted(levels.supports, reverse=True)
    assert list(levels.resistances) == sorted(levels.resistances)
    assert max(len(levels.supports), len(levels.resistances)) <= MAX_LEVELS
    for level in (*levels.supports, *levels.resistances):
        # The candles around a turn reach it up to the width of the group.
        assert ((frame["low"] - 0.2 <= level) & (level <= frame["high"] + 0.2)).any()
