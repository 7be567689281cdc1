"""A job in a real child process: it works, dies, hangs, writes invalid messages, and never outlives the service."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
import uvloop

from domain.errors import JobFailed
from domain.job_kinds import JobKind
from domain.jobs import JobProgress
from tasks.child_process import ROOT, ChildProcessRunner
from tests.fixtures.job_functions import RESULT, alive
from tests.fixtures.patience import eventually

pytest_plugins = ["tests.fixtures.logs"]

TABLE = "tests.fixtures.job_functions"


class Run:
    """A job under way, and what it has reported."""

    def __init__(self, do: str, timeout_seconds: float = 60, table: str = TABLE, **parameters: Any) -> None:
        self.reports: list[JobProgress] = []
        runner = ChildProcessRunner(timeout_seconds=timeout_seconds, table=table)
        call = runner.run(JobKind.TRAIN, {"do": do, **parameters}, self.reports.append)
        self.task = asyncio.create_task(call)

    async def result(self) -> dict[str, Any]:
        return await self.task

    async def failure(self) -> str:
        with pytest.raises(JobFailed) as failed:
            await self.task
        return failed.value.message

    async def pid(self) -> int:
        """Return the process id that jobs which wait report as their stage."""
        await eventually(lambda: bool(self.reports))
        return int(self.reports[0].stage)


async def test_result_and_progress_come_back() -> None:
    candles = [[1_700_000_000_000 + hour * 3_600_000, 1.0, 2.0, 0.5, 1.5, 10.0] for hour in range(50_000)]
    run = Run("train", candles=candles)
    assert await run.result() == RESULT | {"rows": 50_000}
    assert [(report.epoch, report.epochs, report.seconds_left) for report in run.reports] == [
        (1, 3, 2.0),
        (2, 3, 1.0),
        (3, 3, 0.0),
    ]


def test_it_works_on_the_loop_of_the_server_too() -> None:
    async def run() -> tuple[dict[str, Any], str]:
        waiting = Run("wait")
        pid = await waiting.pid()
        waiting.task.cancel()
        await asyncio.wait({waiting.task})
        assert not alive(pid)
        return await Run("train").result(), await Run("die").failure()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(run()) == (RESULT | {"rows": 0}, "the job's process was killed (SIGKILL)")


async def test_what_the_job_prints_is_no_message_and_it_runs_at_low_priority() -> None:
    assert await Run("print").result() == {"niceness": min(os.nice(0) + 10, 19)}


async def test_secrets_of_the_service_stay_in_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ADMIN_TOKEN", "DATABASE_URL", "ACCESS__ADMIN_TOKEN", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    names = (await Run("show the environment").result())["names"]
    assert {"ADMIN_TOKEN", "DATABASE_URL", "ACCESS__ADMIN_TOKEN"}.isdisjoint(names)
    assert {"PATH", "OMP_NUM_THREADS"} <= set(names)


async def test_numbers_that_json_does_not_have_become_null() -> None:
    run = Run("diverge")
    assert await run.result() == {"loss": None}
    assert run.reports == [JobProgress(stage="epoch", share=0.5, loss=None)]


@pytest.mark.parametrize(
    ("do", "message"),
    [
        ("refuse", "needs 160 candles, received 90"),
        ("break", "the job failed unexpectedly (KeyError); the log says more"),
        ("fill the disk", "the job could not read or write a file: No space left on device; the log says which"),
        ("die", "the job's process was killed (SIGKILL)"),
        ("leave", "the job's process ended without a result (exit status 3)"),
        ("write nonsense", "the job's process wrote something that is no message"),
        ("write a huge line", "the job's process wrote a line of more than 1048576 bytes"),
        ("write without a line's end", "the job's process wrote a line of more than 1048576 bytes"),
    ],
)
async def test_failure_says_what_happened(do: str, message: str) -> None:
    assert await Run(do).failure() == message


@pytest.mark.parametrize("kind", [JobKind.TRAIN, JobKind.EVIDENCE, JobKind.BACKTEST, JobKind.EVALUATE])
async def test_parameters_of_an_older_release_fail_with_what_does_not_fit(kind: JobKind) -> None:
    runner = ChildProcessRunner(timeout_seconds=60, table="tasks.jobs")
    with pytest.raises(JobFailed) as failed:
        await runner.run(kind, {"a_setting_that_is_gone": 1}, lambda _: None)
    assert failed.value.message.startswith("its parameters do not fit this version of the service (")
    assert failed.value.message.endswith("): ask for it anew")
    assert not failed.value.transient


async def test_table_that_cannot_be_imported_is_a_failure() -> None:
    failure = await Run("train", table="tests.fixtures.nowhere").failure()
    assert failure == "the job's process ended without a result (exit status 1)"


async def test_end_of_standard_error_is_logged_when_the_process_dies(log_facts: list[str]) -> None:
    await Run("die").failure()
    await Run("break").failure()
    assert "what led to it" in log_facts[0]
    assert "a private detail" in log_facts[1]


async def test_job_that_takes_too_long_is_ended() -> None:
    run = Run("wait", timeout_seconds=6)
    pid = await run.pid()
    assert await run.failure() == "the job was ended: it took longer than 0.1 minutes"
    assert not alive(pid)


async def test_cancel_ends_the_process_and_those_that_it_has_started() -> None:
    run = Run("wait with a child")
    grandchild = await run.pid()
    assert alive(grandchild)
    run.task.cancel()
    await asyncio.wait({run.task})
    assert run.task.cancelled()
    await eventually(lambda: not alive(grandchild))


async def test_loop_stays_free_while_a_job_reports_without_end() -> None:
    run = Run("report without end")
    await eventually(lambda: len(run.reports) > 1_000)
    run.task.cancel()
    await asyncio.wait({run.task})


def test_process_ends_with_a_service_that_is_killed() -> None:
    code = f"""
import asyncio
from domain.job_kinds import JobKind
from tasks.child_process import ChildProcessRunner
runner = ChildProcessRunner(timeout_seconds=600, table={TABLE!r})
asyncio.run(runner.run(JobKind.TRAIN, {{"do": "wait"}}, lambda progress: print(progress.stage, flush=True)))
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        pid = int(service.stdout.readline())
        assert alive(pid)
        service.send_signal(signal.SIGKILL)
    asyncio.run(eventually(lambda: not alive(pid)))
