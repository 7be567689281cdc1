"""Runs each job in a child process, so that serving stays fast and a crash ends only the job."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from loguru import logger
from pydantic import ValidationError

from config.sources import ENVIRONMENT_NAMES
from domain.errors import JobFailed
from domain.job_kinds import JobKind
from domain.jobs import TellProgress
from tasks.messages import JobRequest, Message

ROOT = Path(__file__).resolve().parents[1]
MAX_LINE_BYTES = 1_048_576
# The end of a dead process's standard error is logged.
STDERR_TAIL_BYTES = 4_096


class ChildProcessRunner:
    """Starts a process per job, reads its messages, and never leaves one behind."""

    def __init__(self, *, timeout_seconds: float, table: str) -> None:
        """Make a runner.

        Args:
            timeout_seconds: A job that takes longer is ended.
            table: Module whose `JOBS` holds the functions by kind.
        """
        self._timeout_seconds = timeout_seconds
        self._table = table

    async def run(self, kind: JobKind, parameters: Mapping[str, Any], report: TellProgress) -> dict[str, Any]:
        """Return the job's result; cancelling this ends its process and the processes that it started.

        Raises:
            JobFailed: the function failed, took too long, or its process did not start, died or wrote nonsense.
        """
        request = JobRequest(kind=kind, parameters=dict(parameters)).model_dump_json().encode() + b"\n"
        process = await self._start()
        tail = bytearray()
        draining = asyncio.create_task(_drain(process, tail))
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await _send(process, request)
                result = await self._listen(process, report)
                if result is None:
                    raise await _death(process)
                return result
        except TimeoutError:
            raise JobFailed(f"the job was ended: it took longer than {self._timeout_seconds / 60:g} minutes") from None
        except JobFailed as error:
            await asyncio.wait({draining}, timeout=1)
            log = logger.bind(kind=kind.value, reason=error.message)
            log = log.bind(stderr=tail.decode(errors="replace")) if tail else log
            log.warning("job failed")
            raise
        finally:
            _kill(process)
            draining.cancel()
            await asyncio.wait({draining})
            await process.communicate()  # reads what is left, so that the pipes are closed

    async def _start(self) -> Process:
        # The request has all settings: the service's own variables, with its secrets, are not passed on.
        own = {name for name in os.environ if name in ENVIRONMENT_NAMES or "__" in name}
        inherited = {name: value for name, value in os.environ.items() if name not in own}
        # The child finds the project's packages and resolves relative paths as the service does.
        paths = [str(ROOT), *filter(None, [inherited.get("PYTHONPATH")])]
        try:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tasks.job_process", self._table),
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                limit=MAX_LINE_BYTES,
                env={**inherited, "PYTHONPATH": os.pathsep.join(paths)},
                start_new_session=True,  # a process group to kill, and no Ctrl-C from the terminal
            )
        except OSError as error:  # no file descriptor, process or memory is left
            raise JobFailed(f"the job's process could not be started: {error.strerror}", transient=True) from error

    async def _listen(self, process: Process, report: TellProgress) -> dict[str, Any] | None:
        """Return the result, or None when the process ends without one.

        Raises:
            JobFailed: the process reports a failure, or writes an invalid message.
        """
        assert process.stdout is not None  # noqa: S101 - a pipe
        while True:
            try:
                line = await process.stdout.readline()
                if not line:
                    return None
                message = Message.model_validate_json(line)
            except ValidationError:
                raise JobFailed("the job's process wrote something that is no message") from None
            except ValueError:
                raise JobFailed(f"the job's process wrote a line of more than {MAX_LINE_BYTES} bytes") from None
            if message.error is not None:
                raise JobFailed(message.error, transient=message.transient)
            if message.result is not None:
                return message.result
            if message.progress is not None:
                report(message.progress)


async def _send(process: Process, request: bytes) -> None:
    assert process.stdin is not None  # noqa: S101 - a pipe
    with suppress(BrokenPipeError, ConnectionResetError):  # it died: its output ends next
        process.stdin.write(request)
        await process.stdin.drain()


async def _drain(process: Process, tail: bytearray) -> None:
    """Read standard error to its end, or the process would wait for us, and keep the last of it."""
    assert process.stderr is not None  # noqa: S101 - a pipe
    while chunk := await process.stderr.read(STDERR_TAIL_BYTES):
        tail += chunk
        del tail[:-STDERR_TAIL_BYTES]


async def _death(process: Process) -> JobFailed:
    status = await process.wait()
    if status < 0:  # memory ran out, or someone killed it
        return JobFailed(f"the job's process was killed ({signal.Signals(-status).name})", transient=True)
    return JobFailed(f"the job's process ended without a result (exit status {status})")


def _kill(process: Process) -> None:
    with suppress(ProcessLookupError):  # all of its group have ended
        os.killpg(process.pid, signal.SIGKILL)
