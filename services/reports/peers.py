"""Peers of the service: whether they can be reached, and how fast."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter
from urllib.parse import urlsplit

import httpx2

# Of schemes whose address may leave the port out.
_PORTS = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671}
_HTTP = {"http", "https"}


@dataclass(frozen=True)
class PeerState:
    """How a peer answered.

    Attributes:
        reachable: With HTTP: answered with a status below 500; otherwise a connection was opened.
        milliseconds: Until then.
        reason: Why it is not reachable; free of addresses.
    """

    reachable: bool
    milliseconds: float
    reason: str | None


class Peers:
    """Looks at all peers at once, each within the same time."""

    def __init__(self, client: httpx2.AsyncClient, urls: Mapping[str, str], timeout_seconds: float) -> None:
        """Keep the addresses by name: of http or https, or of tcp, redis or amqp, where a connection is opened."""
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
                reason = await (self._ask(url) if urlsplit(url).scheme in _HTTP else _connect(url))
        except (TimeoutError, httpx2.TimeoutException):
            reason = f"did not answer in {self._timeout_seconds:g} s"
        except (OSError, httpx2.RequestError, httpx2.InvalidURL):
            reason = "cannot be reached"
        return PeerState(reason is None, round(1000 * (perf_counter() - begun), 1), reason)

    async def _ask(self, url: str) -> str | None:
        async with self._client.stream("GET", url) as response:
            status = response.status_code
        return f"answered with status {status}" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else None


async def _connect(url: str) -> None:
    """Open a connection and close it.

    Raises:
        OSError: it cannot be opened.
    """
    parts = urlsplit(url)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port or _PORTS.get(parts.scheme, 0))
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def place_of(url: str) -> str:
    """Return the host and port of an address, without user, password and path."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.hostname}{port}"
