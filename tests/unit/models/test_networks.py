"""Networks at their real sizes, the files they are kept in, and what stops a training."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from config.model_settings import ModelSettings, NativeFormat, TrainingSettings
from domain.errors import ConfigurationError, InvalidModelFile, TrainingFailed
from domain.forecasting import ModelType
from models.architectures.catalogue import ARCHITECTURES
from models.export.parity import check_parity
from models.training.backend import use_backend
from models.training.fitting import fit
from tests.fixtures.learning import FEATURES, toy_data, toy_settings
from tests.fixtures.settings import configured

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
LSTM = ARCHITECTURES[ModelType.LSTM]

if TYPE_CHECKING:
    import keras
    from keras import layers

    import models.export.own_layers as layers_of_our_own
    from models.architectures.gru import build_gru
    from models.architectures.lstm import build_lstm
    from models.architectures.network import Network, load_keras
    from models.architectures.patchtst import TargetScale, build_patchtst
    from models.architectures.transformer import build_transformer

SETTINGS = configured(ModelSettings, recipe="specified")
NETWORKS = ("lstm", "gru", "transformer")


@pytest.fixture(scope="module", autouse=True)
def keras_is_imported() -> None:
    """Import Keras for the first test that runs, not for the collection of all tests, which it would slow down."""
    global keras, layers, layers_of_our_own, build_gru, build_lstm, Network, load_keras
    global TargetScale, build_patchtst, build_transformer
    use_backend(configured(TrainingSettings))
    import keras
    from keras import layers

    import models.export.own_layers as layers_of_our_own
    from models.architectures.gru import build_gru
    from models.architectures.lstm import build_lstm
    from models.architectures.network import Network, load_keras
    from models.architectures.patchtst import TargetScale, build_patchtst
    from models.architectures.transformer import build_transformer


def test_parameters_are_those_of_the_specification() -> None:
    lstm = build_lstm((60, 65), SETTINGS.recurrent, 1_000).count_params()
    gru = build_gru((60, 65), SETTINGS.recurrent, 1_000).count_params()
    assert (lstm, gru) == (50_561, 38_689)
    assert 0.20 <= 1 - gru / lstm <= 0.30
    scale = TargetScale((0.01, 0.02, 0.03, 0.04), (0.02, 0.04, 0.02, 0.04), 1_000)
    patchtst = build_patchtst((96, 240), SETTINGS.patchtst, scale)
    assert 1_800_000 <= patchtst.count_params() <= 2_200_000
    assert patchtst.output_shape == (None, 20)


def _with_random_answers(model: keras.Model) -> keras.Model:
    """Return the network with random weights in its last layer, which starts at zero."""
    last = model.layers[-1]
    last.set_weights([np.random.default_rng(3).normal(size=weights.shape) for weights in last.get_weights()])
    return model


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_starts_at_one_half(name: str) -> None:
    match name:
        case "transformer":
            model = build_transformer((10, 5), SETTINGS.transformer, 1_000)
        case "lstm":
            model = build_lstm((10, 5), SETTINGS.recurrent, 1_000)
        case _:
            model = build_gru((10, 5), SETTINGS.recurrent, 1_000)
    windows = np.random.default_rng(1).normal(size=(20, 10, 5)).astype(np.float32)
    assert (model.predict(windows, verbose=0) == 0.5).all()
    assert len(np.unique(_with_random_answers(model).predict(windows, verbose=0))) == 20


def _learns_and_is_exported(kind: ModelType, **changed: Any) -> keras.Model:
    """Train a toy network with some of its settings changed; return it when it has learned and its ONNX form agrees."""
    settings, section = toy_settings(), "transformer" if kind is ModelType.TRANSFORMER else "recurrent"
    sizes = getattr(settings, section).model_copy(update=changed)
    data = toy_data("soft")
    network = fit(ARCHITECTURES[kind], data, settings.model_copy(update={section: sizes}), lambda _: None)
    assert isinstance(network, Network)
    inputs = data.inputs(300)
    assert ((network.raw(inputs)[:, 0] > 0.5) == data.up[data.validation.ends[:300]]).mean() > 0.85
    assert check_parity(network.raw, network.onnx(), inputs) < 1e-5
    return network.model


@pytest.mark.parametrize("name", ["gru", "transformer"])  # the LSTM is the GRU with another layer
def test_networks_learn_without_batch_normalization_and_with_a_linear_part(name: str) -> None:
    tuned = {"batch_normalization": False, "newest_row": True, "head_penalty": 0.5}
    model = _learns_and_is_exported(ModelType(name), **tuned)
    assert not [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    # The last layer reads the newest row too.
    assert model.layers[-1].input.shape[-1] == 8 + FEATURES


def test_a_transformer_learns_from_the_last_row_of_its_encoder_when_its_answer_reads_little_of_it() -> None:
    tuned = {"pooling": "last", "dense_units": (), "dense_dropouts": (), "newest_row": True, "head_penalty": 0.5}
    model = _learns_and_is_exported(ModelType.TRANSFORMER, encoder_scale=0.25, **tuned)
    (scale,) = (layer for layer in model.layers if isinstance(layer, layers.Rescaling))
    assert scale.scale == 0.25
    assert not [layer for layer in model.layers if isinstance(layer, layers.GlobalAveragePooling1D)]
    # The last layer reads the row of the encoder, which no dense layer came between, and the newest row.
    assert model.layers[-1].input.shape[-1] == 16 + FEATURES


def test_transformer_sees_the_order_of_candles() -> None:
    model = _with_random_answers(build_transformer((60, 75), SETTINGS.transformer, 1_000))
    window = np.random.default_rng(1).normal(size=(1, 60, 75)).astype(np.float32)
    answers = model.predict(np.concatenate([window, window[:, ::-1]]), verbose=0)
    assert abs(answers[0, 0] - answers[1, 0]) > 1e-6


@pytest.mark.parametrize("native_format", ["keras", "h5"])
def test_both_file_formats_keep_the_network(native_format: NativeFormat, tmp_path: Path) -> None:
    model = _with_random_answers(build_transformer((6, 3), toy_settings().transformer, 1_000))
    network = Network(model, (), native_format)
    path = tmp_path / network.save(tmp_path, "model")
    assert path.name == f"model.{native_format}"
    windows = np.random.default_rng(1).normal(size=(20, 6, 3)).astype(np.float32)
    loaded = Network(load_keras(path), (), "keras")
    np.testing.assert_array_equal(loaded.raw(windows), network.raw(windows))
    assert check_parity(loaded.raw, loaded.onnx(), windows) < 1e-5


def test_a_file_is_read_wherever_the_module_of_a_layer_was_when_it_was_written(tmp_path: Path) -> None:
    network = Network(_with_random_answers(build_transformer((6, 3), toy_settings().transformer, 1_000)), (), "keras")
    written, earlier = tmp_path / network.save(tmp_path, "model"), tmp_path / "earlier.keras"
    module = layers_of_our_own.__name__.encode()
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(earlier, "w") as target:
        assert module in source.read("config.json")
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(module, b"models.architectures.blocks"))
    windows = np.random.default_rng(1).normal(size=(20, 6, 3)).astype(np.float32)
    np.testing.assert_array_equal(Network(load_keras(earlier), (), "keras").raw(windows), network.raw(windows))


@pytest.mark.parametrize("native_format", ["keras", "h5"])
@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.99])
def test_a_damaged_file_is_refused(native_format: NativeFormat, kept: float, tmp_path: Path) -> None:
    network = Network(build_gru((6, 3), toy_settings().recurrent, 1_000), (), native_format)
    path = tmp_path / network.save(tmp_path, "model")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept if kept > 1 else kept * len(whole))])
    with pytest.raises(InvalidModelFile, match=rf"model\.{native_format} is not a Keras model"):
        load_keras(path)


def test_a_file_without_weights_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(InvalidModelFile):
        load_keras(path)
    path = tmp_path / "model.txt"
    path.write_text("nothing")
    with pytest.raises(InvalidModelFile):
        load_keras(path)


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_a_file_that_carries_code_is_refused(suffix: str, tmp_path: Path) -> None:
    inputs = keras.Input((4,))
    path = tmp_path / f"model.{suffix}"
    keras.Model(inputs, layers.Lambda(lambda x: x * 2)(inputs)).save(path)
    with pytest.raises(InvalidModelFile, match=path.name):
        load_keras(path)


def test_a_training_that_diverges_is_an_error() -> None:
    data = toy_data("soft")
    rows = data.train.rows.copy()
    rows[300] = np.nan
    broken = replace(data, train=replace(data.train, rows=rows))
    with pytest.raises(TrainingFailed, match=r"diverged in epoch 1: .* weights not finite"):
        fit(LSTM, broken, toy_settings(), lambda _: None)


def test_learning_stops_early_and_the_best_epoch_is_kept() -> None:
    data = toy_data("soft")
    # Labels of validation say the opposite: the longer it learns, the worse.
    against = replace(data, validation=replace(data.validation, targets=1.0 - data.validation.targets))
    settings = toy_settings(learning_rate=0.05)
    learning = settings.recurrent.learning.model_copy(update={"epochs": 30, "patience_epochs": 2})
    settings = settings.model_copy(update={"recurrent": settings.recurrent.model_copy(update={"learning": learning})})
    model = fit(LSTM, against, settings, lambda _: None)
    losses = [epoch.validation_loss for epoch in model.history]
    assert len(losses) < 30
    assert losses.index(min(losses)) == len(losses) - 3
    windows, targets = against.validation.batch(np.arange(len(against.validation)))
    probability = np.clip(model.raw(windows)[:, 0], 1e-7, 1 - 1e-7).astype(np.float64)
    loss = -(targets * np.log(probability) + (1 - targets) * np.log(1 - probability)).mean()
    assert loss == pytest.approx(min(losses), abs=1e-4)


def test_another_backend_than_the_process_runs_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="keras_backend is jax, but this process already runs Keras on tensor"):
        use_backend(configured(TrainingSettings, keras_backend="jax"))


JAX_RUN = """
from models.architectures.catalogue import ARCHITECTURES
from models.export.parity import check_parity
from models.training.fitting import fit
from tests.fixtures.learning import FEATURES, toy_data, toy_settings

data = toy_data("soft")
model = fit(ARCHITECTURES["lstm"], data, toy_settings(keras_backend="jax"), lambda _: None)
import keras
assert keras.config.backend() == "jax"
answers = model.raw(data.inputs(300))
assert ((answers[:, 0] > 0.5) == data.up[data.validation.ends[:300]]).mean() > 0.85
assert check_parity(model.raw, model.onnx(), data.inputs(300)) < 1e-5
"""


def test_jax_trains_the_same_network() -> None:
    environment = {key: value for key, value in os.environ.items() if key != "KERAS_BACKEND"}
    # Most of the time compiles one step, which runs for a second: not worth being optimized.
    environment["XLA_FLAGS"] = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
    subprocess.run([sys.executable, "-c", JAX_RUN], cwd=ROOT, env=environment, check=True)
