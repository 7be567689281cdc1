"""Features of many series in one call: the values that each series has alone, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import InsufficientData
from domain.market import CandleSeries, Timeframe
from features.columns.feature_sets import FEATURE_SETS, STANDARD, WIDE
from features.feature_engineering import TOGETHER, FeatureEngineer
from features.indicators.catalogue import Engine
from tests.fixtures.histories import simulated

HOUR_MS = Timeframe.H1.ms


def of_seed(seed: int, count: int, hole_at: int | None = None) -> CandleSeries:
    """Return hourly candles, some without a trade, with a hole of a hundred before the candle at `hole_at`."""
    series = simulated(seed, drift=None, count=count + 100)
    times, values = series.times_ms, series.values.copy()
    values[count // 3 : count // 3 + 8, :4] = values[count // 3, 3]
    values[count // 2 : count // 2 + 8, 4] = 0.0
    at = count if hole_at is None else min(hole_at, count)
    kept = np.r_[:at, at + 100 : count + 100]
    return CandleSeries.of_arrays(Timeframe.H1, times[kept], values[kept])


@settings(max_examples=20)
@given(
    seeds=st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 320)), min_size=1, max_size=6),
    hole_at=st.none() | st.integers(1, 300),
    name=st.sampled_from(sorted(FEATURE_SETS)),
)
def test_each_series_has_the_bits_that_it_has_alone(
    seeds: list[tuple[int, int]], hole_at: int | None, name: str
) -> None:
    engineer = FeatureEngineer(FEATURE_SETS[name])
    # Each length twice, since series of one length are computed together.
    many = [of_seed(seed + shift, count, hole_at) for seed, count in seeds for shift in range(2)]
    found = engineer.matrices(many)
    assert [len(rows) for rows in found] == [len(series) for series in many]
    for series, rows in zip(many, found, strict=True):
        np.testing.assert_array_equal(rows, engineer.matrix(series))


def test_series_that_do_not_fit_into_one_call_are_all_there_in_their_order() -> None:
    many = [of_seed(seed, TOGETHER // 3 + seed) for seed in range(5)]
    engineer = FeatureEngineer(STANDARD)
    for series, rows in zip(many, engineer.matrices(many), strict=True):
        np.testing.assert_array_equal(rows, engineer.matrix(series))
    assert engineer.matrices([]) == []


@pytest.mark.parametrize("engine", ["fast", "ta"])
def test_both_engines_take_many_series(engine: Engine) -> None:
    engineer = FeatureEngineer(WIDE, engine)
    many = [of_seed(1, 300), of_seed(2, 240), of_seed(3, 300)]
    for series, rows in zip(many, engineer.matrices(many), strict=True):
        np.testing.assert_array_equal(rows, engineer.matrix(series))


def test_the_newest_windows_of_many_series_are_those_of_each() -> None:
    engineer = FeatureEngineer(STANDARD)
    many = [of_seed(1, 700), of_seed(2, 110), of_seed(3, 260, hole_at=150)]
    for series, rows in zip(many, engineer.last_windows(many, 24), strict=True):
        np.testing.assert_array_equal(rows, engineer.last_window(series, 24))
    with pytest.raises(InsufficientData, match="received 60"):
        engineer.last_windows([*many, of_seed(4, 60)], 24)
