"""The part of our HTTP protocol that refuses: it takes a place among the connections and ends one properly."""

from __future__ import annotations

import asyncio
import socket
import struct
from abc import abstractmethod
from asyncio.transports import Transport
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState
from websockets.http11 import MAX_LINE_LENGTH

from api.server.connections import Connections, Refusal, new_request_id
from api.server.websocket_protocol import ImpatientWebSocketProtocol

# How long a refused client may go on sending before it is cut.
LINGER_SECONDS = 10.0
# How long a request that is half there may go on when the service shuts down; uvicorn cancels it a second later.
SHUTDOWN_SECONDS = 1.5
# How long a request that was sent before the shutdown may take to arrive.
ARRIVAL_SECONDS = 0.1

MALFORMED = Refusal(HTTPStatus.BAD_REQUEST, "malformed_http", "this is no valid HTTP/1.1 request")
LEAVING = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "shutting_down", "the service is shutting down; send it again", 5)

_RESET = struct.pack("ii", 1, 0)  # on, and no second to linger

# What the parser waits for: a request, the rest of its head or body. Members of an enum take longer to look up.
START, HEAD, BODY = range(3)


class BoundedFlow(FlowControl):
    """Reads no further while enough requests wait."""

    def __init__(self, transport: asyncio.Transport, full: Callable[[], bool]) -> None:
        super().__init__(transport)
        self._full = full

    def resume_reading(self) -> None:
        """Read on, unless enough requests wait."""
        if self.read_paused and not self._full():
            super().resume_reading()


class ClosesLate(asyncio.Transport):
    """The transport of a request whose connection ends with the answer: how to close is left to the protocol."""

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        super().__init__()
        self._transport = transport
        self._close = close

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send a part of the answer."""
        self._transport.write(data)

    def is_closing(self) -> bool:
        """Return whether the connection is closed or about to be."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Close, the answer being complete."""
        self._close()


