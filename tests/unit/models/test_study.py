"""A study of a network over several seeds, on tiny settings."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from config.model_settings import ModelSettings
from config.settings import FeatureSettings
from config.watch_settings import EvaluationSettings
from domain.errors import InvalidRequest
from domain.forecasting import ModelType
from domain.market import Timeframe
from models.studies.rows import StudyRow
from models.studies.study import Study
from models.studies.walks import Walk, load_walk, save_walk
from tests.fixtures.learning import toy_settings
from tests.fixtures.planted_market import reversal_market
from tests.fixtures.settings import configured

FEATURES = configured(FeatureSettings, sequence_length=8)
SEED = 11
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FIGURES = {"accuracy", "auc", "brier", "log_loss", "ic"}


def settings(seed: int) -> ModelSettings:
    tiny = toy_settings(seed=seed).trained_with(epochs=1)
    return tiny.model_copy(update={"evaluation": configured(EvaluationSettings, folds=1)})


def study(seeds: int, seed: int, folder: Path | None) -> dict[str, StudyRow]:
    markets = {"BTCUSDT": reversal_market(600, 0.7, 3)}
    made = Study([ModelType.GRU], seeds, markets, Timeframe.H1, settings(seed), FEATURES)
    return {row.name: row for row in made.run(lambda _: None, folder, lambda: NOON).rows}


@pytest.mark.slow
def test_several_seeds_have_a_row_for_one_seed_and_a_row_for_their_mean(tmp_path: Path) -> None:
    together = study(2, SEED, tmp_path)
    # The walks of both seeds are in the folder, and each study of one seed takes its own from there.
    alone = [study(1, seed, tmp_path)["gru"] for seed in (SEED, SEED + 1)]
    assert {"gru, one seed of 2", "gru, mean of 2 seeds", "logistic"} <= set(together)
    one, mean = together["gru, one seed of 2"], together["gru, mean of 2 seeds"]
    for name in FIGURES:
        values = [getattr(row.scores, name) for row in alone]
        assert getattr(one.scores, name) == pytest.approx(sum(values) / 2)
    assert one.cpu_seconds == pytest.approx(sum(row.cpu_seconds or 0.0 for row in alone) / 2)
    assert mean.cpu_seconds == pytest.approx(sum(row.cpu_seconds or 0.0 for row in alone))
    differences = [row.against_logistic.difference for row in alone if row.against_logistic]
    assert one.against_logistic is not None
    assert one.against_logistic.difference == pytest.approx(sum(filter(None, differences)) / 2)


def test_predictions_of_a_file_that_is_damaged_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "gru-1.npz"
    save_walk(path, Walk((), 1.5, NOON), "mark")
    assert load_walk(path, "mark") == Walk((), 1.5, NOON)
    assert load_walk(tmp_path / "lstm-1.npz", "mark") is None
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(InvalidRequest, match="cannot be read as predictions"):
        load_walk(path, "mark")


@pytest.mark.parametrize("changed", [{"epochs": 3}, {"backend": "jax"}, {"seed": 5}])
def test_training_overrides_change_only_what_they_name(changed: dict[str, Any]) -> None:
    before = configured(ModelSettings, recipe="specified")
    after = before.trained_with(**changed)
    learning = {network.learning.epochs for network in (after.recurrent, after.transformer, after.patchtst)}
    assert learning == {changed.get("epochs", 100)}
    assert after.training.seed == changed.get("seed", before.training.seed)
    assert after.training.keras_backend == changed.get("backend", before.training.keras_backend)
    assert after.transformer.learning.patience_epochs == before.transformer.learning.patience_epochs
    assert after.evaluation == before.evaluation
