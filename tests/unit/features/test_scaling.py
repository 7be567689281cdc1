"""Scaling: scikit-learn's numbers without scikit-learn, exact through JSON, strict about columns."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from config.settings import ScalerKind
from domain.errors import FeatureMismatch, InsufficientData
from features.datasets.scaling import Scaler, fit_scaler

COLUMNS = ("rsi_14", "return_1", "hour_sin")
KINDS: tuple[ScalerKind, ...] = ("standard", "minmax")
matrices = npst.arrays(
    np.float64,
    st.tuples(st.integers(1, 30), st.just(3)),
    elements=st.floats(-1e6, 1e6, allow_subnormal=False),
)


def reference(kind: ScalerKind) -> Any:
    from sklearn.preprocessing import MinMaxScaler, StandardScaler  # seconds that collecting the tests does without

    return StandardScaler() if kind == "standard" else MinMaxScaler()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_scaler_equals_scikit_learn_on_rows_it_has_not_seen(kind: ScalerKind, unit: float) -> None:
    rng = np.random.default_rng(5)
    train, unseen = (rng.normal(3.0, 2.0, size=(rows, 3)) * unit for rows in (5_000, 200))
    ours = fit_scaler(kind, train, COLUMNS, "id").apply(unseen, COLUMNS)
    np.testing.assert_allclose(ours, reference(kind).fit(train).transform(unseen), rtol=1e-10, atol=1e-12)


# Three decimals: values that differ by rounding alone have no exact scale.
@given(st.sampled_from(KINDS), matrices.map(lambda values: values.round(3)))
def test_training_rows_equal_scikit_learn(kind: ScalerKind, train: np.ndarray) -> None:
    ours = fit_scaler(kind, train, COLUMNS, "id").apply(train, COLUMNS)
    np.testing.assert_allclose(ours, reference(kind).fit_transform(train), rtol=1e-6, atol=1e-6)


@given(st.sampled_from(KINDS), matrices)
def test_json_gives_back_every_number_exactly(kind: ScalerKind, train: np.ndarray) -> None:
    scaler = fit_scaler(kind, train, COLUMNS, "id")
    restored = Scaler.from_json(scaler.to_json())
    assert restored == scaler
    np.testing.assert_array_equal(restored.apply(train, COLUMNS), scaler.apply(train, COLUMNS))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [0.0, 0.1, -3e7])
def test_a_column_constant_in_training_is_always_0(kind: ScalerKind, value: float) -> None:
    train = np.column_stack((np.full(1_000, value), np.arange(1_000.0), np.arange(1_000.0)))
    scaler = fit_scaler(kind, train, COLUMNS, "id")
    scaled = scaler.apply(np.array([[value, 1.0, 2.0], [value + 50.0, 1.0, 2.0], [np.nan, 1.0, 2.0]]), COLUMNS)
    assert scaled[:2, 0].tolist() == [0.0, 0.0]
    assert np.isnan(scaled[2, 0])
    assert scaler.scale[0] == 0.0


@given(st.sampled_from(KINDS), st.floats(-1e6, 1e6), st.integers(1, 3_000))
def test_rounding_is_not_taken_for_variation(kind: ScalerKind, value: float, rows: int) -> None:
    train = np.full((rows, 1), value)
    train[0] = np.nextafter(value, 0.0) if abs(value) < 1.0 else value
    assert fit_scaler(kind, train, ("constant",), "id").scale == (0.0,)


def test_windows_are_scaled_like_rows() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(20, 3))
    scaler = fit_scaler("standard", rows, COLUMNS, "id")
    window = scaler.apply(rows[None, 5:15], COLUMNS)
    np.testing.assert_array_equal(window[0], scaler.apply(rows, COLUMNS)[5:15])


def test_values_given_are_left_as_they_are() -> None:
    rows = np.arange(9.0).reshape(3, 3)
    fit_scaler("minmax", rows, COLUMNS, "id").apply(rows, COLUMNS)
    assert rows.tolist() == np.arange(9.0).reshape(3, 3).tolist()


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (("return_1", "rsi_14", "hour_sin"), "column 0 is return_1 where rsi_14 belongs"),
        (("rsi_14", "return_1"), "missing hour_sin"),
        ((*COLUMNS, "adx_14"), "unknown adx_14"),
        ((*COLUMNS, "rsi_14"), "repeated rsi_14"),
    ],
)
def test_other_columns_or_another_order_are_refused(columns: tuple[str, ...], words: str) -> None:
    scaler = fit_scaler("standard", np.arange(9.0).reshape(3, 3), COLUMNS, "abc123")
    with pytest.raises(FeatureMismatch, match=words) as caught:
        scaler.apply(np.zeros((2, len(columns))), columns)
    assert "abc123" in caught.value.message


def test_values_of_another_width_than_their_names_are_refused() -> None:
    scaler = fit_scaler("standard", np.arange(9.0).reshape(3, 3), COLUMNS, "id")
    with pytest.raises(FeatureMismatch, match="3 columns are named, but the values have 1"):
        scaler.apply(np.zeros((2, 1)), COLUMNS)


def test_fitting_needs_rows_and_finite_values() -> None:
    with pytest.raises(InsufficientData):
        fit_scaler("standard", np.empty((0, 3)), COLUMNS, "id")
    with pytest.raises(ValueError, match="not finite: return_1, hour_sin"):
        fit_scaler("minmax", np.array([[1.0, np.nan, np.inf]]), COLUMNS, "id")


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "robust"},
        {"scale": [1.0, 1.0]},
        {"scale": [1.0, 1.0, -1.0]},
        {"offset": [0.0, None, 0.0]},
        {"columns": ["a", "a", "b"]},
        {"pickle": "…"},
    ],
)
def test_damaged_json_is_refused(change: dict[str, Any]) -> None:
    good = json.loads(fit_scaler("minmax", np.arange(9.0).reshape(3, 3), COLUMNS, "id").to_json())
    with pytest.raises(FeatureMismatch, match="the scaler's JSON is unusable"):
        Scaler.from_json(json.dumps({**good, **change}))
    with pytest.raises(FeatureMismatch):
        Scaler.from_json("{")


def test_training_and_serving_code_import_no_scikit_learn() -> None:
    code = (
        "import features.datasets.training_data, features.datasets.importance, sys; sys.exit('sklearn' in sys.modules)"
    )
    root = Path(__file__).resolve().parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
