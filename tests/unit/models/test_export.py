"""ONNX forms: each layer and option against Keras, refusals, and thresholds of trees that lie between two floats."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from config.model_settings import TrainingSettings
from domain.errors import ExportMismatch
from domain.forecasting import ModelType
from features.datasets.targets import TradeClass
from features.datasets.windows import Windows
from models.architectures.catalogue import ARCHITECTURES, Architecture
from models.architectures.fitted import FittedModel
from models.architectures.summary import inputs_of, summaries
from models.export.parity import check_parity
from models.training.backend import use_backend
from tests.fixtures.learning import toy_data, toy_settings
from tests.fixtures.settings import configured

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    import keras
    from keras import layers

    from models.architectures.network import Network

SHAPE = (7, 5)
TREES = toy_settings().xgboost


@pytest.fixture(scope="module", autouse=True)
def keras_is_imported() -> None:
    """Import Keras for the first test that runs, not for the collection of all tests, which it would slow down."""
    global keras, layers, Network
    use_backend(configured(TrainingSettings))
    import keras
    from keras import layers

    from models.architectures.network import Network


def network(*stack: layers.Layer) -> Network:
    """Return a network of the layers and a dense one, every weight random: zeros and ones would hide mistakes."""
    model = keras.Sequential([keras.Input(SHAPE), *stack, layers.Dense(2)])
    rng = np.random.default_rng(5)
    # Positive, since some are variances.
    model.set_weights([rng.uniform(0.1, 0.5, weights.shape) * _signs(rng, weights) for weights in model.get_weights()])
    # Layer by layer: a graph that is asked once takes longer to make than to run.
    model.compile(run_eagerly=True)
    return Network(model, (), "keras")


def _signs(rng: np.random.Generator, weights: np.ndarray) -> np.ndarray:
    return rng.choice([-1.0, 1.0], weights.shape) if weights.ndim > 1 else np.ones(weights.shape)


STACKS: dict[str, Callable[[], list[layers.Layer]]] = {
    "lstm": lambda: [layers.LSTM(6, return_sequences=True), layers.LSTM(3)],
    "lstm without bias": lambda: [layers.LSTM(6, use_bias=False)],
    "gru": lambda: [layers.GRU(6, return_sequences=True), layers.GRU(3)],
    "gru without bias": lambda: [layers.GRU(6, use_bias=False)],
    "batch normalization": lambda: [layers.BatchNormalization(), layers.Flatten()],
    "batch normalization, plain": lambda: [layers.BatchNormalization(scale=False, center=False), layers.Flatten()],
    "layer normalization": lambda: [layers.LayerNormalization(), layers.Flatten()],
    "layer normalization, plain": lambda: [layers.LayerNormalization(scale=False, center=False), layers.Flatten()],
    "convolution": lambda: [layers.Conv1D(4, 3, strides=2, activation="relu"), layers.GlobalAveragePooling1D()],
    "convolution without bias": lambda: [layers.Conv1D(4, 2, dilation_rate=2, use_bias=False), layers.Flatten()],
    "patches": lambda: [layers.Conv1D(6, 2), layers.Conv1D(4, 4, strides=2, activation="relu"), layers.Flatten()],
    "one patch without bias": lambda: [layers.Conv1D(4, 7, strides=7, use_bias=False), layers.Flatten()],
    "cropping": lambda: [layers.Cropping1D((4, 2)), layers.Flatten()],
    "rescaling": lambda: [layers.Rescaling(0.3, offset=2.0), layers.Dropout(0.5), layers.Flatten()],
    "dense without bias": lambda: [layers.Dense(3, use_bias=False), layers.GlobalAveragePooling1D()],
    **{
        # Mypy does not infer a default of a lambda.
        name: lambda name=name: [layers.Dense(4), layers.Activation(name), layers.Flatten()]  # type: ignore[misc]
        for name in ("relu", "sigmoid", "tanh", "softplus", "softmax", "gelu", "linear")
    },
}


@pytest.mark.parametrize("name", STACKS)
def test_a_layer_answers_in_onnx_as_in_keras(name: str) -> None:
    model = network(*STACKS[name]())
    windows = np.random.default_rng(2).normal(size=(50, *SHAPE)).astype(np.float32)
    assert check_parity(model.raw, model.onnx(), windows) < 1e-5


def test_self_attention_answers_in_onnx_as_in_keras() -> None:
    inputs = keras.Input(SHAPE)
    attended = layers.MultiHeadAttention(3, 4)(inputs, inputs)
    model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(layers.Concatenate()([inputs, attended]))))
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(0, 0.4, weights.shape) for weights in model.get_weights()])
    windows = rng.normal(size=(50, *SHAPE)).astype(np.float32)
    assert check_parity(Network(model, (), "keras").raw, Network(model, (), "keras").onnx(), windows) < 1e-5


REFUSED: dict[str, tuple[Callable[[], list[layers.Layer]], str]] = {
    "unknown layer": (lambda: [layers.SimpleRNN(3)], "is a SimpleRNN; there is an ONNX form of"),
    "reset before": (lambda: [layers.GRU(3, reset_after=False)], "reset_after"),
    "other activation": (lambda: [layers.LSTM(3, activation="relu")], "activation tanh"),
    "backwards": (lambda: [layers.LSTM(3, go_backwards=True)], "to run forwards"),
    "padding": (lambda: [layers.Conv1D(3, 2, padding="causal"), layers.Flatten()], "padding valid"),
    "unknown activation": (lambda: [layers.Dense(3, activation="mish"), layers.Flatten()], "not mish"),
    "other axis": (lambda: [layers.LayerNormalization(axis=1), layers.Flatten()], "the last axis"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_onnx_form_is_refused(name: str) -> None:
    stack, message = REFUSED[name]
    with pytest.raises(ExportMismatch, match=message):
        network(*stack()).onnx()


def test_attention_to_another_sequence_is_refused() -> None:
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, layers.MultiHeadAttention(1, 4)(inputs, layers.Dense(5)(inputs)))
    with pytest.raises(ExportMismatch, match="query, key and value to be the same"):
        Network(model, (), "keras").onnx()


def _neighbors(architecture: Architecture) -> Windows:
    """Return windows of one row whose values differ by single float32 steps: every threshold lies between two."""
    rng = np.random.default_rng(4)
    steps = rng.integers(0, 40, (4000, 3))
    # From 8 on, since scikit-learn takes numbers closer than 1e-7 for equal.
    rows = (np.float32(8.0) + steps * np.spacing(np.float32(8.0))).astype(np.float32)
    rises = rng.random(4000) < steps[:, 0] / 40
    classes = (1, 0) if architecture.target == "binary" else (TradeClass.BUY, TradeClass.SELL)
    return Windows.over(rows, np.where(rises, *classes).astype(np.float64), 1, np.zeros(4000, dtype=np.int64))


def _fit_trees(name: str, windows: Windows, *arguments: Any) -> FittedModel:
    fit: Callable[..., FittedModel] = getattr(import_module(f"models.architectures.{name}"), f"fit_{name}")
    return fit(SimpleNamespace(train=windows, validation=windows), *arguments)


@pytest.mark.parametrize("name", ["random_forest", "xgboost", "lightgbm"])
def test_trees_split_neighboring_numbers_alike(name: str) -> None:
    architecture = ARCHITECTURES[ModelType(name)]
    windows = _neighbors(architecture)
    model = _fit_trees(name, windows, architecture.settings(toy_settings()), toy_settings().training)
    inputs = inputs_of(architecture.inputs, windows.batch(np.arange(len(windows)))[0])
    assert len(np.unique(model.raw(inputs), axis=0)) > 4
    assert check_parity(model.raw, model.onnx(), inputs) < 1e-6


@pytest.mark.parametrize("name", ["random_forest", "xgboost"])
def test_a_class_that_training_never_saw_keeps_its_place(name: str) -> None:
    data = toy_data("three_class")
    assert TradeClass.HOLD not in data.train.targets
    raw = _fit_trees(name, data.train, TREES, toy_settings().training).raw(summaries(data.validation))
    up = data.up[data.validation.ends]
    assert (raw[:, TradeClass.HOLD] < 0.05).all()
    assert (raw[up, TradeClass.BUY].mean(), raw[~up, TradeClass.SELL].mean()) > (0.8, 0.8)
