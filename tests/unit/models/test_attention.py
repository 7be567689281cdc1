"""Which candles a Transformer looked at: the weights are those of the network, and the command draws them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from cli import cli
from config.model_settings import ModelSettings, TrainingSettings
from domain.forecasting import ModelType
from features.columns.feature_sets import FEATURE_SETS
from models.registry.registry import Registry
from models.training.backend import use_backend
from tests.fixtures.candle_files import write_candles
from tests.fixtures.commands import command
from tests.fixtures.histories import simulated
from tests.fixtures.models import add_model, files_of, make_metadata
from tests.fixtures.settings import configured

LENGTH, BLOCKS, HEADS = 8, 2, 3


@pytest.fixture(scope="module")
def network() -> Any:
    """Return a Transformer of two blocks with random weights, whose answer reads the newest row."""
    use_backend(configured(TrainingSettings))
    import keras

    from models.architectures.transformer import build_transformer

    keras.utils.set_random_seed(3)
    small = {"blocks": BLOCKS, "heads": HEADS, "width": 12, "head_width": 4, "pooling": "last"}
    settings = configured(ModelSettings).transformer.model_copy(update=small)
    model = build_transformer((LENGTH, len(FEATURE_SETS["standard"].columns)), settings, 1_000)
    model.set_weights([3.0 * weights for weights in model.get_weights()])  # far from equal weights
    return model


@pytest.fixture
def version(network: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a version of the network in the registry of the commands."""
    from models.export.networks import network_to_onnx

    monkeypatch.setenv("MODEL_SAVE_PATH", str(tmp_path / "models"))
    metadata = make_metadata(ModelType.TRANSFORMER, settings={"models": {"transformer": {"pooling": "last"}}})
    write = files_of(metadata, model=network_to_onnx(network))
    return Registry(tmp_path / "models").add(metadata, write).version


def test_the_weights_are_those_that_keras_computes(network: Any) -> None:
    import keras

    from models.export.attention import attention_weights
    from models.export.networks import network_to_onnx

    windows = np.random.default_rng(1).normal(size=(5, *network.input_shape[1:])).astype(np.float32)
    found = attention_weights(network_to_onnx(network), windows)
    assert [block.shape for block in found] == [(5, HEADS, LENGTH, LENGTH)] * BLOCKS
    for layer, block in zip(
        [layer for layer in network.layers if isinstance(layer, keras.layers.MultiHeadAttention)], found, strict=True
    ):
        x = layer.input[0] if isinstance(layer.input, list) else layer.input
        before = keras.Model(network.inputs[0], x)(windows)
        _, expected = layer(before, before, return_attention_scores=True)
        np.testing.assert_allclose(block, np.asarray(expected), atol=1e-5)


def test_the_command_tells_and_draws_the_candles_of_the_window(version: str, tmp_path: Path) -> None:
    series = simulated(3, count=200)
    file, picture = write_candles(tmp_path / "BTCUSDT-1h.csv", series), tmp_path / "attention.png"
    told = command("models", "attention", version, file, "--plot", picture, "--usual", 40)
    weights = [candle["weight"] for candle in told["candles"]]
    assert (len(weights), told["forecasts"], len(told["heads"])) == (LENGTH, 40, HEADS)
    assert sum(weights) == pytest.approx(1.0)
    assert sum(candle["usual"] for candle in told["candles"]) == pytest.approx(1.0)
    assert max(weights) > 1.2 / LENGTH
    assert struct.unpack(">II", picture.read_bytes()[16:24]) == (1080, 1080)
    assert told["probability_up"] == command("predict", file, "--version", version)["probability_up"]
    # An earlier moment has the window before it.
    earlier = command("models", "attention", version, file, "--at", told["candles"][-1]["time"][:16])
    assert [candle["time"] for candle in earlier["candles"][1:]] == [candle["time"] for candle in told["candles"][:-1]]


@pytest.mark.parametrize(
    ("kind", "count", "words"),
    [(ModelType.GRU, 200, "is no transformer"), (ModelType.TRANSFORMER, 40, "a forecast at the newest candle needs")],
)
def test_what_has_no_attention_is_refused(
    version: str, tmp_path: Path, kind: ModelType, count: int, words: str
) -> None:
    if kind is ModelType.GRU:
        version = add_model(Registry(tmp_path / "models"), kind).version
    file = write_candles(tmp_path / "BTCUSDT-1h.csv", simulated(3, count=count))
    ended = CliRunner().invoke(cli, ["models", "attention", version, str(file)])
    assert words in str(ended.exception)
