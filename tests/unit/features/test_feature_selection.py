"""Selection of features: those that correlate most with the target, in the order of the table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.datasets.feature_selection import correlations, selected_columns

COLUMNS = ("noise", "strong", "weak", "constant")


def market(rows: int = 1_500) -> tuple[np.ndarray, np.ndarray]:
    """Return columns and a target that depends linearly on two of them."""
    rng = np.random.default_rng(11)
    values = rng.normal(size=(rows, 4))
    values[:, 3] = 0.1
    return values, values[:, 1] + 0.5 * values[:, 2] + 0.1 * rng.normal(size=rows)


def test_a_linear_column_correlates_and_a_constant_does_not() -> None:
    values, target = market()
    found = correlations(values, target)
    assert found[1] == pytest.approx(abs(np.corrcoef(values[:, 1], target)[0, 1]), abs=1e-12)
    assert found[1] > found[2] > found[0]
    assert found[3] == 0.0


def test_a_correlation_is_as_strong_when_it_is_negative() -> None:
    values, target = market(200)
    assert correlations(values, -target) == pytest.approx(correlations(values, target))


def test_rows_without_a_target_are_left_out() -> None:
    values, target = market(200)
    longer = np.concatenate((target, [np.nan, np.nan]))
    np.testing.assert_array_equal(
        correlations(np.vstack((values, values[:2] * 1e6)), longer), correlations(values, target)
    )


def test_without_two_rows_nothing_correlates() -> None:
    assert correlations(np.ones((1, 4)), np.ones(1)).tolist() == [0.0] * 4


def test_the_strongest_columns_are_selected() -> None:
    values, target = market()
    assert selected_columns(values, target, COLUMNS, 1) == ("strong",)
    assert selected_columns(values, target, COLUMNS, 2) == ("strong", "weak")


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=12), st.integers(0, 15))
def test_a_selection_holds_the_best_in_the_order_of_the_table(weights: list[float], count: int) -> None:
    columns = tuple(f"c{i}" for i in range(len(weights)))
    rng = np.random.default_rng(3)
    target = rng.normal(size=50)
    values = np.stack([weight * target + (1 - weight) * np.arange(50.0) for weight in weights], axis=1)
    chosen = selected_columns(values, target, columns, count)
    assert len(chosen) == (min(count, len(columns)) or len(columns))
    assert list(chosen) == [name for name in columns if name in chosen]
    scores = dict(zip(columns, correlations(values, target).tolist(), strict=True))
    left = [score for name, score in scores.items() if name not in chosen]
    assert max(left, default=0.0) <= min(scores[name] for name in chosen)
