"""Peers of the service: whether they can be reached, and how fast."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter
from urllib.parse import unquote, urlsplit

import httpx2

_HTTP = {"http", "https"}
# Ports of addresses that leave it out.
_PORTS = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671}
_ENCRYPTED = {"rediss", "amqps"}
# Requests that a server answers before a login; a process that hangs still accepts connections.
_PING, _AMQP_0_9_1 = b"PING\r\n", b"AMQP\x00\x00\x09\x01"
_GREETINGS = {"redis": _PING, "rediss": _PING, "unix": _PING, "amqp": _AMQP_0_9_1, "amqps": _AMQP_0_9_1}


@dataclass(frozen=True)
class PeerState:
    """How a peer answered.

    Attributes:
        reachable: HTTP: answered with a status below 500; Redis and AMQP: answered a greeting; TCP: a connection was
            opened.
        milliseconds: Until then.
        reason: Why it is not reachable; free of addresses.
    """

    reachable: bool
    milliseconds: float
    reason: str | None


class Peers:
    """Looks at all peers at once, each within the same time."""

    def __init__(self, client: httpx2.AsyncClient, urls: Mapping[str, str], timeout_seconds: float) -> None:
        """Keep the addresses by name: of http, https, tcp, redis, rediss, unix (a socket of Redis), amqp or amqps."""
        self._client = client
        self._urls = dict(urls)
        self._timeout_seconds = timeout_seconds

    async def look(self) -> dict[str, PeerState]:
        """Return the state of each peer by name."""
        found = await asyncio.gather(*map(self._look_at, self._urls.values()))
        return dict(zip(self._urls, found, strict=True))

    async def _look_at(self, url: str) -> PeerState:
        begun, reason = perf_counter(), None
        try:
            async with asyncio.timeout(self._timeout_seconds):
                reason = await (self._ask(url) if urlsplit(url).scheme in _HTTP else _greet(url))
        except (TimeoutError, httpx2.TimeoutException):
            reason = f"did not answer in {self._timeout_seconds:g} s"
        except (OSError, ValueError, httpx2.RequestError, httpx2.InvalidURL):
            reason = "cannot be reached"
        return PeerState(reason is None, round(1000 * (perf_counter() - begun), 1), reason)

    async def _ask(self, url: str) -> str | None:
        async with self._client.stream("GET", url) as response:
            status = response.status_code
        return f"answered with status {status}" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else None


async def _greet(url: str) -> str | None:
    """Open a connection, wait for an answer where the protocol has a greeting, and close it; nobody logs in.

    Returns:
        What is wrong with the answer.

    Raises:
        OSError: the connection cannot be opened, or breaks.
        ValueError: the address has a port or host that cannot be.
    """
    parts = urlsplit(url)
    if parts.scheme == "unix":
        reader, writer = await asyncio.open_unix_connection(unquote(parts.path))
    else:
        port, encryption = (
            parts.port or _PORTS.get(parts.scheme, 0),
            _encryption() if parts.scheme in _ENCRYPTED else None,
        )
        reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=encryption)
    try:
        greeting = _GREETINGS.get(parts.scheme)
        if greeting is None:
            return None
        writer.write(greeting)
        return None if await reader.read(1) else "closed the connection without an answer"
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _encryption() -> ssl.SSLContext:
    """Return TLS that takes any certificate: no secret is sent, and clients of the server know which they trust."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def place_of(url: str) -> str:
    """Return the host and port of an address, without user, password and path."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.hostname}{port}"
