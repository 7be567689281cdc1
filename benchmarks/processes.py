"""Servers in child processes, with their CPU time and memory from the kernel."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from servers.process import free_port

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 120
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    """A running server process."""

    pid: int
    port: int
    seconds_to_ready: float

    def cpu_seconds(self) -> float:
        """Return user and system time of all its threads so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident_mb(self) -> float:
        """Return its resident memory in MB."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the kernel does not tell the resident memory")


@contextmanager
def serve(*arguments: str, log: IO[bytes] | int | None = None, **environment: str) -> Iterator[Server]:
    """Run `python *arguments` (with {port} filled in) until the block ends; yield once /readyz answers.

    Args:
        arguments: Of the interpreter.
        log: Where standard error goes, as `subprocess` takes it; None leaves it where ours goes.
        environment: Variables beside those of a benchmark.
    """
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        defaults = {
            "PORT": str(port),
            "DATABASE_URL": f"sqlite:///{folder}/bench.db",
            "PERIODIC_ANALYSIS": "false",
            "RATE_LIMITS": "off",
            "LOG_LEVEL": "WARNING",
        }
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *(argument.format(port=port) for argument in arguments)],
            cwd=ROOT,
            env={**os.environ, **defaults, **environment},
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
        try:
            _wait_ready(process, port)
            yield Server(process.pid, port, time.perf_counter() - started)
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            finally:
                process.kill()
                if process.stderr is not None:
                    process.stderr.close()


def _wait_ready(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=1):
                return
        except OSError:
            time.sleep(0.01)
    raise RuntimeError(f"the server was not ready in {START_SECONDS} s")
