"""The contract of every architecture: one suite for all trained models, whatever library runs them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from config.model_settings import BoostingSettings, TreeSettings
from domain.arrays import RealArray
from domain.errors import ExportMismatch, FeatureMismatch
from domain.forecasting import ModelType
from models.architectures.catalogue import ARCHITECTURES, Architecture
from models.architectures.fitted import EpochProgress, FittedModel
from models.architectures.outputs import OUTPUTS, probability_up
from models.architectures.summary import inputs_of as read_inputs
from models.export.parity import check_parity
from models.registry.importances import importances_of
from models.training.fitting import fit
from tests.fixtures.learning import ToyData, toy_data, toy_settings

pytestmark = pytest.mark.slow

every_architecture = pytest.mark.parametrize(
    "architecture", ARCHITECTURES.values(), ids=lambda architecture: architecture.kind
)
EPOCHS = 4


@cache
def fitted(architecture: Architecture) -> tuple[FittedModel, ToyData, list[EpochProgress]]:
    reports: list[EpochProgress] = []
    data = toy_data(architecture.target)
    return fit(architecture, data, toy_settings(), reports.append), data, reports


def inputs_of(architecture: Architecture, data: ToyData, count: int = 300) -> RealArray:
    return read_inputs(architecture.inputs, data.inputs(count))


@every_architecture
def test_it_learns_a_planted_pattern_and_answers_in_range(architecture: Architecture) -> None:
    model, data, _ = fitted(architecture)
    raw = model.raw(inputs_of(architecture, data))
    assert raw.shape == (300, OUTPUTS[architecture.outputs])
    assert raw.dtype == np.float32
    probability = probability_up(raw, architecture.outputs)
    assert ((probability >= 0) & (probability <= 1)).all()
    up = data.up[data.validation.ends[:300]]
    assert ((probability > 0.5) == up).mean() > 0.85
    if architecture.outputs == "three_class":
        np.testing.assert_allclose(raw.sum(axis=1), 1.0, atol=1e-6)
    if architecture.outputs == "multi_horizon":
        assert np.corrcoef(raw[:, 0], up)[0, 1] > 0.7
        assert (raw[:, 16:18] <= 0).all()
        assert (raw[:, 18:20] >= 0).all()


@every_architecture
def test_the_same_data_and_seed_give_the_same_model(architecture: Architecture) -> None:
    model, data, _ = fitted(architecture)
    inputs = inputs_of(architecture, data)
    again = fit(architecture, data, toy_settings(), lambda _: None)
    np.testing.assert_array_equal(again.raw(inputs), model.raw(inputs))


@every_architecture
def test_its_onnx_form_answers_alike_for_one_or_many(architecture: Architecture) -> None:
    model, data, _ = fitted(architecture)
    inputs = inputs_of(architecture, data)
    exported = model.onnx()
    assert check_parity(model.raw, exported, inputs) < 1e-5
    session = onnxruntime.InferenceSession(exported)
    assert [tensor.name for tensor in session.get_inputs()] == ["inputs"]
    assert [tensor.name for tensor in session.get_outputs()] == ["outputs"]
    many = session.run(None, {"inputs": inputs})[0]
    one = session.run(None, {"inputs": inputs[7:8]})[0]
    np.testing.assert_allclose(one, many[7:8], atol=1e-6)


def test_parity_refuses_the_onnx_form_of_another_model() -> None:
    # Of the quickest to train; the check is the same for all.
    architecture = ARCHITECTURES[ModelType.LOGISTIC]
    model, data, _ = fitted(architecture)
    inputs = inputs_of(architecture, data)
    other = fit(architecture, toy_data(architecture.target, seed=1), toy_settings(seed=7), lambda _: None)
    with pytest.raises(ExportMismatch, match="differs from the model by up to"):
        check_parity(model.raw, other.onnx(), inputs)


@every_architecture
def test_inputs_of_another_shape_are_refused(architecture: Architecture) -> None:
    model, data, _ = fitted(architecture)
    inputs = inputs_of(architecture, data)
    shape = ", ".join(str(size) for size in inputs.shape[1:])
    for wrong in (inputs[..., :-1], inputs[:, 1:], inputs[0]):
        with pytest.raises(FeatureMismatch, match=rf"shape \(n, {shape}\), received"):
            model.raw(wrong)


def _from_keras(path: Path, inputs: RealArray) -> RealArray:
    from models.architectures.network import load_keras

    return np.asarray(load_keras(path).predict(inputs, verbose=0))


def _from_onnx(path: Path, inputs: RealArray) -> RealArray:
    return np.asarray(onnxruntime.InferenceSession(path).run(None, {"inputs": inputs})[0])


def _from_xgboost(path: Path, inputs: RealArray) -> RealArray:
    import xgboost

    return np.asarray(xgboost.Booster(model_file=path).predict(xgboost.DMatrix(inputs)))


def _from_coefficients(path: Path, inputs: RealArray) -> RealArray:
    saved = np.load(path, allow_pickle=False)
    return np.asarray(1 / (1 + np.exp(-(inputs @ saved["coefficients"].T + saved["intercept"]))))


def _from_lightgbm(path: Path, inputs: RealArray) -> RealArray:
    import lightgbm

    return np.asarray(lightgbm.Booster(model_file=path).predict(inputs))[:, None]


LOAD: dict[str, Callable[[Path, Any], RealArray]] = {
    ".keras": _from_keras,
    ".onnx": _from_onnx,
    ".ubj": _from_xgboost,
    ".txt": _from_lightgbm,
    ".npz": _from_coefficients,
}


@every_architecture
def test_its_saved_file_answers_as_it_does(architecture: Architecture, tmp_path: Path) -> None:
    model, data, _ = fitted(architecture)
    inputs = inputs_of(architecture, data)
    path = tmp_path / model.save(tmp_path, "model")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    np.testing.assert_allclose(LOAD[path.suffix](path, inputs), model.raw(inputs), atol=1e-6)


@every_architecture
def test_its_gains_are_those_of_the_planted_column(architecture: Architecture) -> None:
    model, data, _ = fitted(architecture)
    found = importances_of(model.gains(), [f"column {number}" for number in range(data.train.rows.shape[1])])
    splits = isinstance(architecture.settings(toy_settings()), TreeSettings)
    assert bool(found) == splits
    if splits:
        assert found[0].column == "column 0"
        assert found[0].share > 0.5
        assert sum(importance.share for importance in found) == pytest.approx(1.0)


@every_architecture
def test_every_epoch_is_reported(architecture: Architecture) -> None:
    model, _, reports = fitted(architecture)
    assert tuple(reports) == (model.history if architecture.is_network else ())
    epochs = EPOCHS if architecture.is_network else 0
    assert [report.epoch for report in reports] == list(range(1, epochs + 1))
    if reports:
        assert reports[-1].validation_loss < reports[0].validation_loss
        assert reports[-1].seconds_left == 0.0 < reports[0].seconds_left


@every_architecture
def test_its_history_has_every_epoch_or_round_with_both_losses_and_the_learning_rate(
    architecture: Architecture,
) -> None:
    model, _, _ = fitted(architecture)
    settings = toy_settings()
    own = architecture.settings(settings)
    rounds = own.trees if isinstance(own, BoostingSettings) else 0
    count = EPOCHS if architecture.is_network else rounds
    assert [epoch.epoch for epoch in model.history] == list(range(1, count + 1))
    if not count:
        return
    assert model.history[-1].loss < model.history[0].loss
    learning = architecture.learning(settings)
    rate = (learning.rate or settings.training.learning_rate) if learning else own.learning_rate
    assert model.history[0].learning_rate == pytest.approx(rate)


@every_architecture
def test_its_row_says_what_its_module_needs(architecture: Architecture) -> None:
    """A row names its function and settings in a lazy way: a slip would show only when someone trains."""
    module, _, name = architecture.function.partition(":")
    assert module == f"models.architectures.{architecture.kind}"
    assert architecture.load().__name__ == name
    learning = architecture.learning(toy_settings())
    assert (learning.epochs if learning else 0) == (EPOCHS if architecture.is_network else 0)


def test_every_type_but_the_ensemble_has_an_architecture() -> None:
    assert set(ARCHITECTURES) == set(ModelType) - {ModelType.ENSEMBLE}
