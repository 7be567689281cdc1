"""The average true range of the newest candle alone is that of the whole series."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.indicators.ranges import average_true_ranges, newest_average_true_range
from tests.fixtures.histories import simulated


@given(st.integers(0, 10_000), st.integers(1, 700), st.integers(1, 30))
def test_the_newest_range_is_the_last_one_of_all(seed: int, count: int, period: int) -> None:
    series = simulated(seed, count=count)
    newest, last = newest_average_true_range(series, period), average_true_ranges(series, period)[-1]
    assert (math.isnan(newest), math.isnan(last)) == (count < period,) * 2
    if count >= period:
        assert newest == pytest.approx(last, rel=1e-8)
