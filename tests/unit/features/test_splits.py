"""Splits: parts in order, and every target known before the next part begins."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from domain.errors import InsufficientData
from features.datasets.splits import Split, split_rows, walk_forward

counts = st.integers(0, 2_000)
horizons = st.integers(0, 30)
embargoes = st.integers(0, 80)
shares = st.floats(0.01, 0.45)


def known_before_next(part: range, following: range, horizon: int, embargo: int) -> bool:
    """Return whether the target of the last row is known, embargo included, before the next part begins."""
    return part[-1] + horizon + embargo < following[0]


def test_parts_have_their_shares_with_a_purge_between() -> None:
    split = split_rows(1_000, 5, validation_share=0.2, test_share=0.1, embargo=3)
    assert split == Split(range(692), range(700, 892), range(900, 1_000))


def test_without_a_test_share_validation_runs_to_the_end() -> None:
    assert split_rows(100, 1, validation_share=0.2) == Split(range(79), range(80, 100), range(100, 100))


@given(counts, horizons, embargoes, shares, st.one_of(st.just(0.0), shares))
def test_split_laws(count: int, horizon: int, embargo: int, validation: float, test: float) -> None:
    try:
        split = split_rows(count, horizon, validation_share=validation, test_share=test, embargo=embargo)
    except InsufficientData:
        assume(False)
    parts = [part for part in (split.train, split.validation, split.test) if part]
    assert len(parts) == (3 if test else 2)
    assert parts[0].start == 0
    assert parts[-1].stop == count
    for part, following in pairwise(parts):
        assert known_before_next(part, following, horizon, embargo)
        # No more rows are left out than horizon and embargo.
        assert following.start - part.stop == horizon + embargo


@given(counts, horizons, embargoes, st.integers(1, 8), st.integers(1, 300), st.one_of(st.none(), st.integers(0, 300)))
def test_walk_forward_laws(count: int, horizon: int, embargo: int, folds: int, minimum: int, more: int | None) -> None:
    maximum = None if more is None else minimum + more
    try:
        steps = walk_forward(
            count, horizon, folds=folds, min_train_rows=minimum, max_train_rows=maximum, embargo=embargo
        )
    except InsufficientData:
        assume(False)
    assert len(steps) == folds
    assert steps[-1].validation.stop == count
    assert len({len(fold.validation) for fold in steps}) == 1
    for fold in steps:
        assert len(fold.train) >= minimum
        assert maximum is None or len(fold.train) <= maximum
        assert maximum is not None or fold.train.start == 0
        assert known_before_next(fold.train, fold.validation, horizon, embargo)
    for fold, following in pairwise(steps):
        assert fold.validation.stop == following.validation.start


def test_too_few_rows_are_an_error_and_not_an_empty_part() -> None:
    with pytest.raises(InsufficientData, match="20 rows are too few"):
        split_rows(20, 10, validation_share=0.2, test_share=0.2)
    with pytest.raises(InsufficientData, match="too few for 5 folds"):
        walk_forward(100, 1, folds=5, min_train_rows=96)


@pytest.mark.parametrize(
    "arguments", [{"horizon": -1}, {"embargo": -1}, {"validation_share": 0.0}, {"test_share": 0.8}]
)
def test_impossible_splits_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"negative|no share"):
        split_rows(**{"count": 100, "horizon": 1, "validation_share": 0.2, **arguments})  # type: ignore[arg-type]


@pytest.mark.parametrize("arguments", [{"folds": 0}, {"min_train_rows": 0}, {"max_train_rows": 5}])
def test_impossible_walks_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="a walk forward needs"):
        walk_forward(100, 1, **{"folds": 3, "min_train_rows": 10, **arguments})
