"""From candles and their feature table to what a model is trained on: the one order of the steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from config.settings import FeatureSettings
from domain.errors import InsufficientData
from features.candle_checks import FilledCandles, open_times, unbroken_runs
from features.cleaning import CleaningReport, clean
from features.scaling import Scaler, fit_scaler
from features.splits import Split, split_rows
from features.targets import forward_returns, target_of
from features.windows import Windows


@dataclass(frozen=True)
class TrainingData:
    """Scaled windows of each part, the scaler that serving needs, and what cleaning cost.

    `split` counts rows of the cleaned table, as the `ends` of the windows do.
    """

    train: Windows
    validation: Windows
    test: Windows
    split: Split
    scaler: Scaler
    cleaning: CleaningReport


def prepare(
    candles: FilledCandles, table: pd.DataFrame, feature_set_id: str, settings: FeatureSettings
) -> TrainingData:
    """Return purged training, validation and test windows; the scaler sees training rows only.

    Windows and targets stay within unbroken runs of real candles. Targets are made from all candles,
    before cleaning drops rows, so that a horizon counts candles and not remaining rows.

    Args:
        candles: n closed candles, after the fill policy.
        table: n rows of features, one per candle; NaN where warming up.
        feature_set_id: Identity of the table's columns and parameters.
        settings: Policies, lengths and shares.

    Raises:
        InsufficientData: cleaning, purging or gaps leave a part without a window.
        ValueError: candles and table differ in length.
    """
    if len(candles.series) != len(table):
        raise ValueError(f"{len(candles.series)} candles and {len(table)} feature rows should be as many")
    times, step_ms = open_times(candles.series), candles.series.timeframe.ms
    closes = candles.series.frame["close"].to_numpy(np.float64)
    returns = forward_returns(closes, settings.horizon_candles, unbroken_runs(times, step_ms, candles.real))
    targets = target_of(settings.target, returns, settings.target_threshold)
    cleaned = clean(table, settings.nan_policy, settings.max_forward_fill_rows, settings.max_lost_share)
    split = split_rows(
        len(cleaned.rows),
        settings.horizon_candles,
        validation_share=settings.validation_share,
        test_share=settings.test_share,
        embargo=settings.embargo_candles,
    )
    columns = [str(name) for name in cleaned.table.columns]
    values = cleaned.table.to_numpy(np.float64)
    scaler = fit_scaler(settings.scaler, values[split.train.start : split.train.stop], columns, feature_set_id)
    # Single precision is what networks compute in, and half the memory.
    scaled = scaler.apply(values, columns).astype(np.float32)
    runs = unbroken_runs(times[cleaned.rows], step_ms, candles.real[cleaned.rows])
    windows = Windows.over(scaled, targets[cleaned.rows], settings.sequence_length, runs)
    parts = [windows.ending_in(part) for part in (split.train, split.validation, split.test)]
    if not len(parts[0]) or not len(parts[1]) or (split.test and not len(parts[2])):
        raise InsufficientData(
            f"a part has no window of {settings.sequence_length} unbroken rows with a known target: "
            f"training {len(parts[0])}, validation {len(parts[1])}, test {len(parts[2])}; {cleaned.report.summary()}"
        )
    return TrainingData(parts[0], parts[1], parts[2], split, scaler, cleaned.report)
