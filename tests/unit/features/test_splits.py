"""Splits: parts in order, and every target known before the next part begins."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.errors import InsufficientData
from features.datasets.splits import Fold, split_rows, walk_forward

counts = st.integers(0, 2_000)
horizons = st.integers(0, 110)


def test_the_newest_rows_are_for_validation_with_a_purge_before_them() -> None:
    assert split_rows(1_000, 5, validation_share=0.2) == Fold(range(795), range(800, 1_000))


@given(counts, horizons, st.floats(0.01, 0.9))
def test_split_laws(count: int, horizon: int, share: float) -> None:
    try:
        split = split_rows(count, horizon, validation_share=share)
    except InsufficientData:
        assume(False)
    assert split.train.start == 0
    assert split.validation.stop == count
    # The target of the last row is known before validation begins, and no more rows are left out.
    assert split.train[-1] + horizon < split.validation[0]
    assert split.validation.start - split.train.stop == horizon


@given(counts, horizons, st.integers(1, 8), st.integers(1, 300))
def test_walk_forward_laws(count: int, horizon: int, folds: int, minimum: int) -> None:
    try:
        steps = walk_forward(count, horizon, folds=folds, min_train_rows=minimum)
    except InsufficientData:
        assume(False)
    assert len(steps) == folds
    assert steps[-1].validation.stop == count
    assert len({len(fold.validation) for fold in steps}) == 1
    for fold in steps:
        assert len(fold.train) >= minimum
        assert fold.train.start == 0
        assert fold.train[-1] + horizon < fold.validation[0]
    for fold, following in pairwise(steps):
        assert fold.validation.stop == following.validation.start


def test_too_few_rows_are_an_error_and_not_an_empty_part() -> None:
    with pytest.raises(InsufficientData, match="20 rows are too few"):
        split_rows(20, 17, validation_share=0.2)
    with pytest.raises(InsufficientData, match="too few for 5 folds"):
        walk_forward(100, 1, folds=5, min_train_rows=96)


@pytest.mark.parametrize(("horizon", "share"), [(-1, 0.2), (1, 0.0), (1, 1.0)])
def test_impossible_splits_are_refused(horizon: int, share: float) -> None:
    with pytest.raises(ValueError, match=r"negative|above 0 and below 1"):
        split_rows(100, horizon, validation_share=share)


@pytest.mark.parametrize("arguments", [{"folds": 0}, {"min_train_rows": 0}])
def test_impossible_walks_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="a walk forward needs"):
        walk_forward(100, 1, **{"folds": 3, "min_train_rows": 10, **arguments})
