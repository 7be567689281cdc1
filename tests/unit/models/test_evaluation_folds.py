"""Folds: the newest windows once each, and nothing learned from later rows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from config.watch_settings import EvaluationSettings
from domain.errors import InsufficientData
from models.evaluation.folds import MIN_FOLD_WINDOWS, evaluation_folds
from tests.fixtures.settings import configured

shares = st.floats(0.05, 0.6)


@given(st.integers(30, 3_000), st.integers(1, 4), st.integers(1, 78), st.integers(1, 6), shares, shares)
def test_laws(count: int, step: int, horizon: int, folds: int, test: float, validation: float) -> None:
    # Windows up to `step` rows apart.
    ends = 59 + np.cumsum(np.random.default_rng(count).integers(1, step + 1, size=count))
    settings = configured(EvaluationSettings, folds=folds, test_share=test, validation_share=validation)
    try:
        found = evaluation_folds(ends, horizon, settings)
    except InsufficientData:
        assume(False)
    assert 1 <= len(found.splits) <= folds
    assert (found.note is None) == (len(found.splits) == folds)
    tested: list[int] = []
    for split in found.splits:
        assert split.train.start == 0
        for part, following in pairwise((split.train, split.validation, split.test)):
            # The target of the last row is known before the first of the next part is decided.
            assert part[-1] + horizon < following[0]
            assert np.isin(ends, part).any()
        tested += ends[np.isin(ends, split.test)].tolist()
    # The newest windows, each once, in order.
    assert tested == ends[-len(tested) :].tolist()
    assert abs(len(tested) - test * len(ends)) <= len(found.splits) + 1
    assert all(before.test.stop <= after.test.start for before, after in pairwise(found.splits))


def test_three_folds_of_a_long_history() -> None:
    found = evaluation_folds(
        np.arange(59, 10_058), 1, configured(EvaluationSettings, folds=3, test_share=0.3, validation_share=0.2)
    )
    assert found.note is None
    assert [len(split.test) for split in found.splits] == [1_000] * 3
    assert found.splits[-1].test == range(9_058, 10_058)
    assert found.splits[-1].validation.stop == 9_057
    assert len(found.splits[-1].validation) == pytest.approx(0.2 * 8_999, abs=2)


@pytest.mark.parametrize("horizon", [1, 4])
def test_160_candles_are_judged_in_one_fold_with_a_note(horizon: int) -> None:
    # 50 rows of warm-up, 59 before the first window ends, and the returns of the last are unknown.
    ends = np.arange(59, 110 - horizon)
    found = evaluation_folds(ends, horizon, configured(EvaluationSettings))
    (split,) = found.splits
    assert found.note == (
        f"1 of 3 folds: there are {round(0.3 * len(ends))} windows to test on, and a fold needs {MIN_FOLD_WINDOWS} "
        "to be worth a training of its own"
    )
    assert len(split.test) == round(0.3 * len(ends))
    assert len(split.train) >= 75
    assert len(split.validation) >= 4


@pytest.mark.parametrize("count", [0, 1, 5, 70])
def test_too_few_windows_are_refused_with_the_numbers(count: int) -> None:
    with pytest.raises(InsufficientData, match=f"{count} windows with a known return are too few .* 48 are left out"):
        evaluation_folds(np.arange(count), 48, configured(EvaluationSettings))
