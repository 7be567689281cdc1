"""Early stopping of boosting: the trees of the best round serve, are saved and are exported."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import TrainingFailed
from domain.forecasting import ModelType
from features.datasets.windows import Windows
from models.architectures.catalogue import ARCHITECTURES
from models.architectures.fitted import EpochProgress, best_round
from models.architectures.summary import inputs_of
from models.export.parity import LARGEST_DIFFERENCE, check_parity
from models.registry.training_history import history_of
from models.training.fitting import on_all
from tests.fixtures.learning import toy_settings

BOOSTERS = [ModelType.LIGHTGBM, ModelType.XGBOOST]


def market(kind: ModelType, seed: int, rows: int = 900) -> tuple[SimpleNamespace, np.ndarray]:
    """Return rows of which little can be learned, so that many trees are too many, and inputs of the later ones."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, 5)).astype(np.float32)
    up = rng.random(rows) < 0.5 + 0.1 * np.sign(values[:, 0])
    targets = up if ARCHITECTURES[kind].target == "binary" else 2 * up
    windows = Windows.over(values, targets.astype(np.float64), 2, np.zeros(rows, np.int64))
    slots, border = np.arange(rows), rows * 2 // 3
    later = windows.ending_in(range(border, rows), slots)
    inputs = inputs_of(ARCHITECTURES[kind].inputs, later.batch(np.arange(len(later)))[0])
    return SimpleNamespace(train=windows.ending_in(range(border), slots), validation=later), inputs


def fitted(kind: ModelType, data: SimpleNamespace, **changes: Any) -> Any:
    architecture, models = ARCHITECTURES[kind], toy_settings()
    return architecture.load()(data, architecture.settings(models).model_copy(update=changes), models.training)


def loss(kind: ModelType, model: Any, data: SimpleNamespace, inputs: np.ndarray) -> float:
    """Return the mean loss of the served trees on the validation windows."""
    raw = model.raw(inputs).astype(np.float64)
    of_class = np.hstack([1 - raw, raw]) if ARCHITECTURES[kind].target == "binary" else raw
    truth = data.validation.targets[data.validation.ends].astype(np.int64)
    return float(-np.log(of_class[np.arange(len(truth)), truth]).mean())


@pytest.mark.parametrize("kind", BOOSTERS)
def test_rounds_end_once_the_validation_loss_has_not_fallen_for_a_while(kind: ModelType) -> None:
    data, inputs = market(kind, 1)
    model = fitted(kind, data, trees=400, patience_rounds=15)
    history = history_of(model.history, "round")
    assert history is not None
    assert (history.planned, history.ended) == (400, history.best + 15)
    # What serves has the loss of the best round, not that of the last.
    assert loss(kind, model, data, inputs) == pytest.approx(history.best_point.validation_loss, abs=1e-6)
    assert history.points[-1].validation_loss > history.best_point.validation_loss


@pytest.mark.parametrize("kind", BOOSTERS)
@settings(max_examples=6)
@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 5))
def test_what_is_exported_and_saved_are_the_trees_of_the_best_round(
    tmp_path_factory: pytest.TempPathFactory, kind: ModelType, seed: int, trees: int, depth: int
) -> None:
    data, inputs = market(kind, seed, 300)
    model = fitted(kind, data, trees=trees, max_depth=depth, patience_rounds=10)
    exported = model.onnx()
    assert check_parity(model.raw, exported, inputs) < LARGEST_DIFFERENCE
    assert loss(kind, model, data, inputs) == pytest.approx(
        min(round_.validation_loss for round_ in model.history), abs=1e-6
    )
    folder: Path = tmp_path_factory.mktemp("saved")
    assert (folder / model.save(folder, "model")).stat().st_size > 0
    one = onnxruntime.InferenceSession(exported).run(None, {"inputs": inputs[:1]})[0]
    np.testing.assert_allclose(one, model.raw(inputs[:1]), atol=1e-6)


@pytest.mark.parametrize("threads", [1, 2])
def test_lightgbm_is_the_same_model_from_the_same_seed(threads: int) -> None:
    data, inputs = market(ModelType.LIGHTGBM, 5)
    architecture, models = ARCHITECTURES[ModelType.LIGHTGBM], toy_settings(threads=threads)
    first, again = (architecture.load()(data, models.lightgbm, models.training) for _ in range(2))
    assert first.booster.model_to_string() == again.booster.model_to_string()
    other = toy_settings(threads=threads, seed=99)
    assert (architecture.load()(data, other.lightgbm, other.training).raw(inputs) != first.raw(inputs)).any()


def test_what_serves_of_lightgbm_has_learned_the_validation_windows_with_the_rounds_that_they_ended() -> None:
    from models.architectures.lightgbm import (
        LightGBM,
    )  # scikit-learn with it: a second, which a collection does without

    data, inputs = market(ModelType.LIGHTGBM, 5)
    stopped, models = fitted(ModelType.LIGHTGBM, data), toy_settings()
    serves = on_all(ARCHITECTURES[ModelType.LIGHTGBM], stopped, data, models)
    assert isinstance(serves, LightGBM)
    assert serves.booster.num_trees() == stopped.booster.num_trees() == best_round(stopped.history)
    assert loss(ModelType.LIGHTGBM, serves, data, inputs) < loss(ModelType.LIGHTGBM, stopped, data, inputs)
    assert check_parity(serves.raw, serves.onnx(), inputs) < LARGEST_DIFFERENCE
    trees = fitted(ModelType.XGBOOST, market(ModelType.XGBOOST, 5)[0])
    assert on_all(ARCHITECTURES[ModelType.XGBOOST], trees, data, models) is trees


def test_a_price_that_only_rises_is_refused() -> None:
    data, _ = market(ModelType.LIGHTGBM, 1)
    data.train.targets[:] = 1.0
    with pytest.raises(TrainingFailed, match="gradient boosting needs rises and falls"):
        fitted(ModelType.LIGHTGBM, data)


def test_of_equal_losses_the_first_round_is_the_best() -> None:
    rounds = [EpochProgress(number, 3, 0.0, value, 0.0, 0.1) for number, value in enumerate((2.0, 1.0, 1.0), 1)]
    assert best_round(rounds) == 2
