"""A cheap HTTP/1.1 client: one keep-alive connection per worker, answers read by their length only."""

from __future__ import annotations

import asyncio
import time


def request_bytes(method: str, path: str, body: bytes = b"", token: str | None = None) -> bytes:
    """Return one request as it goes over the wire, an administrator's with the token."""
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
    if token is not None:
        head += f"authorization: Bearer {token}\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


class HttpConnection:
    """One connection; requests go one after another."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> HttpConnection:
        """Connect to a port on this machine."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1_000_000))

    async def send(self, request: bytes) -> bytes:
        """Send a request, return the body of its answer, which must be a 200."""
        head, body = await self.ask(request)
        if b" 200 " not in head[:16]:
            raise RuntimeError(f"not a 200: {head[:200]!r}")
        return body

    async def ask(self, request: bytes) -> tuple[bytes, bytes]:
        """Send a request, return head and body of its answer, whatever its status."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return head, await self._reader.readexactly(int(length))

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()


async def run_requests(port: int, requests: list[bytes], workers: int) -> float:
    """Send all requests over `workers` connections and return the seconds it took."""
    pending = iter(requests)

    async def work() -> None:
        connection = await HttpConnection.open(port)
        for request in pending:
            await connection.send(request)
        connection.close()

    started = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(workers):
            tasks.create_task(work())
    return time.perf_counter() - started
