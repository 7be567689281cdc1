"""Redis, RabbitMQ and mongod for a developer: they outlive the command that starts them."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from servers.mongod import Mongod
from servers.process import POLL_SECONDS, STOP_SECONDS, ServerProcess, is_free
from servers.rabbitmq import RabbitMq
from servers.redis_server import RedisServer

# The variable by which the service finds each of them.
SERVERS: dict[str, type[ServerProcess]] = {
    "REDIS_URL": RedisServer,
    "RABBITMQ_URL": RabbitMq,
    "DATABASE_URL": Mongod,
}


@dataclass(frozen=True)
class Kept:
    """A server as the folder's note has it.

    Attributes:
        url: For the service.
        port: On 127.0.0.1.
        processes: Pid and time of the start (clock ticks since the machine's) of each, the server itself last.
    """

    url: str
    port: int
    processes: tuple[tuple[int, int], ...]

    @property
    def running(self) -> bool:
        """Whether the server itself runs, and no other process has got its pid."""
        return bool(self.processes) and _runs(*self.processes[-1])


class KeptServers:
    """The servers of one folder."""

    def __init__(self, folder: Path) -> None:
        """Take a folder for their files, which is made if it is not there."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder.resolve()
        self._note = self._folder / "servers.json"

    def start(self) -> dict[str, str]:
        """Start the servers that do not run, on the ports they had before, and return the variable and URL of each.

        Raises:
            MissingServer: a program is not installed; nothing that was started here runs on.
            RuntimeError: a server did not get ready; nothing that was started here runs on.
        """
        with self._locked():
            kept = self._read()
            launched: dict[str, ServerProcess] = {}
            try:
                for variable, server_class in SERVERS.items():
                    before = kept.get(variable)
                    if before is None or not before.running:
                        _end(before)
                        port = before.port if before is not None and is_free(before.port) else None
                        launched[variable] = server_class(self._folder / server_class.name, port)
                        launched[variable].launch()
                for server in launched.values():
                    server.wait_ready()
            except BaseException:
                for server in launched.values():
                    server.kill()
                raise
            for variable, server in launched.items():
                processes = tuple((pid, _started(pid) or 0) for pid in server.pids)
                kept[variable] = Kept(server.url, server.port, processes)
            self._write(kept)
            return {variable: kept[variable].url for variable in SERVERS}

    def stop(self) -> list[str]:
        """End the servers in an orderly way; return the variables of those that ran."""
        with self._locked():
            kept = self._read()
            ran = [variable for variable in SERVERS if variable in kept and kept[variable].running]
            for server in kept.values():
                _end(server)
            self._write({variable: Kept(server.url, server.port, ()) for variable, server in kept.items()})
            return ran

    def status(self) -> dict[str, Kept]:
        """Return what is known of each server that was ever started here, by its variable."""
        return self._read()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read(self) -> dict[str, Kept]:
        if not self._note.exists():
            return {}
        rows = json.loads(self._note.read_text())
        return {
            variable: Kept(row["url"], row["port"], tuple((pid, start) for pid, start in row["processes"]))
            for variable, row in rows.items()
        }

    def _write(self, kept: dict[str, Kept]) -> None:
        rows = {
            variable: {"url": server.url, "port": server.port, "processes": server.processes}
            for variable, server in kept.items()
        }
        new = self._note.with_suffix(".new")
        new.write_text(json.dumps(rows, indent=2))
        new.replace(self._note)


def _end(server: Kept | None) -> None:
    """End its processes, the server itself first; those whose pid belongs to another process by now are left alone."""
    for process in reversed(server.processes if server is not None else ()):
        deadline = time.monotonic() + STOP_SECONDS
        number = signal.SIGTERM
        while _runs(*process):
            os.kill(process[0], number)
            # The signal is sent once; after the deadline, the one that no process can refuse.
            while _runs(*process) and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
            number, deadline = signal.SIGKILL, deadline + STOP_SECONDS


def _runs(pid: int, started: int) -> bool:
    return _started(pid) == started


def _started(pid: int) -> int | None:
    """Return when the process was started, in clock ticks since the machine's start; None if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else int(fields[19])
