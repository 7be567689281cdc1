"""Splits and long holes: where a series breaks off."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.continuity import MAX_HOLE_CANDLES, breaks, newest_break, possible_breaks, since_break, split_words
from domain.market import CandleSeries, Timeframe
from features.columns.feature_sets import FEATURE_SETS
from features.feature_engineering import FeatureEngineer

HOUR = Timeframe.H1.ms


def path(count: int, seed: int = 1) -> CandleSeries:
    """Return a random walk of hours, each opening at the close before."""
    rng = np.random.default_rng(seed)
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, count)))
    opens = np.concatenate(([100.0], closes[:-1]))
    values = np.stack(
        (opens, np.maximum(opens, closes) * 1.003, np.minimum(opens, closes) * 0.997, closes, np.ones(count)), axis=1
    )
    return CandleSeries.of_arrays(Timeframe.H1, np.arange(count, dtype=np.int64) * HOUR, values)


def split(series: CandleSeries, at: int, factor: float) -> CandleSeries:
    """Return the series with the prices from a position on multiplied."""
    values = series.values.copy()
    values[at:, :4] *= factor
    return CandleSeries.of_arrays(series.timeframe, series.times_ms, values, series.sessions)


def without(series: CandleSeries, start: int, count: int) -> CandleSeries:
    """Return the series without some of its candles."""
    kept = np.delete(np.arange(len(series)), slice(start, start + count))
    return CandleSeries.of_arrays(series.timeframe, series.times_ms[kept], series.values[kept], series.sessions)


def test_a_long_history_full_of_jumps_is_searched_as_a_short_one() -> None:
    # Two markets in one file, one at ten times the price of the other, then one of them alone, and a split.
    alone = split(path(9_000), 8_000, 1 / 10)
    values = alone.values.copy()
    values[:2_000:2, :4] *= 10
    mixed = CandleSeries.of_arrays(Timeframe.H1, alone.times_ms, values)
    times = (mixed.times_ms[-1] + HOUR * np.arange(1, 3_001)).astype(np.int64)
    flat = np.tile([*[values[-1, 3]] * 4, 1.0], (3_000, 1))
    long = CandleSeries.of_arrays(
        Timeframe.H1, np.concatenate((mixed.times_ms, times)), np.concatenate((mixed.values, flat))
    )
    assert len(long) > 10_000 >= len(mixed)
    assert breaks(long).tolist() == breaks(mixed).tolist()
    assert 8_000 in breaks(long)


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (1 / 10, "it looks like a split 10:1"),
        (1 / 4, "it looks like a split 4:1"),
        (2 / 3, "it looks like a split 3:2"),
        (8.0, "it looks like a reverse split 1:8"),
        (0.43, "the price jumps by -57% between two candles"),
    ],
)
def test_a_jump_is_named(factor: float, words: str) -> None:
    series = split(path(200), 150, factor)
    found = newest_break(series)
    assert found is not None
    assert (found.position, found.words) == (150, words)
    assert len(since_break(series)) == 50


@pytest.mark.parametrize("factor", [0.8, 1.25, 1.0])
def test_the_move_of_a_night_is_no_split(factor: float) -> None:
    assert newest_break(split(path(200), 150, factor)) is None


def test_where_candles_are_as_wide_as_the_jump_it_is_none() -> None:
    rng = np.random.default_rng(3)
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 0.3, 300)))
    opens = closes * np.exp(rng.normal(0, 0.2, 300))
    values = np.stack(
        (opens, np.maximum(opens, closes) * 1.3, np.minimum(opens, closes) / 1.3, closes, np.ones(300)), axis=1
    )
    assert not len(breaks(CandleSeries.of_arrays(Timeframe.H1, np.arange(300, dtype=np.int64) * HOUR, values)))


def test_later_candles_do_not_decide_whether_a_price_jumped() -> None:
    jumped = split(path(300), 100, 1 / 3)
    values = jumped.values.copy()
    values[150:, 1] *= 1.5  # from here on candles are as wide as the jump
    wider = CandleSeries.of_arrays(jumped.timeframe, jumped.times_ms, values)
    assert breaks(jumped).tolist() == breaks(wider).tolist() == breaks(jumped.part(0, 101)).tolist() == [100]


@pytest.mark.parametrize(("lost", "broken"), [(MAX_HOLE_CANDLES, False), (MAX_HOLE_CANDLES + 1, True)])
def test_a_hole_of_more_than_ten_candles_is_a_break(lost: int, broken: bool) -> None:
    found = newest_break(without(path(200), 100, lost))
    assert (found is not None) is broken
    if found is not None:
        assert (found.missing, found.words) == (11, "11 candles are missing")


@given(st.floats(0.001, 1000))
def test_split_and_reverse_split_mirror_each_other(ratio: float) -> None:
    forward, backward = split_words(ratio), split_words(1 / ratio)
    assert (forward is None) == (backward is None)


@pytest.mark.parametrize("name", list(FEATURE_SETS))
def test_features_after_a_split_are_those_of_a_series_that_begins_there(name: str) -> None:
    engineer = FeatureEngineer(FEATURE_SETS[name])
    series = split(path(700), 300, 0.1)
    table = engineer.matrix(series)
    np.testing.assert_array_equal(table[300:], engineer.matrix(series.part(300, 700)))
    np.testing.assert_array_equal(table[:300], engineer.matrix(path(700).part(0, 300)))


@given(
    seed=st.integers(0, 1_000),
    at=st.integers(20, 180),
    factor=st.sampled_from([1.0, 0.5, 0.69, 1.45, 0.1]),
    hole=st.integers(0, 30),
    start=st.integers(0, 150),
    count=st.integers(1, 100),
)
def test_a_window_breaks_only_where_its_series_may(
    seed: int, at: int, factor: float, hole: int, start: int, count: int
) -> None:
    series = split(without(path(220, seed), at + 15, hole), at, factor)
    window = series.part(start, min(start + count, len(series)))
    assert {start + int(found) for found in breaks(window)} <= set(possible_breaks(series).tolist())
    # What is known of the whole series is what its part says by itself.
    alone = CandleSeries.of_arrays(window.timeframe, window.times_ms, window.values, window.sessions)
    assert window.missing_after.tolist() == alone.missing_after.tolist()
    assert (window.missing, window.regular, window.last_close_ms) == (alone.missing, alone.regular, alone.last_close_ms)
    assert newest_break(window) == newest_break(alone)
