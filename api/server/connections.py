"""All HTTP connections together: how many an address may have, what their bodies hold, who is too slow."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from secrets import token_hex
from typing import Protocol

from starlette.requests import HTTPConnection

from api.errors import problem_response
from api.guard.access import share_of
from api.guard.request_context import API_HEADERS
from api.server.descriptors import Descriptors
from config.server_settings import Network, ServerSettings
from utils.client_warnings import client_warnings
from utils.metrics import HTTP_REFUSALS

SWEEP_SECONDS = 1.0
RETRY_AFTER_SECONDS = 10
# Longer than the pools of clients keep a connection (90 s in Rust's reqwest and in Go): a request that is being sent
# while the service closes is lost.
KEEP_ALIVE_SECONDS = 100
# Refused connections that are still read, so that their clients see why; others are closed at once.
MAX_LINGERING = 64


@dataclass(frozen=True)
class Refusal:
    """Why a connection is closed before the application has answered.

    Attributes:
        reason: One word for the metric and the problem's type.
    """

    status: HTTPStatus
    reason: str
    detail: str
    retry_after_seconds: int | None = None

    def encode(self, server_headers: Iterable[tuple[bytes, bytes]], request_id: str) -> bytes:
        """Return the answer as it goes over the wire."""
        headers = {"Connection": "close", "X-Request-ID": request_id}
        connection = HTTPConnection({"type": "http", "state": {"request_id": request_id}})
        response = problem_response(
            connection,
            self.status,
            self.detail,
            code=self.reason,
            headers=headers,
            retry_after_seconds=self.retry_after_seconds,
        )
        lines = [b"HTTP/1.1 %d %s" % (self.status, self.status.phrase.encode())]
        lines += [b"%s: %s" % pair for pair in (*server_headers, *response.raw_headers, *API_HEADERS)]
        return b"\r\n".join(lines) + b"\r\n\r\n" + bytes(response.body)


class Connection(Protocol):
    """What is asked of a connection from here."""

    @property
    def idle(self) -> bool:
        """Whether no request is under way, so that nothing is lost by closing it."""
        ...

    def close_idle(self) -> None:
        """Close a connection on which no request is under way."""
        ...

    def check(self, now: float) -> None:
        """Cut or refuse the client if it is too slow at `now`, in seconds of the loop's clock."""
        ...

    def refuse(self, refusal: Refusal) -> None:
        """Answer with a problem document instead of what was asked for, and close."""
        ...


class Connections:
    """Every open connection of the server, sockets included: an address has its share, slow clients leave."""

    def __init__(self, settings: ServerSettings, unbounded: tuple[Network, ...], descriptors: Descriptors) -> None:
        self.settings = settings
        self.descriptors = descriptors
        self.lingering = 0
        self._unbounded = unbounded
        # With the share that each is counted in, in the order of their coming, without sockets.
        self._watched: dict[Connection, str] = {}
        # Places taken by share, sockets included.
        self._taken: Counter[str] = Counter()
        self._bodies: dict[Connection, int] = {}
        self._body_bytes = 0
        self._sweep: asyncio.TimerHandle | None = None

    def enter(self, connection: Connection, address: str) -> Refusal | None:
        """Give a new connection its place, and return why it cannot stay, if so."""
        share = share_of(address, self._unbounded)
        self._taken[share] += 1
        self._watched[connection] = share
        self.descriptors.opened()
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._check_all)
        most = self.settings.max_connections_per_address
        if share and self._taken[share] > most and not self._close_one_idle(connection, share):
            return _busy("too_many_connections", f"at most {most} connections may come from one address")
        if self.descriptors.short and not self._close_one_idle(connection) and self.descriptors.spent:
            return _busy("no_descriptors", "the service has no file descriptor left for another connection")
        return None

    def unwatch(self, connection: Connection) -> None:
        """Leave a connection to itself: it has become a socket, which has limits of its own."""
        self._watched.pop(connection, None)

    def leave(self, connection: Connection, address: str) -> None:
        """Forget a connection that is gone, and take back its place."""
        self._watched.pop(connection, None)
        self.let_body_go(connection)
        self.take_back(address)

    def take_back(self, address: str) -> None:
        """Take back a place of an address."""
        share = share_of(address, self._unbounded)
        self._taken[share] -= 1
        if not self._taken[share]:
            del self._taken[share]
        self.descriptors.closed()

    def hold_body(self, connection: Connection, size: int) -> None:
        """Count an unfinished body; where all together are too large, the oldest goes."""
        self._body_bytes += size - self._bodies.get(connection, 0)
        self._bodies[connection] = size
        while self._body_bytes > self.settings.max_unfinished_body_bytes:
            oldest = next(iter(self._bodies))
            self.let_body_go(oldest)
            oldest.refuse(_busy("too_many_bodies", "too many unfinished request bodies at once; send it again"))

    def let_body_go(self, connection: Connection) -> None:
        """Forget a body that is complete or given up."""
        self._body_bytes -= self._bodies.pop(connection, 0)

    def may_linger(self) -> bool:
        """Return whether a refused connection may still be read until its client has seen why."""
        return self.lingering < MAX_LINGERING and not self.descriptors.short

    def record(self, refusal: Refusal, client: str, request_id: str) -> None:
        """Count and log a refusal."""
        HTTP_REFUSALS.labels(refusal.reason).inc()
        client_warnings.warn(
            "connection refused by the server's limits",
            refusal.reason,
            client=client,
            status=int(refusal.status),
            reason=refusal.reason,
            request_id=request_id,
        )

    def _close_one_idle(self, newest: Connection, share: str | None = None) -> bool:
        """Close the oldest connection that waits for a request, of a share or of all; return whether there was one."""
        among = (one for one, its in self._watched.items() if share in (None, its))
        oldest = next((one for one in among if one is not newest and one.idle), None)
        if oldest is not None:
            oldest.close_idle()
        return oldest is not None

    def _check_all(self) -> None:
        loop = asyncio.get_running_loop()
        # First, so that a mistake about one connection does not end the watch over all.
        self._sweep = loop.call_later(SWEEP_SECONDS, self._check_all) if self._taken else None
        now = loop.time()
        for connection in list(self._watched):
            connection.check(now)
        # Asked so that the end of a shortage is noticed too.
        _ = self.descriptors.short


def _busy(reason: str, detail: str) -> Refusal:
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, reason, detail, RETRY_AFTER_SECONDS)


def new_request_id() -> str:
    """Return an id under which the log has a refusal."""
    return token_hex(9)
