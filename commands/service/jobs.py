"""`jobs`: list, show, run, cancel and retry jobs of the running service, and show its schedule."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any
from urllib.parse import quote

import typer

from commands.console import show, working
from commands.options import Json
from commands.service.asking import Url, ask
from commands.tables.jobs import job_table, jobs_table, schedule_table
from domain.errors import InvalidRequest
from domain.job_kinds import RUNNABLE_KINDS, JobKind
from domain.jobs import JobStatus

WAIT_SECONDS = 1.0

jobs = typer.Typer(help="Jobs of the running service: list, show, run, cancel, retry.", no_args_is_help=True)
JobId = Annotated[str, typer.Argument(help="As `jobs list` shows it.")]
Wait = Annotated[bool, typer.Option("--wait", help="Return when the job has ended; exit status 1 if it failed.")]


@jobs.command("list")
def list_jobs(
    limit: Annotated[int, typer.Option(min=1, max=200, help="Number of newest jobs.")] = 20,
    status: Annotated[JobStatus | None, typer.Option(help="Only those of this status.")] = None,
    kind: Annotated[JobKind | None, typer.Option(help="Only those of this kind.")] = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """List the newest jobs."""
    named = {"status": status and status.value, "kind": kind and kind.value}
    query = {"limit": limit} | {name: value for name, value in named.items() if value}
    document = ask(url, "GET", "/jobs", query=query)
    show(document, jobs_table(document["jobs"], complete=document["complete"]), as_json)


@jobs.command("show")
def show_job(job_id: JobId, url: Url = None, as_json: Json = False) -> None:
    """Show a job with its progress, its result, or why it failed."""
    job = ask(url, "GET", f"/jobs/{job_id}")
    show(job, job_table(job), as_json)


@jobs.command()
def run(
    kind: Annotated[str, typer.Argument(help=f"Kind of work: {', '.join(RUNNABLE_KINDS)}.")],
    parameters: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME=VALUE", help="Its parameters; values are JSON, or else text."),
    ] = None,
    key: Annotated[str | None, typer.Option(help="Names the work: the same name again is the same job.")] = None,
    wait: Wait = False,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Queue a job, such as: jobs run train symbol=BTCUSDT model_type=logistic --wait."""
    headers = {"Idempotency-Key": key} if key else {}
    body = dict(_parameter(text) for text in parameters or ())
    queued = ask(url, "POST", f"/jobs/{quote(kind, safe='')}", body, headers=headers)
    _follow(queued["job_id"], wait=wait, url=url, as_json=as_json)


@jobs.command()
def cancel(job_id: JobId, url: Url = None, as_json: Json = False) -> None:
    """End a job that waits or runs."""
    job = ask(url, "DELETE", f"/jobs/{job_id}")
    show(job, job_table(job), as_json)


@jobs.command()
def retry(job_id: JobId, wait: Wait = False, url: Url = None, as_json: Json = False) -> None:
    """Run a job again that failed, was cancelled or interrupted."""
    ask(url, "POST", f"/jobs/{job_id}/retry", {})
    _follow(job_id, wait=wait, url=url, as_json=as_json)


@jobs.command()
def schedule(url: Url = None, as_json: Json = False) -> None:
    """Show which job is due when, and how the newest one ended."""
    document = ask(url, "GET", "/ai/schedule", admin=False)
    show(document, schedule_table(document), as_json)


def _follow(job_id: str, *, wait: bool, url: str | None, as_json: bool) -> None:
    job = ask(url, "GET", f"/jobs/{job_id}")
    if wait:
        with working() as now:
            while job["finished_at"] is None:
                progress = job["progress"]
                now(f"{progress['stage']}, {progress['share']:.0%}" if progress else job["status"])
                time.sleep(WAIT_SECONDS)
                job = ask(url, "GET", f"/jobs/{job_id}")
    show(job, job_table(job), as_json)
    if wait and job["status"] != JobStatus.SUCCEEDED:
        raise typer.Exit(1)


def _parameter(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise InvalidRequest(f"a parameter is NAME=VALUE, received {text!r}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
