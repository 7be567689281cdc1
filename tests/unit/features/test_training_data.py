"""Candles with gaps become purged, scaled windows of one market or of several."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from config.settings import FeatureSettings
from domain.errors import ConfigurationError, InsufficientData
from domain.hours.sessions import AROUND_THE_CLOCK
from domain.market import Candle, CandleSeries, Timeframe
from features.columns.feature_sets import STANDARD
from features.datasets.training_data import TrainingData, TrainingSet, training_set
from features.feature_engineering import FeatureEngineer
from tests.conftest import MakeSettings
from tests.fixtures.settings import configured

STEP = Timeframe.H1.ms
MIB = 2**20
HORIZONS = (1, 2, 4, 8)
WARM_UP = STANDARD.warm_up


def history(count: int, missing: set[int] | None = None, seed: int = 1, first: int = 0) -> CandleSeries:
    """Return a random walk with some candles missing."""
    rng = np.random.default_rng(seed)
    closes = 100.0 * np.exp(np.cumsum(rng.normal(0, 0.004, count)))
    spreads = np.exp(np.abs(rng.normal(0, 0.002, count)))
    volumes = rng.uniform(1, 9, count)
    candles = [
        Candle((first + at) * STEP, close, close * spread, close / spread, close, volume)
        for at, (close, spread, volume) in enumerate(
            zip(closes.tolist(), spreads.tolist(), volumes.tolist(), strict=True)
        )
        if at not in (missing or set())
    ]
    return CandleSeries.ordered(Timeframe.H1, candles).of_market(AROUND_THE_CLOCK)


def settings(**values: Any) -> FeatureSettings:
    return configured(FeatureSettings, **{"sequence_length": 5, "horizon_candles": 3, **values})


def rows_of(*markets: CandleSeries, **values: Any) -> TrainingSet:
    return training_set(markets, STANDARD, settings(**values), HORIZONS, 0.005)


def parts(rows: TrainingSet, **values: Any) -> TrainingData:
    return rows.part(range(200), range(203, 250), range(253, 300), "soft", 5, settings(**values))


def test_windows_targets_and_scaler_fit_together() -> None:
    series = history(300, {150, 151})
    rows = rows_of(series)
    data = parts(rows)
    assert rows.cleaning[0].warm_up_rows == WARM_UP
    assert (rows.slots == rows.times_ms // STEP).all()
    table = FeatureEngineer(STANDARD).transform(series)
    training = table[(table.index >= WARM_UP * STEP) & (table.index < 200 * STEP)].to_numpy()
    np.testing.assert_allclose(data.scaler.offset, training.mean(axis=0), rtol=1e-9, atol=1e-12)
    close = dict(zip(table.index.tolist(), series.closes.tolist(), strict=True))
    for part, slots in ((data.train, range(200)), (data.validation, range(203, 250))):
        inputs, targets = part.batch(np.arange(len(part)))
        for window, target, end in zip(inputs, targets, part.ends, strict=True):
            now = int(rows.times_ms[end])
            assert now // STEP in slots
            # Five candles in succession before, three in succession after.
            assert all(now + step * STEP in close for step in range(-4, 4))
            expected = data.scaler.apply(table.loc[now - 4 * STEP : now].to_numpy(), list(table.columns))
            np.testing.assert_allclose(window, expected, rtol=1e-5, atol=1e-6)
            change = close[now + 3 * STEP] / close[now] - 1.0
            assert target == pytest.approx(np.clip(0.5 + change * 0.5 / 0.005, 0, 1), abs=1e-9)


def test_test_windows_have_the_return_that_scores_them() -> None:
    rows = rows_of(history(300))
    data = parts(rows)
    np.testing.assert_array_equal(data.test.targets[data.test.ends], rows.returns[data.test.ends])
    np.testing.assert_array_equal(rows.slots[data.test.ends], np.arange(253, 297))


def test_the_scaler_does_not_see_what_comes_after_training() -> None:
    calm, wild = history(300), history(300)
    wild = CandleSeries(Timeframe.H1, [*wild.candles[:210], *(c for c in history(300, seed=2).candles[210:])])
    assert parts(rows_of(calm)).scaler == parts(rows_of(wild)).scaler


def test_filled_candles_are_in_no_window_and_no_target() -> None:
    rows = rows_of(history(300, {150, 151}), gap_policy="flat")
    data = parts(rows, gap_policy="flat")
    ends = np.concatenate((data.train.ends, data.validation.ends, data.test.ends))
    # A window of 5 and a target of 3 both stay clear of the two candles.
    assert not set(rows.slots[ends].tolist()) & set(range(150 - 3, 152 + 4))


def test_several_markets_share_one_axis_of_time_and_no_window() -> None:
    first, second = history(300), history(250, seed=3, first=100)
    rows = rows_of(first, second)
    data = rows.part(range(460), range(466, 560), range(566, 700), "soft", 5, settings())
    assert len(set(rows.slots.tolist())) == len(rows.slots)
    assert (rows.slots // 2 == rows.times_ms // STEP).all()
    assert rows.target_horizon("soft") == 6
    alone = rows_of(first).part(range(230), range(233, 280), range(283, 350), "soft", 5, settings())
    other = rows_of(second).part(range(130), range(133, 180), range(183, 250), "soft", 5, settings())
    assert len(data.train) == len(alone.train) + len(other.train)
    assert len(data.test) == len(alone.test) + len(other.test)


def test_a_selection_of_features_is_made_from_training_rows() -> None:
    series = history(300)
    other = CandleSeries(Timeframe.H1, [*series.candles[:210], *(c for c in history(300, seed=2).candles[210:])])
    chosen = parts(rows_of(series), selected_features=7).scaler.columns
    assert len(chosen) == 7
    assert list(chosen) == [column.name for column in STANDARD.columns if column.name in chosen]
    assert parts(rows_of(other), selected_features=7).scaler.columns == chosen
    data = parts(rows_of(series), selected_features=7)
    assert data.train.rows.shape[1] == 7
    whole = parts(rows_of(series))
    places = [whole.scaler.columns.index(name) for name in chosen]
    np.testing.assert_array_equal(data.train.rows, whole.train.rows[:, places])


def test_a_target_of_several_horizons_is_known_at_the_longest() -> None:
    rows = rows_of(history(300))
    assert rows.target_horizon("multi_horizon") == 8
    assert rows.target_horizon("soft") == 3
    assert rows.targets("multi_horizon").shape == (len(rows.rows), 12)


def test_without_a_window_in_a_part_there_is_an_error() -> None:
    with pytest.raises(InsufficientData, match="a part has no window of 70"):
        rows_of(history(110)).part(range(100), range(101, 110), range(0), "soft", 70, settings())


def test_defaults_of_the_shipped_file_and_names_in_errors(make_settings: MakeSettings) -> None:
    assert make_settings().features == configured(FeatureSettings)
    with pytest.raises(ConfigurationError, match=r"features\.gap_policy"):
        make_settings(features={"gap_policy": "linear"})


@pytest.mark.slow
def test_100_000_rows_as_windows_need_no_copies() -> None:
    count, columns = 100_000, len(STANDARD.columns)
    small = rows_of(history(300))
    rng = np.random.default_rng(0)
    ones = np.ones(count)
    rows = TrainingSet(
        STANDARD, 1, 0.005, HORIZONS, rng.normal(size=(count, columns)), np.arange(count), np.arange(count), 1, 1,
        max(HORIZONS), np.zeros(count, dtype=np.int64), ones, ones > 1, ones, small.futures, small.cleaning,
        np.empty((count, 0)),
    )  # fmt: skip
    tracemalloc.start()
    data = rows.part(range(70_000), range(70_000, 85_000), range(85_000, count), "soft", 60, settings())
    for _ in data.train.batches(256):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300 * MIB
