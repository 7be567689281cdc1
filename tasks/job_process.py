"""The process of one job: `python -m tasks.job_process tasks.jobs`, a request on standard input, messages on output.

It is started by `tasks/child_process.py`, as the leader of a process group of its own.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from importlib import import_module
from threading import Thread
from typing import IO

from pydantic import ValidationError

from config.errors.needs import need_of
from domain.errors import AppError
from domain.job_kinds import JobKind
from domain.jobs import JobProgress, TellProgress
from tasks.jobs import JobFunction
from tasks.messages import JobRequest, Message
from utils.libraries import lack_of

# Serving has priority.
NICENESS = 10
# Minimum time between two reports within a stage.
REPORT_SECONDS = 0.2


def main(table: str) -> None:
    """Run the one job that standard input requests.

    Args:
        table: Module whose `JOBS` holds the functions by kind.
    """
    os.nice(NICENESS)
    say = _speaker(_own_output())
    request = JobRequest.model_validate_json(sys.stdin.buffer.readline())
    Thread(target=_end_with_the_service, daemon=True).start()
    jobs: Mapping[JobKind, JobFunction] = import_module(table).JOBS
    try:
        say(Message(result=jobs[request.kind](request.parameters, _reporter(say))))
    except AppError as error:
        say(Message(error=error.message, transient=error.transient))
    except ModuleNotFoundError as error:
        traceback.print_exc()
        say(Message(error=lack_of(error, f"a job of the kind {request.kind.value}") or _unexpected(error)))
    except ValidationError as error:
        traceback.print_exc()
        say(Message(error=_unreadable(error) if error.title.endswith("Parameters") else _unexpected(error)))
    except OSError as error:
        traceback.print_exc()
        why = os.strerror(error.errno) if error.errno else type(error).__name__
        say(Message(error=f"the job could not read or write a file: {why}; the log says which"))
    except Exception as error:  # noqa: BLE001 - every failure is reported to the service
        traceback.print_exc()
        say(Message(error=_unexpected(error)))


def _unreadable(error: ValidationError) -> str:
    """Return what of its parameters a job cannot read: an older release has queued it, with settings that are gone."""
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"]))
    return f"its parameters do not fit this version of the service ({place}: {need_of(first)}): ask for it anew"


def _unexpected(error: Exception) -> str:
    return f"the job failed unexpectedly ({type(error).__name__}); the log says more"


def _own_output() -> IO[bytes]:
    """Reserve standard output for messages: output of libraries goes to standard error."""
    own = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return own


def _speaker(output: IO[bytes]) -> Callable[[Message], None]:
    def say(message: Message) -> None:
        output.write(message.model_dump_json().encode() + b"\n")
        output.flush()

    return say


def _reporter(say: Callable[[Message], None]) -> TellProgress:
    """Return a report function that sends every new stage, and otherwise a few messages per second."""
    last_stage, last_seconds = "", 0.0

    def report(progress: JobProgress) -> None:
        nonlocal last_stage, last_seconds
        now = time.monotonic()
        if progress.stage != last_stage or now - last_seconds >= REPORT_SECONDS:
            last_stage, last_seconds = progress.stage, now
            say(Message(progress=progress))

    return report


def _end_with_the_service() -> None:
    """Wait until the service has ended, and then end this process and those that it started."""
    while os.read(sys.stdin.fileno(), 1):  # not by a buffered read, which Python cannot leave when it ends
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1])
