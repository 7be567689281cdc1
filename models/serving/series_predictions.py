"""Predictions of a version at every candle of a series, to judge it on candles that it has not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from domain.arrays import FloatArray, IntArray
from domain.market import CandleSeries
from features.columns.feature_sets import FEATURE_SETS
from features.datasets.candle_checks import unbroken_runs
from features.datasets.windows import window_ends
from features.feature_engineering import FeatureEngineer
from models.serving.forecaster import FeatureRows, Forecaster

# Windows that are copied out at once.
BATCH = 512


@dataclass(frozen=True)
class SeriesPredictions:
    """n predictions, oldest first: position of the candle in the series, and probability of a rise, 0..1."""

    positions: IntArray
    probability: FloatArray


@dataclass(frozen=True)
class SeriesWindows:
    """The windows of a series that a version reads.

    Attributes:
        ends: Positions of their newest candles, ascending; shape (n,).
        views: By feature set every stretch of as many candles as are read; shape (candles - read + 1, read, columns).
        needs: Candles read, by feature set.
    """

    ends: IntArray
    views: Mapping[str, FloatArray]
    needs: Mapping[str, int]

    def rows(self, ends: IntArray) -> FeatureRows:
        """Return a copy of the windows that end at these positions."""
        return {name: view[ends - self.needs[name] + 1] for name, view in self.views.items()}


def windows_of(
    forecaster: Forecaster,
    series: CandleSeries,
    after_ms: int,
    until_ms: int | None = None,
    leader: CandleSeries | None = None,
) -> SeriesWindows:
    """Return the windows of candles that open after `after_ms` and have a whole one; arguments as `predict_series`."""
    times = series.times_ms
    tables = {
        name: FeatureEngineer(FEATURE_SETS[name]).transform(series, leader).to_numpy() for name in forecaster.needs
    }
    ends = np.flatnonzero((times > after_ms) & (True if until_ms is None else times <= until_ms))
    for name, length in forecaster.needs.items():
        known = np.isfinite(tables[name]).all(axis=1)
        ends = np.intersect1d(ends, window_ends(unbroken_runs(series, known), length))
    views = {
        name: sliding_window_view(tables[name], length, axis=0).transpose(0, 2, 1)
        for name, length in forecaster.needs.items()
        if len(ends)
    }
    return SeriesWindows(ends, views, forecaster.needs)


def predict_series(
    forecaster: Forecaster,
    series: CandleSeries,
    after_ms: int,
    until_ms: int | None = None,
    leader: CandleSeries | None = None,
) -> SeriesPredictions:
    """Return the prediction at every candle that opens after `after_ms` and has a whole window before it.

    Args:
        forecaster: One model or an ensemble.
        series: Closed candles; windows do not cross a gap.
        after_ms: Epoch ms; only candles that open later are predicted.
        until_ms: Epoch ms; candles that open later are not predicted, although features may read them; None has no end.
        leader: Closed candles of what leads the market; None where they are not known, or the version reads none.
    """
    windows = windows_of(forecaster, series, after_ms, until_ms, leader)
    parts = [np.empty(0)]
    for start in range(0, len(windows.ends), BATCH):
        rows = windows.rows(windows.ends[start : start + BATCH])
        parts.append(forecaster.forecast(rows).probability_up)
    return SeriesPredictions(windows.ends, np.concatenate(parts))
