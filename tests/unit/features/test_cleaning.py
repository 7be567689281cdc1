"""Cleaning: no hole remains, no column is dropped, and columns that cost rows are named."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from config.settings import NanPolicy
from domain.errors import InsufficientData
from features.datasets.cleaning import clean

NAN, INF = float("nan"), float("inf")
tables = npst.arrays(
    np.float64, st.tuples(st.integers(0, 12), st.integers(1, 4)), elements=st.sampled_from([NAN, INF, 1.0, 2.0, 3.0])
)
NEVER_TOO_MUCH = 0.999_999


def test_warm_up_is_cut_and_holes_are_dropped_with_their_columns_named() -> None:
    table = pd.DataFrame({"fast": [1.0, 2, 3, 4, INF, 6], "slow": [NAN, NAN, 3, 4, 5, 6], "one": [1.0] * 6})
    cleaned = clean(table, "drop", 1, 0.5)
    assert cleaned.rows.tolist() == [2, 3, 5]
    assert cleaned.table.index.tolist() == [2, 3, 5]
    assert cleaned.table["fast"].tolist() == [3, 4, 6]
    report = cleaned.report
    assert (report.rows, report.warm_up_rows, report.dropped_rows, report.kept_rows) == (6, 2, 1, 3)
    fast, slow, one = report.columns
    assert (fast.infinite, fast.holes, fast.warm_up, fast.dropped_alone) == (1, 1, 0, 1)
    assert (slow.infinite, slow.holes, slow.warm_up, slow.dropped_alone) == (0, 0, 2, 2)
    assert (one.constant, slow.constant) == (True, False)
    assert [column.name for column in report.costliest] == ["slow", "fast"]
    assert "slow (2 warming up" in report.summary()
    assert "constant but kept: one" in report.summary()


def test_a_column_without_any_value_is_an_error_that_names_it() -> None:
    table = pd.DataFrame({"good": np.arange(5.0), "dead": [NAN, INF, NAN, NAN, NAN]})
    with pytest.raises(InsufficientData, match="dead without any value in 5 rows"):
        clean(table, "drop", 1, 0.9)


def test_a_slow_column_that_takes_most_rows_is_an_error_that_names_it() -> None:
    table = pd.DataFrame({"good": np.arange(10.0), "ema_900": [NAN] * 8 + [1.0, 2.0]})
    with pytest.raises(InsufficientData, match=r"more than 50% .* ema_900 \(8 warming up, 0 holes, 8 rows"):
        clean(table, "drop", 1, 0.5)


def test_columns_that_together_leave_no_row_are_an_error() -> None:
    table = pd.DataFrame({"even": [1.0, NAN, 1.0, NAN], "odd": [NAN, 1.0, NAN, 1.0]})
    with pytest.raises(InsufficientData, match="0 of 4 rows kept"):
        clean(table, "drop", 1, NEVER_TOO_MUCH)


def test_forward_fill_repeats_a_value_for_the_allowed_rows_alone() -> None:
    table = pd.DataFrame({"a": [1.0, NAN, 3, NAN, NAN, NAN, 7], "b": [NAN, 2.0, 3, 4, 5, 6, 7]})
    cleaned = clean(table, "forward_fill", 2, 0.5)
    assert cleaned.rows.tolist() == [1, 2, 3, 4, 6]
    # The first row kept takes its value from a row that is cut.
    assert cleaned.table["a"].tolist() == [1, 3, 3, 3, 7]
    assert (cleaned.report.columns[0].holes, cleaned.report.columns[0].filled) == (4, 3)
    assert (cleaned.report.warm_up_rows, cleaned.report.dropped_rows) == (1, 1)


def test_an_empty_table_stays_empty() -> None:
    cleaned = clean(pd.DataFrame({"a": np.empty(0)}), "forward_fill", 1, 0.5)
    assert cleaned.table.shape == (0, 1)
    assert cleaned.report.summary().startswith("0 of 0 rows kept")


@given(tables, st.sampled_from(["drop", "forward_fill"]))
def test_the_result_is_finite_complete_in_columns_and_accounted_for(values: np.ndarray, policy: NanPolicy) -> None:
    table = pd.DataFrame(values, columns=[f"c{i}" for i in range(values.shape[1])])
    before = table.copy()
    try:
        cleaned = clean(table, policy, 2, NEVER_TOO_MUCH)
    except InsufficientData:
        complete = np.isfinite(values).all(axis=1)
        assert policy == "forward_fill" or not complete.any()
        return
    pd.testing.assert_frame_equal(table, before)
    assert list(cleaned.table.columns) == list(table.columns)
    assert np.isfinite(cleaned.table.to_numpy()).all()
    report = cleaned.report
    assert report.kept_rows == len(cleaned.table) == len(cleaned.rows)
    assert report.warm_up_rows == max(column.warm_up for column in report.columns)
    assert sum(column.dropped_alone for column in report.columns) <= report.warm_up_rows + report.dropped_rows


@given(tables.filter(lambda values: len(values) > 0), st.data())
def test_rows_lost_to_one_column_come_back_without_it(values: np.ndarray, data: st.DataObject) -> None:
    values = np.column_stack((values, np.arange(len(values))))
    values[-1] = 1.0
    table = pd.DataFrame(values, columns=[f"c{i}" for i in range(values.shape[1])])
    cleaned = clean(table, "drop", 1, NEVER_TOO_MUCH)
    column = data.draw(st.sampled_from(cleaned.report.columns))
    without = clean(table.drop(columns=column.name), "drop", 1, NEVER_TOO_MUCH)
    assert without.report.kept_rows - cleaned.report.kept_rows == column.dropped_alone


@given(tables.filter(lambda values: len(values) > 1))
def test_the_past_is_cleaned_without_the_future(values: np.ndarray) -> None:
    values[0], values[-1] = 1.0, 1.0
    columns = [f"c{i}" for i in range(values.shape[1])]
    whole = clean(pd.DataFrame(values, columns=columns), "forward_fill", 2, NEVER_TOO_MUCH)
    past = clean(pd.DataFrame(values[:-1], columns=columns), "forward_fill", 2, NEVER_TOO_MUCH)
    pd.testing.assert_frame_equal(whole.table.iloc[: len(past.table)], past.table)
