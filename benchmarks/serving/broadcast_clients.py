"""The receiving side of broadcast.py: thousands of sockets read with plain epoll, in its own process."""

from __future__ import annotations

import asyncio
import multiprocessing
import select
import socket
import time
from multiprocessing.connection import Connection
from typing import Any

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
QUIET_SECONDS = 0.3


class Group:
    """The sockets that one way of broadcasting sends to."""

    def __init__(self, port: int, path: str | None, count: int) -> None:
        self._epoll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._buffer = bytearray(1 << 16)
        for _ in range(count):
            connection = connect(port, path)
            connection.setblocking(False)
            self._sockets[connection.fileno()] = connection
            self._epoll.register(connection.fileno(), select.EPOLLIN)

    def read_until_quiet(self) -> None:
        """Discard what a server sends after the handshake."""
        while ready := self._epoll.poll(QUIET_SECONDS):
            self._read(ready)

    def receive(self, expected: int) -> float:
        """Read that many bytes over all sockets and return the time of the last one."""
        received = 0
        while received < expected:
            received += self._read(self._epoll.poll())
        return time.monotonic()

    def _read(self, ready: list[tuple[int, int]]) -> int:
        return sum(self._sockets[descriptor].recv_into(self._buffer) for descriptor, _ in ready)


def connect(port: int, path: str | None, receive_buffer: int | None = None) -> socket.socket:
    """Connect, and ask for a WebSocket when there is a path."""
    connection = socket.socket()
    if receive_buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.connect(("127.0.0.1", port))
    if path is not None:
        connection.sendall(HANDSHAKE.format(path=path).encode())
        answer = connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 101"), answer
    return connection


def run_clients(pipe: Connection[Any, Any]) -> None:
    """Obey the commands that come through the pipe until the process is ended."""
    groups: dict[str, Group] = {}
    stalled: list[socket.socket] = []
    while True:
        match pipe.recv():
            case ("open", str(name), int(port), path, int(count)):
                groups[name] = Group(port, path, count)
                groups[name].read_until_quiet()
                pipe.send(True)
            case ("stall", int(port), str(path)):
                stalled.append(connect(port, path, receive_buffer=4096))
                pipe.send(True)
            case ("expect", str(name), int(expected)):
                pipe.send(True)
                pipe.send(groups[name].receive(expected))


class Clients:
    """The process with the sockets that receive."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=run_clients, args=(theirs,), daemon=True)
        self._process.start()

    async def ask(self, *question: Any) -> Any:
        """Send a command and return the answer."""
        self._pipe.send(question)
        return await self.answer()

    async def answer(self) -> Any:
        """Wait for the next answer without blocking the loop."""
        pipe: Connection[Any, Any] = self._pipe
        return await asyncio.to_thread(pipe.recv)

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join()
