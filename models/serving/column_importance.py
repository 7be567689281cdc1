"""Importance of columns: how much worse a version's forecasts get when one column is shuffled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from domain.arrays import FloatArray, RealArray
from domain.market import CandleSeries
from features.columns.feature_sets import FEATURE_SETS
from features.datasets.candle_checks import unbroken_runs
from features.datasets.importance import Importance, permutation_importance
from features.datasets.targets import forward_returns
from features.feature_engineering import FeatureEngineer
from models.registry.registry import Registry
from models.serving.forecaster import FeatureRows, Forecaster
from models.serving.loaded_models import load_version
from models.serving.series_predictions import windows_of
from models.serving.unseen import none_unseen

# The newest that are read: a network answers a few hundred windows a second, twice for each column.
MAX_WINDOWS = 1_000
# Fewer say nothing about a column.
LEAST_WINDOWS = 100
REPEATS = 2


@dataclass(frozen=True)
class MeasuredColumns:
    """What each column is worth to a version.

    Attributes:
        importances: One of each feature set that the version reads: by how much the Brier score rises when a column is
            shuffled between the windows. A column that it does not read has 0; below 0 it was better without.
        brier: The Brier score itself.
        windows: Number of forecasts.
    """

    importances: tuple[Importance, ...]
    brier: float
    windows: int


def measure_columns(
    registry: Registry,
    version: str,
    symbol: str,
    series: CandleSeries,
    now: Callable[[str], None],
    leader: CandleSeries | None,
) -> MeasuredColumns:
    """Return what the columns are worth on the newest candles, none of which the version was trained on.

    Args:
        registry: Has the version.
        version: Its name, of a model of the close.
        symbol: Market of the candles.
        series: Closed candles in the version's timeframe, oldest first.
        now: Takes what is done at present, in words.
        leader: Closed candles of what leads the market, where the version reads them and they are known.

    Raises:
        InsufficientData: fewer than `LEAST_WINDOWS` candles are newer than its training.
        InvalidRequest: it was imported, so its training data are not known.
        ModelNotFound, ModelUnusable: it cannot be loaded.
    """
    metadata = registry.open(version).metadata
    forecaster = load_version(registry, version)
    windows = windows_of(forecaster, series, metadata.require_data().last_ms, leader=leader)
    returns = forward_returns(series.closes, metadata.horizon_candles, unbroken_runs(series))
    ends = windows.ends[np.isfinite(returns[windows.ends]) & (returns[windows.ends] != 0.0)][-MAX_WINDOWS:]
    if len(ends) < LEAST_WINDOWS:
        raise none_unseen(metadata, symbol, series)
    rows, up = windows.rows(ends), (returns[ends] > 0.0).astype(np.float64)
    importances = []
    for name, values in rows.items():
        columns = FeatureEngineer(FEATURE_SETS[name]).feature_columns
        now(f"shuffling {len(columns)} columns of {name}")
        told = _told(forecaster, rows, name)
        importances.append(permutation_importance(told, values, up, columns, _skill, repeats=REPEATS, seed=0))
    return MeasuredColumns(tuple(importances), -_skill(up, forecaster.forecast(rows).probability_up), len(ends))


def _told(forecaster: Forecaster, rows: FeatureRows, name: str) -> Callable[[RealArray], FloatArray]:
    """Return what the version says where one of its feature sets has other values."""
    return lambda values: forecaster.forecast({**rows, name: np.asarray(values, np.float64)}).probability_up


def _skill(up: RealArray, probability: RealArray) -> float:
    """Return the Brier score with the sign turned: higher is better."""
    return -float(((up - probability) ** 2).mean())