class RefusingHttpProtocol(HttpToolsProtocol):
    """Answers by itself what the application is not to see, and closes so that the client can read the answer."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        others: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._others = others
        self._stage = START
        self._address = ""
        # The request that is being answered, or was last; `cycle` is the one that was parsed last.
        self._running: RequestResponseCycle | None = None
        self._refusal: Refusal | None = None
        self._cut_at: float | None = None
        self._leaving = False

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # asyncio gives no other
        """Take a place among the connections, or refuse at once."""
        super().connection_made(transport)
        # Of a Unix socket there is none.
        self._address = self.client[0] if self.client else ""
        refusal = self._others.enter(self, self._address)
        if refusal is not None:
            self._refusal = refusal
            self._answer_refusal()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back, and let the application know."""
        super().connection_lost(exc)
        self.pipeline.clear()
        if self._running is not None:
            # uvicorn tells the one that came last, which may not have been started.
            self._drop(self._running)
        if self._cut_at is not None:
            self._others.lingering -= 1
        self._others.leave(self, self._address)

    @property
    def idle(self) -> bool:
        """Whether no request is under way, or it is refused, so that nothing is lost by closing the connection."""
        free = self._stage == START and self._refusal is None and not self._is_answering()
        return (free or self._cut_at is not None) and not self.transport.is_closing()

    @abstractmethod
    def check(self, now: float) -> None:
        """Cut or refuse the client if it is too slow."""

    def close_idle(self) -> None:
        """Close a connection on which no request is under way."""
        self.transport.close()

    def refuse(self, refusal: Refusal) -> None:
        """Answer with a problem document, after what came before is answered, and close."""
        if self._refusal is not None or self.transport.is_closing():
            return
        self._refusal = refusal
        self._others.let_body_go(self)
        if self._stage == BODY:
            if self.pipeline and self.pipeline[0][0] is self.cycle:
                self.pipeline.popleft()
                self.cycle = self.pipeline[0][0] if self.pipeline else self._running  # type: ignore[assignment]  # None where no request runs
            elif self.cycle.response_complete:
                # It is answered already; only the rest of its body never came.
                self.transport.close()
            else:
                self._drop(self.cycle)
        if not self._is_answering():
            self._answer_refusal()

    def handle_websocket_upgrade(self) -> None:
        """Become a socket, which counts in the same share of the address."""
        refusal = self._refusal_of_upgrade()
        if refusal is not None:
            self.refuse(refusal)
            return
        self._others.unwatch(self)
        super().handle_websocket_upgrade()
        protocol = self.transport.get_protocol()
        if isinstance(protocol, ImpatientWebSocketProtocol):
            protocol.on_lost = partial(self._others.take_back, self._address)

    def _refusal_of_upgrade(self) -> Refusal | None:
        if self._is_answering():
            return MALFORMED
        # The library that speaks WebSocket reads the head again, with a bound of its own on a line.
        longest = max([len(self.url) + 12, *(len(name) + len(value) for name, value in self.scope["headers"])])
        if longest + 4 > MAX_LINE_LENGTH:
            most = MAX_LINE_LENGTH - 4
            return too_large("head_too_large", f"a header line of a WebSocket handshake may have at most {most} bytes")
        if self._others.descriptors.short:
            detail = "the service has no file descriptor left for another socket"
            return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "no_descriptors", detail, 30)
        return None

    def shutdown(self) -> None:
        """Close when what was sent is answered; what is half there, or not here yet, gets a moment to be complete."""
        if self.idle and not self._leaving:
            self._leaving = True
            self.loop.call_later(ARRIVAL_SECONDS, self.shutdown)
            return
        super().shutdown()
        if self._cut_at is not None:
            self.transport.abort()
        elif self._stage == BODY:
            self.loop.call_later(SHUTDOWN_SECONDS, self._give_up_body)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        cycle.keep_alive = cycle.keep_alive and not self._leaving
        if not cycle.keep_alive:
            cycle.transport = ClosesLate(self.transport, self._close_after_answer)
        super()._start_asgi_task(cycle, app)

    def _is_answering(self) -> bool:
        cycle = self.cycle
        return not (cycle is None or cycle.response_complete or cycle.disconnected)

    def _drop(self, cycle: RequestResponseCycle) -> None:
        """Tell the application that its client is gone; half an answer can only be cut."""
        cycle.disconnected = True
        cycle.message_event.set()
        if cycle.response_started and not cycle.response_complete and not self.transport.is_closing():
            self.transport.abort()

    def _answer_refusal(self) -> None:
        if self._refusal is None or self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        request_id = new_request_id()
        self._others.record(self._refusal, self._address, request_id)
        self.transport.write(self._refusal.encode(self.server_state.default_headers, request_id))
        if self._refusal is LEAVING:
            self.transport.close()
        else:
            self._linger()

    def _close_after_answer(self) -> None:
        """Close at once if the request is read whole: an answer may be complete before its body, as a refusal is."""
        if self._stage == BODY:
            self._linger()
        else:
            self.transport.close()

    def _linger(self) -> None:
        """Send no more, and read on for a moment; a proxy would make 502 of an answer that is reset.

        Closing at once, with unread data in the socket, would reset the connection, and the answer be lost.
        """
        if not self._others.may_linger():
            self.transport.close()
            return
        self._cut_at = self.loop.time() + LINGER_SECONDS
        self._others.lingering += 1
        self.transport.write_eof()
        self.flow.resume_reading()

    def _cut(self) -> None:
        """Close at once; without a reset the kernel would go on offering megabytes to a client that does not read."""
        connection: socket.socket = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()

    def _give_up_body(self) -> None:
        if self._stage == BODY:
            self.refuse(LEAVING)


def too_large(reason: str, detail: str) -> Refusal:
    """Return the refusal of a head that is over a bound."""
    return Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, reason, detail)
