"""Jobs and the schedule as tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

# A result with more lines is shown key by key, a value with more characters by its size.
_MOST_LINES = 40
_LONGEST_VALUE = 100


def jobs_table(jobs: Sequence[Mapping[str, Any]], *, complete: bool) -> RenderableType:
    """Return jobs, one a row; says so where the store is down and only those of one process are known."""
    if not jobs and complete:
        return "there are no jobs"
    table = Table("job", "kind", "status", "done", "queued, UTC", "took", "what of")
    for job in jobs:
        table.add_row(
            job["job_id"], job["kind"], job["status"], _share(job), _moment(job["created_at"]), _took(job), _told(job)
        )
    if complete:
        return table
    return Group(table, "the store is down: these are only the jobs of the process that was asked")


def job_table(job: Mapping[str, Any]) -> Table:
    """Return one job, a line for each fact."""
    table = Table(show_header=False)
    table.add_row("job", job["job_id"])
    table.add_row("kind", job["kind"])
    table.add_row("status", job["status"])
    table.add_row("queued, UTC", _moment(job["created_at"]))
    for name, key in (("started, UTC", "started_at"), ("ended, UTC", "finished_at"), ("again, UTC", "next_attempt_at")):
        if job[key]:
            table.add_row(name, _moment(job[key]))
    table.add_row("attempts", str(job["attempts"]))
    if job["worker"]:
        table.add_row("worker", job["worker"])
    if job["parameters"]:
        given = {name: value for name, value in job["parameters"].items() if value is not None}
        table.add_row("parameters", ", ".join(f"{name}={value}" for name, value in given.items()))
    if job["progress"] and not job["finished_at"]:
        table.add_row("progress", f"{job['progress']['stage']}, {job['progress']['share']:.0%}")
    if job["error"]:
        table.add_row("error", job["error"])
    if job["result"] is not None:
        table.add_row("result", _result(job["result"]))
    return table


def schedule_table(schedule: Mapping[str, Any]) -> RenderableType:
    """Return the rows of the schedule."""
    table = Table("row", "kind", "cron, UTC", "next, UTC", "last, UTC", "newest job")
    for row in schedule["jobs"]:
        job = f"{row['last_status']} ({row['last_job_id']})" if row["last_job_id"] else "-"
        table.add_row(row["name"], row["kind"], row["cron"], _moment(row["next_at"]), _moment(row["last_at"]), job)
    return table if schedule["enabled"] else Group(table, "the schedule is switched off (schedule.enabled)")


def _moment(text: str | None) -> str:
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S") if text else "-"


def _share(job: Mapping[str, Any]) -> str:
    if job["status"] == "succeeded":
        return "100%"
    return f"{job['progress']['share']:.0%}" if job["progress"] else "-"


def _took(job: Mapping[str, Any]) -> str:
    if not (job["started_at"] and job["finished_at"]):
        return "-"
    took = datetime.fromisoformat(job["finished_at"]) - datetime.fromisoformat(job["started_at"])
    return f"{took.total_seconds():.1f} s"


def _told(job: Mapping[str, Any]) -> str:
    given = {name: value for name, value in job["parameters"].items() if value is not None and value is not False}
    return job["error"] or ", ".join(
        value if isinstance(value, str) else f"{name}={value}" for name, value in given.items()
    )


def _result(result: Mapping[str, Any]) -> str:
    """Return a result as JSON; of a long one each key, and how much is behind it."""
    whole = json.dumps(result, indent=2)
    if whole.count("\n") < _MOST_LINES:
        return whole
    lines = [f"{name}: {_in_short(value)}" for name, value in result.items()]
    return "\n".join([*lines, "", "--json prints all of it"])


def _in_short(value: Any) -> str:
    text = json.dumps(value)
    if len(text) <= _LONGEST_VALUE or not isinstance(value, list | dict):
        return text
    return f"{len(value)} entries" if isinstance(value, list) else f"{len(value)} keys"
