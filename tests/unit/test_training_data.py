"""The whole way: candles with gaps and a table with holes become purged, scaled windows."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pandas as pd
import pytest

from config.settings import FeatureSettings
from domain.errors import ConfigurationError, InsufficientData
from domain.market import Candle, CandleSeries, Timeframe
from features.candle_checks import FilledCandles, fill_gaps, open_times
from features.training_data import prepare
from tests.conftest import MakeSettings

STEP = Timeframe.H1.ms
MIB = 2**20


def history(count: int, missing: set[int] | None = None) -> CandleSeries:
    """Return a random walk of closes with some candles missing."""
    closes = 100.0 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.004, count)))
    candles = [
        Candle(at * STEP, close, close, close, close, 1.0)
        for at, close in enumerate(closes.tolist())
        if at not in (missing or set())
    ]
    return CandleSeries.checked(Timeframe.H1, candles)


def table_of(candles: FilledCandles, warm_up: int = 10) -> pd.DataFrame:
    """Return two features, one the candle's number since 1970, so that windows show where they are from."""
    table = pd.DataFrame({"hour": open_times(candles.series) / STEP, "constant": np.full(len(candles.series), 7.0)})
    table.loc[: warm_up - 1, "hour"] = np.nan
    return table


def settings(**values: Any) -> FeatureSettings:
    return FeatureSettings.model_validate({"sequence_length": 5, "horizon_candles": 3, **values})


def test_windows_targets_and_scaler_fit_together() -> None:
    candles = fill_gaps(history(300, {150, 151}), "none", 12)
    data = prepare(candles, table_of(candles), "abc", settings())
    times, closes = open_times(candles.series), candles.series.frame["close"].to_numpy(np.float64)
    assert data.cleaning.warm_up_rows == 10
    rows = table_of(candles)["hour"].to_numpy()[10:]
    trained = rows[: data.split.train.stop]
    assert data.scaler.offset[0] == pytest.approx(trained.mean(), rel=1e-12)
    for part in (data.train, data.validation, data.test):
        assert len(part) > 0
        for values, targets in part.batches(7):
            hours = values[..., 0].astype(np.float64) * data.scaler.scale[0] + data.scaler.offset[0]
            np.testing.assert_allclose(np.diff(hours, axis=1), 1.0, atol=1e-3)
            assert (values[..., 1] == 0.0).all()
            now = np.searchsorted(times, np.rint(hours[:, -1]).astype(np.int64) * STEP)
            np.testing.assert_array_equal(times[now + 3] - times[now], 3 * STEP)
            change = closes[now + 3] / closes[now] - 1.0
            np.testing.assert_allclose(targets, np.clip(0.5 + change * 0.5 / 0.005, 0, 1), atol=1e-12)


def test_training_targets_are_known_before_validation_begins() -> None:
    candles = fill_gaps(history(300), "none", 12)
    data = prepare(candles, table_of(candles), "abc", settings(embargo_candles=2))
    assert data.train.ends[-1] + 3 + 2 < data.validation.ends[0]
    assert data.validation.ends[-1] + 3 + 2 < data.test.ends[0]


def test_the_scaler_does_not_see_what_comes_after_training() -> None:
    candles = fill_gaps(history(300), "none", 12)
    table = table_of(candles)
    changed = table.copy()
    changed.loc[250:, "hour"] = 1e9
    assert prepare(candles, table, "abc", settings()).scaler == prepare(candles, changed, "abc", settings()).scaler


def test_invented_candles_are_in_no_window_and_no_target() -> None:
    gaps = {150, 151}
    candles = fill_gaps(history(300, gaps), "flat", 12)
    data = prepare(candles, table_of(candles), "abc", settings())
    ends = np.concatenate((data.train.ends, data.validation.ends, data.test.ends)) + 10
    # A window of 5 and a target of 3 both stay clear of the two candles.
    assert not set(ends.tolist()) & set(range(150 - 3, 152 + 4))


def test_holes_dropped_by_cleaning_break_windows_too() -> None:
    candles = fill_gaps(history(300), "none", 12)
    table = table_of(candles)
    table.loc[100, "hour"] = np.nan
    data = prepare(candles, table, "abc", settings())
    rows = np.delete(np.arange(10, 300), 90)
    assert not set(rows[data.train.ends].tolist()) & set(range(100, 105))


def test_without_a_window_in_a_part_there_is_an_error() -> None:
    candles = fill_gaps(history(60), "none", 12)
    with pytest.raises(InsufficientData, match="a part has no window of 45"):
        prepare(candles, table_of(candles), "abc", settings(sequence_length=45, horizon_candles=1))
    with pytest.raises(ValueError, match="60 candles and 59 feature rows"):
        prepare(candles, table_of(candles).iloc[1:], "abc", settings())


def test_defaults_of_the_shipped_file_and_names_in_errors(make_settings: MakeSettings) -> None:
    assert make_settings().features == FeatureSettings()
    with pytest.raises(ConfigurationError, match=r"features\.gap_policy"):
        make_settings(features={"gap_policy": "linear"})


@pytest.mark.slow
def test_100_000_rows_of_65_columns_are_prepared_in_300_mb() -> None:
    candles = fill_gaps(history(100_000), "none", 12)
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(100_000, 65)), columns=[f"c{i}" for i in range(65)])
    tracemalloc.start()
    data = prepare(candles, table, "abc", FeatureSettings())
    for _ in data.train.batches(256, np.random.default_rng(0)):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300 * MIB
