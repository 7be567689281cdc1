"""Weights of the members of an ensemble: by skill where that has paid, else equal."""

from __future__ import annotations

import numpy as np
import pytest

from domain.forecasting import ModelType
from features.datasets.splits import Split
from models.evaluation.out_of_sample import Predicted
from models.training.walk_forward import member_weights

TRAINED, ROWS = 200, 400
SPLIT = Split(range(TRAINED), range(TRAINED, TRAINED + ROWS), range(TRAINED + ROWS, TRAINED + ROWS + 10))
# Every other move is up, in training and after it.
RETURNS = np.where(np.arange(TRAINED + ROWS + 10) % 2, 0.01, -0.01)
UP = RETURNS[TRAINED : TRAINED + ROWS] > 0


def says(right: np.ndarray | float) -> Predicted:
    """Return predictions that give what comes a probability of `right`."""
    return Predicted(np.arange(TRAINED, TRAINED + ROWS), np.where(UP, right, 1.0 - np.asarray(right)))


def half_by_half(older: float, newer: float) -> Predicted:
    return says(np.where(np.arange(ROWS) < ROWS // 2, older, newer))


def test_a_member_that_knows_more_all_the_time_weighs_more() -> None:
    found = member_weights({ModelType.LIGHTGBM: says(0.6), ModelType.LSTM: says(0.51)}, SPLIT, RETURNS)
    assert found[ModelType.LIGHTGBM] > 0.85
    assert sum(found.values()) == pytest.approx(1.0)


def test_members_weigh_the_same_where_weights_by_skill_would_not_have_paid() -> None:
    found = member_weights(
        {ModelType.LIGHTGBM: half_by_half(0.65, 0.51), ModelType.LSTM: half_by_half(0.51, 0.6)}, SPLIT, RETURNS
    )
    assert found == {ModelType.LIGHTGBM: 0.5, ModelType.LSTM: 0.5}


def test_a_member_that_is_no_better_than_the_prior_is_left_out() -> None:
    members = {ModelType.LIGHTGBM: says(0.6), ModelType.GRU: says(0.58), ModelType.LSTM: says(0.4)}
    assert set(member_weights(members, SPLIT, RETURNS)) == {ModelType.LIGHTGBM, ModelType.GRU}
    assert member_weights({ModelType.LSTM: says(0.4)}, SPLIT, RETURNS) == {}
