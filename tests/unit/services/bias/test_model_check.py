"""Forecasts over a whole series: those that know later windows are found, those of a version are not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from backtesting.bias.checks import BiasKind
from backtesting.bias.lookahead import find_lookahead
from backtesting.bias.recursive import measure_history
from features.columns.feature_sets import STANDARD
from models.recalibration.records import Recalibration
from models.registry.metadata import ModelMetadata
from models.registry.registry import Registry
from models.serving.forecaster import FeatureRows, Forecasts
from models.serving.loaded_models import load_version
from services.bias.model_check import model_check
from tests.fixtures.histories import simulated
from tests.fixtures.models import LENGTH, add_model, make_metadata

MARKET = simulated(21, count=600)


class BatchForecaster:
    """Scales its windows by the mean of the batch, as a network does that was left in training mode."""

    metadata: ModelMetadata = make_metadata()
    recalibration = None
    needs: Mapping[str, int] = {STANDARD.name: LENGTH}

    def recalibrated(self, _: Recalibration | None) -> BatchForecaster:
        """Correct nothing."""
        return self

    def check(self, rows: FeatureRows) -> None:
        """Accept all rows."""

    def drivers(self, rows: FeatureRows) -> None:
        """Explain nothing."""

    def forecast(self, rows: FeatureRows) -> Forecasts:
        newest = rows[STANDARD.name][:, -1, 0]
        probability = 0.5 + 0.1 * np.tanh(newest / newest.mean() - 1)
        return Forecasts(probability, {}, np.zeros_like(probability), probability, probability[:, None])


def test_forecast_that_depends_on_later_windows_is_named() -> None:
    (culprit,) = find_lookahead([model_check(BatchForecaster())], MARKET, 10, lambda *_: None).culprits
    assert (culprit.kind, culprit.name) == (BiasKind.MODEL, BatchForecaster.metadata.version)
    assert culprit.without_future == 0.5  # a batch of one is its own mean


def test_version_neither_looks_ahead_nor_needs_all_candles(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    check = model_check(load_version(registry, add_model(registry).version))
    assert find_lookahead([check], MARKET, 10, lambda *_: None).culprits == ()
    (need,) = measure_history([check], MARKET, lambda *_: None)
    assert need.needed_candles is not None
    assert LENGTH + STANDARD.warm_up <= need.needed_candles <= LENGTH + STANDARD.history
    assert need.errors[60] is None or need.errors[60] > 1e-6
