"""A server as a process of this machine, which may be killed, frozen and started again on its port and files."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path

START_SECONDS = 60
STOP_SECONDS = 20
POLL_SECONDS = 0.05
# Below the ports from which Linux lets clients call (32768 and above): while a server is down, none of them can take
# its port, not even a client that tries to reach it.
PORTS = range(15_000, 32_000)


class MissingServer(Exception):
    """The program is not installed; the text says which and what installs it."""


class ServerProcess(ABC):
    """One server that can be killed and started again on the same port and files.

    Attributes:
        name: Of the server, as people know it.
        folder: Of all its files.
        port: On 127.0.0.1.
    """

    name: str

    def __init__(self, folder: Path, port: int | None = None) -> None:
        """Take a folder for the server's files, which is made if it is not there, and a free port if none is given."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder.resolve()
        self.port = free_port() if port is None else port
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    @abstractmethod
    def url(self) -> str:
        """The URL under which clients reach it."""

    @abstractmethod
    def answers(self) -> bool:
        """Return whether it answers a client now."""

    @staticmethod
    @abstractmethod
    def program() -> str:
        """Return the path of its program.

        Raises:
            MissingServer: it is not installed.
        """

    @abstractmethod
    def _launch(self) -> None:
        """Start its processes by `_run`, the server itself last."""

    @property
    def running(self) -> bool:
        """Whether the server itself has not ended."""
        return bool(self._processes) and self._processes[-1].poll() is None

    @property
    def pids(self) -> list[int]:
        """The processes that were started, the server itself last."""
        return [process.pid for process in self._processes]

    def start(self) -> None:
        """Start the server and return when it answers.

        Raises:
            MissingServer: its program is not installed.
            RuntimeError: it ended or did not get ready in time; the message holds the end of its log.
        """
        self.launch()
        self.wait_ready()

    def launch(self) -> None:
        """Start the server and do not wait for it.

        Raises:
            MissingServer: its program is not installed.
            RuntimeError: it runs already.
        """
        if self.running:
            raise RuntimeError(f"{self.name} runs already on port {self.port}")
        self._launch()

    def wait_ready(self) -> None:
        """Return when the server answers.

        Raises:
            RuntimeError: it ended or did not get ready in time; the message holds the end of its log.
        """
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if not self.running or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{self.name} did not start: {self._log_tail()}")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """End the server in an orderly way, if it runs, and whatever was started for it."""
        for process in reversed(self._processes):
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_SECONDS)
        self._processes = []

    def kill(self) -> None:
        """End the server as a crash would (SIGKILL)."""
        for process in reversed(self._processes):
            process.kill()
            process.wait(STOP_SECONDS)
        self._processes = []

    def restart(self) -> None:
        """Stop the server in an orderly way and start it again, on the same port and files."""
        self.stop()
        self.start()

    def send(self, number: signal.Signals) -> None:
        """Send the running server a signal, such as SIGSTOP to freeze it."""
        if self._processes:
            self._processes[-1].send_signal(number)

    def _run(self, arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        # A session of its own: Ctrl-C in the terminal that started it ends what waits there, not the server.
        with (self.folder / "output.log").open("ab") as log:
            process = subprocess.Popen(
                arguments,
                env=None if environment is None else dict(environment),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes.append(process)

    def _log_tail(self) -> str:
        logs = sorted(self.folder.rglob("*.log"), key=lambda path: path.stat().st_mtime)
        return "\n".join(path.read_text(errors="replace")[-1_000:] for path in logs) or "it wrote no log"


def free_port() -> int:
    """Return a port of this machine that nothing listens on now and that no client calls from.

    Raises:
        RuntimeError: a hundred of them were taken.
    """
    for port in random.SystemRandom().sample(PORTS, 100):
        if is_free(port):
            return port
    raise RuntimeError("no free port found on 127.0.0.1")


def is_free(port: int) -> bool:
    """Return whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
