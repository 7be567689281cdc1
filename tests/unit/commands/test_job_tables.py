"""What a person sees of jobs on the command line."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console, RenderableType

from commands.tables.jobs import job_table, jobs_table

JOB: dict[str, Any] = {
    "job_id": "a1",
    "kind": "optimise",
    "status": "succeeded",
    "created_at": "2026-01-31T12:00:00+00:00",
    "started_at": "2026-01-31T12:00:01+00:00",
    "finished_at": "2026-01-31T12:00:31+00:00",
    "next_attempt_at": None,
    "attempts": 1,
    "worker": "",
    "parameters": {"symbol": "BTCUSDT", "trials": 3, "seed": None, "shadow": False},
    "progress": None,
    "error": None,
    "result": {"passed": True, "days": 2},
}


def shown(what: RenderableType) -> str:
    out = io.StringIO()
    Console(width=200, file=out).print(what)
    return out.getvalue()


def test_numbers_of_an_order_have_their_names_in_the_list() -> None:
    line = shown(jobs_table([JOB], complete=True))
    assert "BTCUSDT, trials=3" in line
    assert "None" not in line
    assert "False" not in line


def test_a_short_result_is_printed_whole() -> None:
    assert '"days": 2' in shown(job_table(JOB))


def test_a_long_result_says_what_is_in_it_and_where_all_of_it_is() -> None:
    result = {
        "passed": True,
        "records": [{"n": one} for one in range(200)],
        "seconds": {str(one): 1.5 for one in range(50)},
    }
    text = shown(job_table(JOB | {"result": result}))
    assert len(text.splitlines()) < 25
    for words in ("passed: true", "records: 200 entries", "seconds: 50 keys", "--json prints all of it"):
        assert words in text
