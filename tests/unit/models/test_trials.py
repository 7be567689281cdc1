"""Settings that were judged on the same candles are counted, whatever became of their versions."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ModelCorrupt, ModelStorageUnavailable
from domain.forecasting import ModelType
from domain.market import Timeframe
from models.registry.metadata import JudgedRange, TrainingRange
from models.registry.registry import Registry
from models.registry.trials import TRIALS_FILE, ModelTrial, ModelTrials, TrialCounts, count_trials
from tests.fixtures.models import NOON, add_model

HOUR = Timeframe.H1


def trial(settings: int, first_ms: int = 0, last_ms: int = 100, **changes: Any) -> ModelTrial:
    values = {"kind": ModelType.GRU, "symbols": ("BTCUSDT",), "timeframe": HOUR, "origin": "training", "at": NOON}
    return ModelTrial(settings=f"{settings:064x}", first_ms=first_ms, last_ms=last_ms, **(values | changes))


def test_different_settings_on_some_of_the_same_candles_count() -> None:
    made = [
        trial(1),
        trial(1, 50, 150),  # trained again later with the same settings
        trial(2, 90, 300, origin="study"),
        trial(2, kind=ModelType.LSTM),
        trial(3, symbols=("ETHUSDT", "BTCUSDT")),
        trial(4, symbols=("ETHUSDT",)),
        trial(5, timeframe=Timeframe.H4),
        trial(6, 400, 500),
    ]
    counts = TrialCounts(made, ())
    assert counts.on(["BTCUSDT"], HOUR, 95, 120) == 4
    assert counts.on(["BTCUSDT"], HOUR, 200, 450) == 2
    assert counts.on(["SOLUSDT"], HOUR, 0, 500) == 0


def test_versions_show_the_trials_of_their_candles_and_those_of_deleted_ones_stay(tmp_path: Path) -> None:
    registry, trials = Registry(tmp_path), ModelTrials(tmp_path)
    judged = JudgedRange(first_ms=0, last_ms=100)
    data = TrainingRange(first_ms=0, last_ms=100, candles=9, training_windows=5, validation_windows=2)
    first = add_model(registry, ModelType.GRU, judged=judged, data=data)
    # Before there was a record of trials, versions themselves tell.
    assert count_trials(tmp_path, registry.versions().models) == {first.version: 1}
    later = NOON + timedelta(hours=1)
    second = add_model(registry, ModelType.GRU, created_at=later, judged=judged, data=data, seed=2)
    trials.add([trial(2, at=later), trial(3, at=later, kind=ModelType.LOGISTIC)])
    imported = add_model(registry, ModelType.GRU, created_at=NOON + timedelta(hours=2), data=None, metrics=None)
    counts = count_trials(tmp_path, registry.versions().models)
    assert counts == {first.version: 3, second.version: 3}
    assert imported.version not in counts
    registry.promote(second.version, by="gate", reason="better", at=later)
    registry.prune(1)
    assert count_trials(tmp_path, registry.versions().models)[second.version] == 2


def test_a_line_that_a_crash_damaged_costs_no_other(tmp_path: Path) -> None:
    trials = ModelTrials(tmp_path)
    assert trials.all() == []
    trials.add([trial(1)])
    path = tmp_path / TRIALS_FILE
    path.write_bytes(path.read_bytes() + b'{"kind": "gr')
    trials.add([trial(2), trial(3)])
    assert trials.all() == [trial(1), trial(2), trial(3)]


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / TRIALS_FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelCorrupt, match=TRIALS_FILE):
        ModelTrials(tmp_path).all()
    with pytest.raises(ModelStorageUnavailable):
        ModelTrials(tmp_path).add([trial(1)])
    assert (tmp_path / "elsewhere").read_text() == ""
