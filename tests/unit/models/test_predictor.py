"""A version in memory: its numbers, and what it refuses."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.errors import InsufficientData, ModelCorrupt, ModelOutdated
from domain.forecasting import ModelType
from features.columns.feature_sets import FEATURE_SETS, STANDARD
from models.architectures.summary import summarize
from models.evaluation.calibration import Calibration
from models.registry.metadata import ModelMetadata
from models.registry.registry import Registry
from models.serving.forecaster import OnnxForecaster
from tests.fixtures.models import (
    LENGTH,
    add_model,
    feature_rows,
    files_of,
    linear_onnx,
    linear_weights,
    make_metadata,
    make_scaler,
)

pytest_plugins = ["tests.fixtures.registry"]
ROOT = Path(__file__).resolve().parents[3]
COLUMNS = tuple(column.name for column in STANDARD.columns)


def load(registry: Registry, metadata: ModelMetadata) -> OnnxForecaster:
    return OnnxForecaster.load(registry.open(metadata.version))


def sigmoid(values: np.ndarray) -> np.ndarray:
    return np.asarray(1.0 / (1.0 + np.exp(-values)))


def scaled(values: np.ndarray) -> np.ndarray:
    return make_scaler(STANDARD).apply(values, COLUMNS).astype(np.float32)


def test_a_window_is_scaled_and_run(registry: Registry) -> None:
    forecaster = load(registry, add_model(registry, calibration=Calibration(kind="none")))
    rows = feature_rows(5)
    forecasts = forecaster.forecast(rows)
    inputs = scaled(rows["standard"]).reshape(5, -1)
    expected = sigmoid(inputs @ linear_weights(LENGTH * len(COLUMNS), 1, seed=1))[:, 0]
    np.testing.assert_allclose(forecasts.raw[:, 0], expected, atol=1e-6)
    np.testing.assert_allclose(forecasts.probability_up, expected, atol=1e-6)
    np.testing.assert_allclose(forecasts.confidence, np.abs(2 * expected - 1), atol=1e-6)
    np.testing.assert_array_equal(forecasts.members[ModelType.LSTM], forecasts.probability_up)
    assert forecasts.disagreement.tolist() == [0.0] * 5
    assert forecaster.needs == {"standard": LENGTH}


def test_a_tree_reads_the_summary_of_the_scaled_window(registry: Registry) -> None:
    forecaster = load(registry, add_model(registry, ModelType.RANDOM_FOREST, inputs="summary", outputs="three_class"))
    rows = feature_rows(5)
    forecasts = forecaster.forecast(rows)
    inputs = summarize(scaled(rows["standard"]))
    sell, _, buy = sigmoid(inputs @ linear_weights(4 * len(COLUMNS), 3, seed=1)).T
    np.testing.assert_allclose(forecasts.probability_up, buy / (buy + sell), atol=1e-5)


@pytest.mark.parametrize(("judged", "first_logit"), [(1, 4), (16, 10)])
def test_the_judged_one_of_several_horizons_is_forecast(registry: Registry, judged: int, first_logit: int) -> None:
    forecaster = load(
        registry,
        add_model(
            registry,
            ModelType.PATCHTST,
            feature_set="wide",
            outputs="multi_horizon",
            horizons_candles=(1, 4, 16, 48),
            horizon_candles=judged,
        ),
    )
    forecasts = forecaster.forecast(feature_rows(3, feature_set="wide"))
    assert forecasts.raw.shape == (3, 20)
    sell, _, buy = forecasts.raw[:, first_logit : first_logit + 3].T.astype(np.float64)
    np.testing.assert_allclose(forecasts.probability_up, sigmoid(buy - sell), atol=1e-6)


def test_the_probability_is_calibrated(registry: Registry) -> None:
    plain = load(registry, add_model(registry))
    moved = load(registry, add_model(registry, calibration=Calibration(kind="sigmoid", slope=0.5, intercept=0.3)))
    rows = feature_rows(4)
    before, after = plain.forecast(rows).probability_up, moved.forecast(rows).probability_up
    np.testing.assert_allclose(after, sigmoid(0.5 * np.log(before / (1 - before)) + 0.3), atol=1e-9)


def test_a_window_alone_gives_the_same_answer_as_among_many(registry: Registry) -> None:
    forecaster = load(registry, add_model(registry))
    rows = feature_rows(64)["standard"]
    together = forecaster.forecast({"standard": rows})
    for window in (0, 31, 63):
        alone = forecaster.forecast({"standard": rows[window : window + 1]})
        np.testing.assert_allclose(alone.probability_up, together.probability_up[window : window + 1], atol=1e-6)
        part = together.part(window, window + 1)
        assert (part.probability_up, part.raw.shape) == (together.probability_up[window], (1, 1))


def test_the_newest_of_more_rows_are_read(registry: Registry) -> None:
    forecaster = load(registry, add_model(registry))
    rows = feature_rows(2, length=LENGTH + 7)["standard"]
    rows[:, :7] = math.nan
    newest = forecaster.forecast({"standard": rows[:, 7:]})
    np.testing.assert_array_equal(forecaster.forecast({"standard": rows}).probability_up, newest.probability_up)


def test_an_unknown_value_is_refused_by_its_column(registry: Registry) -> None:
    forecaster = load(registry, add_model(registry))
    rows = feature_rows(2)
    rows["standard"][1, 3, 2] = math.nan
    with pytest.raises(InsufficientData, match=f"the newest {LENGTH} rows .* for {COLUMNS[2]}$"):
        forecaster.forecast(rows)
    with pytest.raises(InsufficientData):
        forecaster.check(rows)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ({}, "rows of the feature set standard are needed, received none"),
        (feature_rows(1, feature_set="wide"), "standard are needed, received wide"),
        (feature_rows(1, length=LENGTH - 1), "is needed, got"),
        (feature_rows(0), "is needed, got"),
        ({"standard": np.zeros((LENGTH, len(COLUMNS)))}, "is needed, got"),
        ({"standard": np.zeros((1, LENGTH, len(COLUMNS) + 1))}, "is needed, got"),
    ],
)
def test_rows_of_another_shape_are_refused(registry: Registry, rows: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        load(registry, add_model(registry)).forecast(rows)


def test_a_model_of_other_features_is_outdated(registry: Registry) -> None:
    fitting = make_metadata()
    assert fitting.graph is not None
    of_old = fitting.graph.feature_set.model_copy(update={"id": "0123456789ab"})
    of_none = fitting.graph.feature_set.model_copy(update={"name": "tiny"})
    for feature_set, problem in ((of_old, f"computes standard {STANDARD.id}"), (of_none, "no set of that name")):
        metadata = make_metadata(graph=fitting.graph.model_copy(update={"feature_set": feature_set}))
        added = registry.add(metadata, files_of(fitting))
        with pytest.raises(ModelOutdated, match=problem) as refused:
            load(registry, added)
        assert added.version in refused.value.message


WINDOW = (LENGTH, len(COLUMNS))
UNFIT_MODELS = [
    (b"not a graph", "cannot be loaded"),
    (linear_onnx((LENGTH + 1, len(COLUMNS))), "and has shape"),
    (linear_onnx((LENGTH, len(COLUMNS) - 1)), "and has shape"),
    (linear_onnx((LENGTH * len(COLUMNS),)), "and has shape"),
    (linear_onnx(WINDOW, outputs=3), "needs one float outputs of shape"),
    (linear_onnx(WINDOW).replace(b"outputs", b"outcome"), "needs one float outputs of shape"),
    (linear_onnx(WINDOW).replace(b"inputs", b"inlets"), "needs one float inputs of shape"),
    (linear_onnx(WINDOW, activation="Log"), "not a number"),
]


@pytest.mark.parametrize(("model", "problem"), UNFIT_MODELS)
def test_a_graph_that_does_not_fit_is_refused_before_it_serves(registry: Registry, model: bytes, problem: str) -> None:
    metadata = make_metadata()
    added = registry.add(metadata, files_of(metadata, model=model))
    with pytest.raises(ModelCorrupt, match=problem) as refused:
        load(registry, added)
    assert f"{added.version}: model.onnx" in refused.value.message


@pytest.mark.parametrize(
    ("scaler", "problem"),
    [
        ("{", "unusable"),
        (make_scaler(FEATURE_SETS["wide"]).to_json(), "these are not the"),
        (
            make_scaler(STANDARD).to_json().replace(STANDARD.id, "0123456789ab"),
            "belongs to the feature set 0123456789ab",
        ),
    ],
)
def test_a_scaler_that_does_not_fit_is_refused(registry: Registry, scaler: str, problem: str) -> None:
    metadata = make_metadata()
    added = registry.add(metadata, files_of(metadata, scaler=scaler.encode()))
    with pytest.raises(ModelCorrupt, match=problem) as refused:
        load(registry, added)
    assert f"{added.version}: scaler.json" in refused.value.message


@pytest.mark.parametrize("name", ["model.onnx", "scaler.json"])
def test_a_file_that_was_tampered_with_is_refused(registry: Registry, name: str) -> None:
    metadata = add_model(registry)
    with (registry.root / metadata.version / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(ModelCorrupt, match=f"{metadata.version}: {name} is not the file that was written"):
        load(registry, metadata)


@pytest.mark.parametrize("kind", ["standard", "minmax"])
def test_the_warm_up_is_within_what_was_trained_on(registry: Registry, kind: str) -> None:
    metadata = make_metadata()
    scaler = make_scaler(STANDARD).to_json().replace('"standard"', f'"{kind}"')
    load(registry, registry.add(metadata, files_of(metadata, scaler=scaler.encode())))


def test_serving_loads_nothing_that_trains() -> None:
    heavy = ("tensorflow", "keras", "sklearn", "scipy", "xgboost", "onnx", "matplotlib")
    modules = "models.serving.loaded_models, services.forecasts.micro_batching, sys"
    code = f"import {modules}; print([n for n in {heavy} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
