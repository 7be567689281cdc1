"""Predictions of a version at every candle of a series, to judge it on candles that it has not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from domain.arrays import FloatArray, IntArray
from domain.market import CandleSeries
from features.columns.feature_sets import FEATURE_SETS
from features.datasets.candle_checks import unbroken_runs
from features.datasets.windows import window_ends
from features.feature_engineering import FeatureEngineer
from models.serving.forecaster import Forecaster

# Windows that are copied out at once.
BATCH = 512


@dataclass(frozen=True)
class SeriesPredictions:
    """n predictions, oldest first: position of the candle in the series, and probability of a rise, 0..1."""

    positions: IntArray
    probability: FloatArray


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
    parts = [np.empty(0)]
    for start in range(0, len(ends), BATCH):
        chosen = ends[start : start + BATCH]
        rows = {name: view[chosen - forecaster.needs[name] + 1] for name, view in views.items()}
        parts.append(forecaster.forecast(rows).probability_up)
    return SeriesPredictions(ends, np.concatenate(parts))
