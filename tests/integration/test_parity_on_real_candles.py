"""Every architecture at its configured size: its ONNX form answers as it does on 1,000 real windows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from config.model_settings import ModelSettings
from features.candle_checks import open_times, unbroken_runs
from features.feature_engineering import FeatureEngineer
from features.feature_sets import FEATURE_SETS
from features.scaling import fit_scaler
from features.targets import forward_returns, multi_horizon_target, target_of
from features.windows import Windows
from models.architectures.catalogue import ARCHITECTURES, Architecture, fit
from models.export.parity import LARGEST_DIFFERENCE, check_parity
from models.summary import summarize
from services.market_data.csv_candles import read_candles

CANDLES = 3000
VALIDATION = 1000


@dataclass(frozen=True)
class Parts:
    train: Windows
    validation: Windows


def real_windows(architecture: Architecture, path: Path, settings: ModelSettings) -> Parts:
    series = read_candles(path, 2**42).tail(CANDLES)
    feature_set = FEATURE_SETS[architecture.feature_set]
    values = FeatureEngineer(feature_set).transform(series).to_numpy(np.float64)[feature_set.warm_up :]
    columns = [column.name for column in feature_set.columns]
    train = values[:-VALIDATION]
    scaled = fit_scaler("standard", train, columns, feature_set.id).apply(values, columns).astype(np.float32)
    closes, highs, lows = (series.frame[name].to_numpy(np.float64) for name in ("close", "high", "low"))
    runs = unbroken_runs(open_times(series), series.timeframe.ms)
    if architecture.target == "multi_horizon":
        targets = multi_horizon_target(closes, highs, lows, settings.patchtst.horizons_candles, 0.005, runs)
    else:
        targets = target_of(architecture.target, forward_returns(closes, 1, runs), 0.005)
    length = settings.patchtst.sequence_length if architecture.target == "multi_horizon" else 60
    windows = Windows.over(scaled, targets[feature_set.warm_up :], length, runs[feature_set.warm_up :])
    border = len(values) - VALIDATION
    # Parity needs a model that has learned something, not one that has learned all it can.
    return Parts(windows.ending_in(range(border - 320, border)), windows.ending_in(range(border, len(values))))


@pytest.mark.realdata
@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=lambda each: each.type)
def test_onnx_answers_as_the_model_on_real_windows(architecture: Architecture, real_data: Path) -> None:
    one_epoch = {name: {"learning": {"epochs": 1}} for name in ("recurrent", "transformer", "patchtst")}
    settings = ModelSettings.model_validate(one_epoch)
    name = "BTCUSDT-15m.csv.gz" if architecture.target == "multi_horizon" else "BTCUSDT-1h.csv.gz"
    data = real_windows(architecture, real_data / name, settings)
    model = fit(architecture, data, settings, lambda _: None)
    # The windows nearest to the present, learned from or not.
    windows = np.concatenate(
        [data.validation.batch(np.arange(len(data.validation)))[0], data.train.batch(np.arange(100))[0]]
    )
    inputs = (summarize(windows) if architecture.inputs == "summary" else windows)[:1000]
    assert len(inputs) == 1000
    assert len(np.unique(model.raw(inputs), axis=0)) > 50
    assert check_parity(model, model.onnx(), inputs) < LARGEST_DIFFERENCE
