"""The real service as a process, with its files in a folder that outlives it."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.processes import Server, serve
from faults.scenario import Failed, require

PATIENCE_SECONDS = 60.0
ADMIN_TOKEN = "token-of-the-fault-suite"  # noqa: S105


@contextmanager
def service(folder: Path, *command: str, **environment: str) -> Iterator[Server]:
    """Run the service, by default as `python main.py`, until the block ends; its log must show no traceback."""
    log, variables = folder / "service.log", environment_of(folder) | environment
    with log.open("ab") as errors, serve(*(command or ("main.py",)), log=errors, **variables) as server:
        yield server
    text = log.read_text(errors="replace")
    require("Traceback" not in text, f"the log has a traceback: {text[text.find('Traceback') :][:2_000]}")


def environment_of(folder: Path) -> dict[str, str]:
    """Return the variables that keep the files of a service in a folder."""
    return {
        "DATABASE_URL": sqlite_url(folder),
        "STORAGE__SPOOL_PATH": f"{folder}/spool",
        "MODEL_SAVE_PATH": f"{folder}/models",
        "MARKET_DATA_SOURCES": "stored,synthetic",
        "ADMIN_TOKEN": ADMIN_TOKEN,
    }


def sqlite_url(folder: Path) -> str:
    """Return the URL of the database that a service has by default."""
    return f"sqlite:///{folder}/store.db"


def kill(pid: int) -> None:
    """End a service at once (SIGKILL)."""
    os.kill(pid, signal.SIGKILL)


def get(server: Server, path: str) -> Any:
    """Return the JSON of a route."""
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=PATIENCE_SECONDS) as answer:
        return json.load(answer)


def degraded(server: Server) -> dict[str, str]:
    """Return what /health names, with the reason of each."""
    return {part["part"]: part["reason"] for part in get(server, "/health")["problems"]}


def wait_until(condition: Callable[[], bool], what: str, patience_seconds: float = PATIENCE_SECONDS) -> float:
    """Return how many seconds it took until the condition held.

    Raises:
        Failed: it did not in time.
    """
    started = time.monotonic()
    while not condition():
        if time.monotonic() > started + patience_seconds:
            raise Failed(f"{what} did not come within {patience_seconds:g} s")
        time.sleep(0.05)
    return time.monotonic() - started
