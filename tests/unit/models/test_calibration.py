"""Calibration: never decreasing, reliable, and stable on few rows."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.evaluation.calibration import (
    MIN_PROBABILITY,
    Calibration,
    expected_calibration_error,
    fit_calibration,
    reliability_table,
)
from models.evaluation.metrics import log_losses

Kind = Literal["sigmoid", "isotonic"]
kinds: tuple[Kind, ...] = ("sigmoid", "isotonic")
samples = st.lists(st.tuples(st.floats(0.0, 1.0), st.booleans()), max_size=300)
GRID = np.linspace(0.0, 1.0, 501)


def overconfident(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities three times as far out, in log odds, as the truth is, and what came."""
    rng = np.random.default_rng([31, seed])
    odds = 0.4 * rng.normal(size=count)
    up = rng.random(count) < 1.0 / (1.0 + np.exp(-odds - 0.2))
    return 1.0 / (1.0 + np.exp(-3.0 * odds)), up


@pytest.mark.parametrize("kind", kinds)
@given(rows=samples)
def test_it_never_decreases_and_stays_within_its_bounds(kind: Kind, rows: list[tuple[float, bool]]) -> None:
    probability, up = np.array([row[0] for row in rows]), np.array([row[1] for row in rows], dtype=bool)
    calibration = fit_calibration(kind, probability, up)
    calibrated = calibration.apply(GRID)
    assert (np.diff(calibrated) >= 0.0).all()
    assert calibrated.min() >= MIN_PROBABILITY
    assert calibrated.max() <= 1.0 - MIN_PROBABILITY
    again = Calibration.model_validate_json(calibration.model_dump_json())
    np.testing.assert_array_equal(again.apply(GRID), calibrated)


@pytest.mark.parametrize("kind", kinds)
def test_overconfidence_is_reduced_on_unseen_rows(kind: Kind) -> None:
    calibration = fit_calibration(kind, *overconfident(4_000))
    probability, up = overconfident(4_000, seed=1)
    assert expected_calibration_error(probability, up) > 0.1
    assert expected_calibration_error(calibration.apply(probability), up) < 0.03
    assert log_losses(calibration.apply(probability), up).mean() < log_losses(probability, up).mean() - 0.02


def test_the_sigmoid_finds_the_true_line() -> None:
    calibration = fit_calibration("sigmoid", *overconfident(20_000))
    assert calibration.slope == pytest.approx(1 / 3, abs=0.04)
    assert calibration.intercept == pytest.approx(0.2, abs=0.04)


def test_the_slope_leaves_the_level_of_the_model_as_it_is() -> None:
    """The rows rise more often than the model says, which the next ones need not do."""
    probability, up = overconfident(20_000)
    calibration = fit_calibration("slope", probability, up)
    assert calibration.kind == "sigmoid"
    assert calibration.slope == pytest.approx(1 / 3, abs=0.04)
    middle = np.array([1.0 / (1.0 + np.exp(-np.log(probability / (1.0 - probability)).mean()))])
    assert calibration.apply(middle) == pytest.approx(middle, abs=1e-6)
    low = fit_calibration("slope", np.clip(probability * 0.5, 0.001, 0.999), up)
    assert low.apply(np.array([0.2]))[0] < 0.4
    assert fit_calibration("slope", 1.0 - probability, up).slope == 0.0


def test_a_model_that_is_wrong_when_certain_becomes_a_constant() -> None:
    probability, up = overconfident(4_000)
    calibration = fit_calibration("sigmoid", 1.0 - probability, up)
    assert calibration.slope == 0.0
    assert calibration.apply(GRID) == pytest.approx(np.full(len(GRID), up.mean()), abs=0.005)


@pytest.mark.parametrize("kind", kinds)
def test_without_a_shape_to_learn_the_sigmoid_stays_near_the_model(kind: Kind) -> None:
    coin = np.arange(1_000) % 4 > 0
    constant = fit_calibration(kind, np.full(1_000, 0.5), coin)
    assert constant.kind == "sigmoid"
    assert constant.apply(np.array([0.5])) == pytest.approx([0.75], abs=0.01)
    one_class = fit_calibration(kind, np.linspace(0.4, 0.6, 1_000), np.ones(1_000, dtype=bool))
    assert one_class.kind == "sigmoid"
    assert one_class.apply(np.array([0.5]))[0] > 0.98
    few = fit_calibration(kind, np.array([0.4, 0.6]), np.array([False, True]))
    assert few.apply(np.array([0.4, 0.6])) == pytest.approx([0.4, 0.6], abs=0.03)


def test_without_rows_or_with_kind_none_nothing_changes() -> None:
    none = np.empty(0)
    assert fit_calibration("isotonic", none, none.astype(bool)) == Calibration()
    assert fit_calibration("none", *overconfident(500)) == Calibration()
    assert Calibration().apply(np.array([0.0, 0.3, 1.0])) == pytest.approx([0.001, 0.3, 0.999])


@pytest.mark.parametrize(
    "numbers",
    [
        {"kind": "isotonic"},
        {"kind": "isotonic", "points": ((0.2, 0.5), (0.1, 0.6))},
        {"kind": "isotonic", "points": ((0.1, 0.5), (0.2, 0.4))},
        {"kind": "sigmoid", "slope": -0.1},
        {"kind": "sigmoid", "intercept": float("nan")},
    ],
)
def test_decreasing_points_are_refused(numbers: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Calibration.model_validate(numbers)


@given(samples)
def test_reliability_bins_hold_every_row_once_and_in_order(rows: list[tuple[float, bool]]) -> None:
    probability, up = np.array([row[0] for row in rows]), np.array([row[1] for row in rows], dtype=bool)
    table = reliability_table(probability, up)
    assert len(table) <= 10
    assert sum(part.count for part in table) == len(rows)
    assert sum(part.count * part.share_up for part in table) == pytest.approx(up.sum())
    for before, after in pairwise(table):
        assert before.high < after.low
    assert 0.0 <= expected_calibration_error(probability, up) <= 1.0


def test_calibration_error_of_known_bins() -> None:
    # Half of the rows say 0.2 and half say 0.7, and it rose in a half of each.
    probability, up = np.repeat((0.2, 0.7), 100), np.tile((True, False), 100)
    assert [part.count for part in reliability_table(probability, up)] == [100, 100]
    assert expected_calibration_error(probability, up) == pytest.approx((0.3 + 0.2) / 2)
