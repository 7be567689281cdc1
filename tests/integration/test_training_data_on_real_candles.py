"""Training data from real candles with gaps: no feature knows the target."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from config.settings import FeatureSettings
from domain.continuity import holes
from domain.values import epoch_ms
from features.candle_reading.reading import read_candles
from features.columns.feature_sets import STANDARD
from features.datasets.importance import correlation_importance
from features.datasets.training_data import training_set
from tests.fixtures.clocks import NOW
from tests.fixtures.settings import configured


@pytest.mark.realdata
@pytest.mark.parametrize("policy", ["none", "flat"])
def test_training_data_of_real_candles(real_data: Path, policy: str) -> None:
    series = read_candles(real_data / "BTCUSDT-1h.csv.gz", epoch_ms(NOW)).series
    found = holes(series)
    assert 20 <= len(found) <= 40
    assert sum(hole.candles for hole in found) == series.missing
    settings = configured(FeatureSettings, gap_policy=policy)
    rows = training_set([series], STANDARD, settings, (1, 4, 16, 48), 0.005)
    last = int(rows.slots[-1]) + 1
    parts = range(last * 7 // 10), range(last * 7 // 10 + 1, last * 8 // 10), range(last * 8 // 10 + 1, last)
    data = rows.part(*parts, "soft", settings.sequence_length, settings)
    # Cleaning costs the warm-up and no more; gaps cost some 60 windows each.
    assert rows.cleaning[0].kept_rows > 0.99 * len(series)
    samples = len(data.train) + len(data.validation) + len(data.test)
    assert 0 < len(series) - samples < 70 * (len(found) + 2)
    assert np.isfinite(data.train.rows).all()
    ends = data.train.ends
    importance = correlation_importance(data.train.rows[ends], data.train.targets[ends], data.scaler.columns)
    name, score = importance.ranking()[0]
    # An hour ahead, honest features correlate by a few hundredths; a leak by tenths.
    assert 0.01 < score < 0.12, f"{name} correlates by {score}"
