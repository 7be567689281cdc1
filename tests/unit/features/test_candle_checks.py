"""Gaps: their report, the filled candles and their marks, and the unbroken runs of rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.continuity import Hole, holes, missing_times
from domain.errors import InvalidMarketData
from domain.hours.sessions import AROUND_THE_CLOCK
from domain.market import Candle, CandleSeries, Timeframe
from features.datasets.candle_checks import NO_RUN, fill_gaps, unbroken_runs, usual_timeframe

STEP = Timeframe.M5.ms
steps_apart = st.lists(st.integers(1, 6), max_size=30)


def series_of(apart: list[int]) -> CandleSeries:
    """Return candles with these distances in steps, each at its own price."""
    steps = np.cumsum([100, *apart])
    candles = [Candle(int(at) * STEP, 10.0 + i, 11.0 + i, 9.0 + i, 10.5 + i, 5.0) for i, at in enumerate(steps)]
    return CandleSeries.ordered(Timeframe.M5, candles).of_market(AROUND_THE_CLOCK)


def test_holes_name_each_gap() -> None:
    assert holes(series_of([1, 3, 1, 2])) == [Hole(102 * STEP, 104 * STEP, 2), Hole(106 * STEP, 107 * STEP, 1)]


@pytest.mark.parametrize("candles", [[], [Candle(STEP, 1.0, 1.0, 1.0, 1.0, 0.0)]])
def test_without_neighbors_there_is_no_gap(candles: list[Candle]) -> None:
    series = CandleSeries(Timeframe.M5, candles)
    assert holes(series) == []
    assert fill_gaps(series, "flat", 10).real.tolist() == [True] * len(candles)


def test_flat_candles_stand_at_the_close_before_without_volume() -> None:
    filled = fill_gaps(series_of([1, 3]), "flat", 10)
    assert filled.real.tolist() == [True, True, False, False, True]
    assert list(filled.series.candles[2:4]) == [Candle((102 + i) * STEP, 11.5, 11.5, 11.5, 11.5, 0.0) for i in range(2)]


def test_policy_none_changes_nothing() -> None:
    series = series_of([1, 3])
    filled = fill_gaps(series, "none", 10)
    assert filled.series is series
    assert filled.real.all()


def test_a_gap_too_long_to_fill_stays_open() -> None:
    # Gaps of 4, 5 and 4 candles.
    found = holes(fill_gaps(series_of([5, 6, 5]), "flat", 4).series)
    assert [hole.candles for hole in found] == [5]


@given(steps_apart)
def test_holes_agree_with_the_series_own_count_and_with_the_missing_times(apart: list[int]) -> None:
    series = series_of(apart)
    found, times = holes(series), missing_times(series)
    assert sum(hole.candles for hole in found) == series.missing
    assert [hole.candles for hole in found] == [len(part) for part in times.values()]
    assert [hole.start_ms for hole in found] == [part[0] for part in times.values()]


@given(steps_apart)
def test_filling_closes_every_gap_and_keeps_every_real_candle(apart: list[int]) -> None:
    series = series_of(apart)
    filled = fill_gaps(series, "flat", 10)
    checked = CandleSeries.ordered(Timeframe.M5, filled.series.candles).of_market(AROUND_THE_CLOCK)
    assert checked.missing == 0
    assert [c for c, real in zip(checked.candles, filled.real, strict=True) if real] == list(series.candles)


@given(steps_apart, st.data())
def test_rows_of_one_run_have_no_gap_between_them(apart: list[int], data: st.DataObject) -> None:
    series = series_of(apart)
    times = series.times_ms
    real = np.array(data.draw(st.lists(st.booleans(), min_size=len(times), max_size=len(times))), dtype=np.bool_)
    runs = unbroken_runs(series, real)
    for first in range(len(times)):
        for last in range(first, len(times)):
            unbroken = times[last] - times[first] == (last - first) * STEP and real[first : last + 1].all()
            assert (runs[first] == runs[last] != NO_RUN) == unbroken


def test_no_rows_have_no_runs() -> None:
    assert len(unbroken_runs(CandleSeries(Timeframe.M5, []))) == 0


@pytest.mark.parametrize("timeframe", Timeframe)
def test_usual_timeframe_is_the_most_frequent_distance_in_any_order(timeframe: Timeframe) -> None:
    times = 100 * Timeframe.D1.ms + timeframe.ms * np.array([0, 1, 2, 5, 6, 7, 8])
    assert usual_timeframe(times) is timeframe
    assert usual_timeframe(times[::-1]) is timeframe


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([], "at least 2 candles, received 0"),
        ([STEP], "at least 2 candles, received 1"),
        ([0, 1000, 2000], "1s apart; known timeframes are 1m, 3m"),
        ([5, 5], "0 ms apart"),
        ([0, 2_700_000], "candles are 45m apart"),
        ([0, 259_200_000], "candles are 3d apart"),
    ],
)
def test_usual_timeframe_needs_two_candles_a_known_distance_apart(times: list[int], message: str) -> None:
    with pytest.raises(InvalidMarketData, match=message):
        usual_timeframe(np.array(times, dtype=np.int64))
