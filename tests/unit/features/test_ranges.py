"""The average true range of the newest candle alone is that of the whole series."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.market import CandleSeries
from features.indicators.ranges import average_true_ranges, newest_average_true_range, widest_share
from tests.fixtures.histories import flat_series, simulated


@given(st.integers(0, 10_000), st.integers(1, 700), st.integers(1, 30))
def test_the_newest_range_is_the_last_one_of_all(seed: int, count: int, period: int) -> None:
    series = simulated(seed, count=count)
    newest, last = newest_average_true_range(series, period), average_true_ranges(series, period)[-1]
    assert (math.isnan(newest), math.isnan(last)) == (count < period,) * 2
    if count >= period:
        assert newest == pytest.approx(last, rel=1e-8)


@pytest.mark.parametrize("back", [1, 5, 40])
def test_the_widest_share_is_what_the_range_loses_without_that_candle(back: int) -> None:
    series, values = simulated(1, count=200), simulated(1, count=200).values.copy()
    values[-back, 1] *= 2
    ticked = CandleSeries.of_arrays(series.timeframe, series.times_ms, values)
    values = values.copy()
    # The candle stands still where it opens, at the close of the one before.
    values[-back, :4] = values[-back - 1, 3]
    without = CandleSeries.of_arrays(series.timeframe, series.times_ms, values)
    lost = 1 - newest_average_true_range(without, 14) / newest_average_true_range(ticked, 14)
    assert widest_share(ticked, 14) == pytest.approx(lost, abs=0.02)
    assert widest_share(series, 14) < 0.3


def test_the_widest_share_is_none_where_nothing_moves_or_too_little_is_known() -> None:
    assert widest_share(flat_series(), 14) == 0
    assert widest_share(simulated(1, count=13), 14) == 0
