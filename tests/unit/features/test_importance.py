"""Importance: informative columns first, noise last, the same scores for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.datasets.importance import (
    Importance,
    correlation_importance,
    mutual_information_importance,
    permutation_importance,
)

COLUMNS = ("noise", "line", "bend", "constant")


def market(rows: int = 1_500) -> tuple[np.ndarray, np.ndarray]:
    """Return columns and a target that depends on one column linearly and on another by its square."""
    rng = np.random.default_rng(11)
    values = rng.normal(size=(rows, 4))
    values[:, 3] = 0.1
    return values, values[:, 1] + 1.5 * values[:, 2] ** 2 + 0.1 * rng.normal(size=rows)


def negative_squared_error(target: np.ndarray, predicted: np.ndarray) -> float:
    return -float(((target - predicted) ** 2).mean())


def test_correlation_finds_the_linear_column_and_gives_a_constant_0() -> None:
    values, target = market()
    importance = correlation_importance(values, target, COLUMNS)
    assert importance.ranking()[0][0] == "line"
    expected = abs(np.corrcoef(values[:, 1], target)[0, 1])
    assert importance.scores[1] == pytest.approx(expected, abs=1e-12)
    assert importance.scores[3] == 0.0


def test_correlation_is_as_strong_when_it_is_negative() -> None:
    values, target = market(200)
    opposite = correlation_importance(values, -target, COLUMNS)
    assert opposite.scores == pytest.approx(correlation_importance(values, target, COLUMNS).scores)


def test_correlation_ignores_rows_without_a_target() -> None:
    values, target = market(200)
    longer = np.concatenate((target, [np.nan, np.nan]))
    assert correlation_importance(np.vstack((values, values[:2] * 1e6)), longer, COLUMNS) == correlation_importance(
        values, target, COLUMNS
    )


def test_correlation_without_two_rows_is_0() -> None:
    assert correlation_importance(np.ones((1, 4)), np.ones(1), COLUMNS).scores == (0.0,) * 4


@pytest.mark.parametrize("discrete", [False, True])
def test_mutual_information_finds_the_nonlinear_column_too(discrete: bool) -> None:
    values, target = market(800)
    if discrete:
        target = (target > np.median(target)).astype(np.float64)
    importance = mutual_information_importance(values, target, COLUMNS, discrete_target=discrete, seed=1)
    assert {name for name, _ in importance.ranking()[:2]} == {"line", "bend"}
    assert min(importance.scores) >= 0.0


def test_mutual_information_samples_large_tables_by_seed() -> None:
    values, target = market()
    first, same, other = (
        mutual_information_importance(values, target, COLUMNS, discrete_target=False, seed=seed, max_rows=300)
        for seed in (1, 1, 2)
    )
    assert first == same != other


def test_permutation_finds_the_columns_that_the_model_uses() -> None:
    values, target = market()
    importance = permutation_importance(
        lambda rows: rows[:, 1], values, target, COLUMNS, negative_squared_error, repeats=3, seed=4
    )
    assert importance.ranking()[0][0] == "line"
    # Shuffling a column that the model does not read changes nothing, and the column is restored.
    assert [importance.scores[at] for at in (0, 2, 3)] == [0.0, 0.0, 0.0]
    # The expected loss: 2 * variance of the column, less the chance correlation.
    assert importance.scores[1] == pytest.approx(2.0, abs=0.3)


def test_permutation_takes_windows_and_leaves_them_as_they_are() -> None:
    rng = np.random.default_rng(2)
    windows = rng.normal(size=(400, 5, 3))
    target = windows[:, -1, 2]
    before = windows.copy()
    runs = [
        permutation_importance(
            lambda rows: rows[:, -1, 2], windows, target, ("a", "b", "c"), negative_squared_error, repeats=2, seed=9
        )
        for _ in range(2)
    ]
    np.testing.assert_array_equal(windows, before)
    assert runs[0] == runs[1]
    assert runs[0].top(1) == ("c",)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.integers(1, 15))
def test_selection_holds_the_best_in_the_order_of_the_table(scores: list[int], count: int) -> None:
    columns = tuple(f"c{i}" for i in range(len(scores)))
    importance = Importance("any", columns, tuple(float(score) for score in scores))
    chosen = importance.top(count)
    assert len(chosen) == min(count, len(scores))
    assert list(chosen) == [name for name in columns if name in chosen]
    left = [score for name, score in zip(columns, scores, strict=True) if name not in chosen]
    taken = [score for name, score in zip(columns, scores, strict=True) if name in chosen]
    assert max(left, default=0) <= min(taken)
    assert [score for _, score in importance.ranking()] == sorted(scores, reverse=True)


def test_a_selection_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="1 feature or more"):
        Importance("any", ("a",), (1.0,)).top(0)
