"""Logistic regression keeps few columns: those that tell something, whatever their number."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from domain.forecasting import ModelType
from features.datasets.windows import Windows
from models.architectures.catalogue import ARCHITECTURES
from tests.fixtures.learning import toy_settings

if TYPE_CHECKING:
    from models.architectures.logistic import Logistic

COLUMNS, TELLING = 80, 3


def fitted(rows: int, columns: int = COLUMNS, told: float = 0.1, seed: int = 1) -> Logistic:
    """Fit rows of noise with the default penalty; the sign of one column tells the side with `told` over one half."""
    from models.architectures.logistic import (
        Logistic,
    )  # scikit-learn with it: a second, which a collection does without

    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, columns)).astype(np.float32)
    up = rng.random(rows) < 0.5 + told * np.sign(values[:, min(TELLING, columns - 1)])
    windows = Windows.over(values, up.astype(np.float64), 1, np.zeros(rows, np.int64))
    models = toy_settings()
    model = ARCHITECTURES[ModelType.LOGISTIC].load()(
        SimpleNamespace(train=windows), models.logistic_penalty, models.training
    )
    assert isinstance(model, Logistic)
    return model


@pytest.mark.parametrize("rows", [1_000, 20_000])
def test_of_many_columns_the_one_that_tells_is_kept_and_nearly_all_others_are_not(rows: int) -> None:
    coefficients = np.abs(fitted(rows).explanation().coefficients)
    assert coefficients.argmax() == TELLING
    assert 1 <= np.count_nonzero(coefficients) <= COLUMNS // 4


def test_a_single_column_is_not_penalized() -> None:
    model = fitted(5_000, columns=1)
    # Of a probability of 0.6 on one side and 0.4 on the other.
    assert model.raw(np.array([[1.0]], np.float32))[0, 0] == pytest.approx(0.6, abs=0.03)
