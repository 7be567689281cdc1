"""`cli.py drill`: the ledger from end to end on simulated candles, where the truth is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.fixtures.commands import exit_status

Drill = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def drill(capsys: pytest.CaptureFixture[str]) -> Drill:
    """Return a function that runs a drill and gives exit status and document."""

    def run(*arguments: str) -> tuple[int, dict[str, Any]]:
        status = exit_status("drill", *arguments, "--json")
        return status, json.loads(capsys.readouterr().out)

    return run


def test_no_edge_is_found_where_there_is_none(drill: Drill) -> None:
    status, found = drill("--days", "6", "--symbols", "3")
    assert (status, found["passed"], found["failures"], found["simulated"]) == (0, True, [], True)
    assert found["entries"] == 3 * found["answers"] == 3 * 6 * 24 * 3  # three lanes; an answer at each hour and market
    assert found["settled"] == found["horizons"] > 0
    assert found["neutral_share"] > 0.5
    assert {record["verdict"] for record in found["records"]} <= {"insufficient", "none"}
    assert all(record["covers"] for record in found["records"] if record["covers"] is not None)


def test_a_planted_edge_is_found_and_the_day_named(drill: Drill) -> None:
    status, found = drill("--days", "8", "--symbols", "3", "--edge", "0.8")
    assert (status, found["passed"]) == (0, True)
    assert 1 <= found["found_day"] <= 8


def test_an_edge_that_was_not_found_in_time_is_a_failure(drill: Drill) -> None:
    status, found = drill("--days", "1", "--symbols", "1", "--edge", "0.05")
    assert (status, found["passed"], found["found_day"]) == (1, False, None)
    assert len(found["failures"]) == 1


def test_another_seed_gives_other_records(drill: Drill) -> None:
    """That equal seeds give equal records is told by the job, which has the figures of the command."""
    (_, first), (_, second) = (drill("--days", "1", "--symbols", "1", "--seed", seed) for seed in ("7", "8"))
    assert first["records"] != second["records"]
