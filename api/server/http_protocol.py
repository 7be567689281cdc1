"""The wire side of HTTP: uvicorn's protocol with bounds on what a client may send, and how slowly.

What is parsed at once is kept small, so that the bounds hold whatever arrives in one read; one sweep over all
connections (`api/server/connections.py`) looks for slow ones, so that a request costs no timer.
"""

from __future__ import annotations

import asyncio
from asyncio.transports import Transport
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from api.server.connections import Connections, Refusal
from api.server.http_heads import announces_body, new_parser, without_upgrade
from api.server.http_refusing import BODY, HEAD, MALFORMED, START, BoundedFlow, RefusingHttpProtocol, too_large

# What may start many requests is parsed in pieces of this length, and after each is looked whether enough wait.
PIECE_BYTES = 1024
_NOTHING = memoryview(b"")


class BoundedHttpProtocol(RefusingHttpProtocol):
    """Refuses heads that are too long or slow, bodies that are too slow, and more than a few waiting requests."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        others: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop, others=others)
        self._limits = others.settings
        self.url = b""
        self.headers = []
        self._unparsed = _NOTHING
        self._head_bytes = 0
        # Whether the last thing that the piece did was to end a request.
        self._ended = False
        self._body_bytes = 0
        # Bytes since the last part of a body: chunk extensions and trailers, which are no body.
        self._silent_bytes = 0
        # Since when the client owes the next head, or the rest of it; None while it owes a body, or nothing.
        self._idle_since: float | None = None
        self._body_since = 0.0
        self._holds_body = False
        self._checked_at = 0.0
        self._stalled_bytes = 0
        self._stalled_since = 0.0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # asyncio gives no other
        """Expect a first head from now on."""
        self._idle_since = self._checked_at = self.loop.time()
        super().connection_made(transport)
        self.flow = BoundedFlow(transport, self._is_full)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what was not parsed, and the way back from the flow to here."""
        super().connection_lost(exc)
        self._unparsed = _NOTHING
        self.flow = None  # type: ignore[assignment]  # of a closed connection there is none

    def data_received(self, data: bytes) -> None:
        """Parse what has come; of a refused client nothing is parsed any more."""
        if self._refusal is None:
            self._unset_keepalive_if_required()
            self._parse(memoryview(bytes(self._unparsed) + data) if self._unparsed else data)

    def _is_full(self) -> bool:
        return len(self.pipeline) >= self._limits.max_pipelined_requests or bool(self._unparsed)

    def _parse(self, data: bytes | memoryview) -> None:
        if not self.pipeline and (len(data) <= PIECE_BYTES or self._starts_one(data)):
            if not self._feed(data):
                return
        elif not self._parse_in_pieces(memoryview(data)):
            return
        if self._stage == BODY and self._refusal is None and not self.cycle.response_complete:
            self._others.hold_body(self, self._body_bytes)
            self._holds_body = True

    def _starts_one(self, data: bytes | memoryview) -> bool:
        """Return whether no second head can end in the data: after the first short one it has no end of a line."""
        if isinstance(data, memoryview):
            return False
        start = 0 if self._stage == BODY else data.find(b"\r\n\r\n", 0, PIECE_BYTES) + 4
        return (start > 3 or self._stage == BODY) and data.find(b"\r", start) < 0

    def _parse_in_pieces(self, data: memoryview) -> bool:
        """Parse until enough requests wait, and return whether the connection still speaks HTTP."""
        self._unparsed = _NOTHING
        while data and self._refusal is None:
            if self._is_full():
                self._unparsed = data
                self.flow.pause_reading()
                break
            size = self._piece_bytes(data)
            if not self._feed(data[:size]):
                return False
            data = data[size:]
        return True

    def _piece_bytes(self, data: memoryview) -> int:
        """Return how much may be parsed at once: the rest of a body of known length, else a piece."""
        if self._stage == BODY and len(data) > PIECE_BYTES:
            for name, value in self.cycle.scope["headers"]:
                if name == b"content-length":
                    return max(PIECE_BYTES, int(value) - self._body_bytes)
        return PIECE_BYTES

    def _feed(self, piece: bytes | memoryview) -> bool:
        """Parse a piece and return whether the connection still speaks HTTP."""
        body_bytes, self._ended = self._body_bytes, False
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            if self._should_upgrade():
                self.handle_websocket_upgrade()
                return False
            # Any other upgrade is ignored, as HTTP allows. The parser would read no body after one: a new one gets the
            # request again, without it.
            head, self.parser = without_upgrade(self.parser, self.url, self.headers), new_parser(self)
            return self._feed(head + bytes(piece[upgrade.args[0] :]))
        except httptools.HttpParserError:
            self.refuse(self._excess() or MALFORMED)
            return True
        if self._stage == BODY:
            self._silent_bytes = 0 if self._body_bytes != body_bytes else self._silent_bytes + len(piece)
        elif not self._ended:
            # Of empty lines before a request too, but not of a body that ended with this piece.
            self._head_bytes += len(piece)
        if self._stage != START or self._head_bytes > self._limits.max_head_bytes:
            excess = self._excess()
            if excess is not None:
                self.refuse(excess)
        return True

    def _excess(self) -> Refusal | None:
        """Return which bound the head, or the trailer of a body, is over."""
        most = self._limits
        if len(self.url) > most.max_url_bytes:
            detail = f"the URL may have at most {most.max_url_bytes} bytes"
            return Refusal(HTTPStatus.REQUEST_URI_TOO_LONG, "url_too_long", detail)
        if len(self.headers) > most.max_header_lines:
            return too_large("too_many_headers", f"a request may have at most {most.max_header_lines} header lines")
        if self._head_bytes > most.max_head_bytes or self._silent_bytes > most.max_head_bytes:
            return too_large("head_too_large", f"the head of a request may have at most {most.max_head_bytes} bytes")
        return None

    def on_message_begin(self) -> None:
        """Start to count a head."""
        super().on_message_begin()
        self._stage, self._ended, self._head_bytes = HEAD, False, 0
        if self._idle_since is not None:
            self._idle_since = self.loop.time()

    def on_headers_complete(self) -> None:
        """Hand the request to the application, unless its head is over a bound."""
        most = self._limits
        if len(self.headers) > most.max_header_lines or len(self.url) > most.max_url_bytes:
            raise ValueError("the head is over a bound")
        upgrade = self.parser.should_upgrade()
        if upgrade and not self._should_upgrade() and self.parser.get_method() != b"CONNECT":
            return
        if upgrade and (announces_body(self.headers) or not self._should_upgrade()):
            raise ValueError("a WebSocket handshake has no body, and the service is no proxy")
        super().on_headers_complete()
        self._stage = BODY
        self._idle_since = None
        self._body_since = self.loop.time()
        self._body_bytes = self._silent_bytes = 0
        if not upgrade:
            # What a trailer brings does not become a header after the headers have been judged.
            self.headers = []

    def on_body(self, body: bytes) -> None:
        """Count a part of the body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Let the next head come; after an upgrade that is ignored it is the same again."""
        if self._stage == HEAD:
            return
        super().on_message_complete()
        self._stage = START
        self._ended = True
        self._head_bytes = self._silent_bytes = 0
        if self._holds_body:
            self._let_body_go()
        if self._cut_at is not None:
            # It was answered before, and only waited for this.
            self.transport.close()
        elif not self._is_answering():
            self._idle_since = self.loop.time()

    def on_response_complete(self) -> None:
        """Go on with what waits: the next request, what is not parsed yet, or a refusal."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._unparsed = _NOTHING
        elif self._is_answering():
            pass
        elif self._refusal is not None:
            self._answer_refusal()
        elif self._stage == BODY:
            # The rest is thrown away.
            self._let_body_go()
        else:
            self._idle_since = self.loop.time()
        if self._unparsed and len(self.pipeline) < self._limits.max_pipelined_requests:
            self._unset_keepalive_if_required()
            self._parse_in_pieces(self._unparsed)
            self.flow.resume_reading()

    def _let_body_go(self) -> None:
        self._holds_body = False
        self._others.let_body_go(self)

    def check(self, now: float) -> None:
        """Cut or refuse the client if it is too slow."""
        since_last, self._checked_at = now - self._checked_at, now
        most = self._limits
        unsent = self.transport.get_write_buffer_size()
        if not unsent or unsent != self._stalled_bytes:
            self._stalled_bytes, self._stalled_since = unsent, now
        if (self._cut_at is not None and now > self._cut_at) or now > self._stalled_since + most.write_timeout_seconds:
            self._cut()
        elif self._stage == BODY and self.flow.read_paused:
            # It is the service that does not read.
            self._body_since += since_last
        elif self._stage == BODY:
            earned = self._body_bytes / most.min_body_bytes_per_second
            if now > self._body_since + most.body_grace_seconds + earned:
                pace = f"{most.min_body_bytes_per_second} bytes a second after {most.body_grace_seconds:g} s"
                detail = f"the body came too slowly: at least {pace} are needed"
                self.refuse(Refusal(HTTPStatus.REQUEST_TIMEOUT, "body_too_slow", detail))
        elif self._idle_since is not None and now > self._idle_since + most.head_timeout_seconds:
            if self._stage == HEAD:
                detail = f"the head of the request was not complete after {most.head_timeout_seconds:g} s"
                self.refuse(Refusal(HTTPStatus.REQUEST_TIMEOUT, "head_too_slow", detail))
            elif self.timeout_keep_alive_task is None:
                self.transport.close()
