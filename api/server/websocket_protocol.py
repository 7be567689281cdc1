"""The wire side of `/ws`: uvicorn's WebSocket protocol, made safe against clients that do not read.

ASGI has no word for "give up on this client", so what only the transport can do is done here: uvicorn
alone flushes what it has buffered before it closes, which for a client that does not read means never.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from asyncio.transports import BaseTransport
from collections.abc import Callable
from functools import lru_cache

from uvicorn._types import ASGIReceiveEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request

# Name of the ASGI extension by which an app may send a text without a task; its "send" is `send_now`.
SEND_NOW = "websocket.send_now"

# From the first close frame or the end of the relay until the connection is cut.
CLOSING_SECONDS = 0.5
# What the kernel may hold for a client; Linux doubles it for its own bookkeeping.
KERNEL_BUFFER_BYTES = 65_536
# Pongs that may wait for a client which pings without reading.
MAX_PONG_BYTES = 65_536
# Frames are parsed in pieces of this length, and none while a text waits for the app: one read of 256 KB may hold
# 37,000 texts of a letter, which would take megabytes.
PIECE_BYTES = 1024
# Three lines for each socket that comes or is refused, one of them an error, would let strangers fill the log; so would
# a traceback for each text that is no UTF-8.
_LOGGER = logging.getLogger("api.server.websocket_protocol")
_OF_CLIENTS = {
    "ASGI callable returned without completing handshake.",
    "Invalid UTF-8 sequence received from client.",
}


class ImpatientWebSocketProtocol(WebSocketsSansIOProtocol):
    """Buffers next to nothing, and cuts who does not take part in the closing of a connection.

    Attributes:
        on_lost: Called once the connection is gone, where its maker is to know.
    """

    on_lost: Callable[[], None] | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Let a send wait as soon as the kernel takes no more: the bounded queue is in the hub."""
        super().connection_made(transport)
        self._unparsed = memoryview(b"")
        self.logger = self.conn.logger = _LOGGER
        self.close_timeout = CLOSING_SECONDS
        self.transport.set_write_buffer_limits(high=0)
        # Left alone, the kernel would take up to 4 MB for a client that does not read.
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say that the connection is gone."""
        super().connection_lost(exc)
        self._unparsed = memoryview(b"")
        if self.on_lost is not None:
            self.on_lost()

    def data_received(self, data: bytes) -> None:
        """Parse what has come, as far as the app keeps up."""
        self._unparsed = memoryview(bytes(self._unparsed) + data) if self._unparsed else memoryview(data)
        self._parse()

    async def receive(self) -> ASGIReceiveEvent:
        """Give the app the next event, and go on with what is not parsed yet."""
        event = await super().receive()
        self._parse()
        return event

    def _parse(self) -> None:
        while self._unparsed and not (self.read_paused or self.transport.is_closing()):
            piece, self._unparsed = self._unparsed[:PIECE_BYTES], self._unparsed[PIECE_BYTES:]
            super().data_received(bytes(piece))

    def handle_connect(self, event: Request) -> None:
        """Start the app, and offer it the direct way to the wire."""
        super().handle_connect(event)
        if not self.close_sent:
            self.scope["extensions"][SEND_NOW] = {"send": self.send_now}

    def send_now(self, text: str) -> bool:
        """Write a text if the kernel is ready for it, and return whether it was written."""
        if self.close_sent or self.transport.is_closing() or self.transport.get_write_buffer_size():
            return False
        self.transport.write(_text_frame(text))
        return True

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        """Cut a client that still has something to read; one that is only saying goodbye gets a moment."""
        super().on_task_complete(task)
        # It may hold the client's part of the closing.
        self._parse()
        if self.writable.is_set():
            self._cut_later()
        else:
            self.transport.abort()

    def keepalive_timeout(self) -> None:
        """Cut a client that has not answered a ping."""
        super().keepalive_timeout()
        self._cut_later()

    def shutdown(self) -> None:
        """Tell the client that the server goes away (1001; uvicorn's own word is 1012, a restart)."""
        if not self.handshake_complete or self.close_sent or self.transport.is_closing():
            super().shutdown()
            return
        self.stop_keepalive()
        self.conn.send_close(CloseCode.GOING_AWAY)
        self._start_closing(CloseCode.GOING_AWAY, "")

    def handle_ping(self) -> None:
        """Answer a ping, unless the answers pile up: they pass no queue that could be bounded."""
        if self.transport.get_write_buffer_size() > MAX_PONG_BYTES:
            self.transport.abort()
        else:
            super().handle_ping()

    def handle_cont(self, event: Frame) -> None:
        """Take the next fragment; empty ones add nothing to a message, only to the memory that it takes."""
        if event.data or event.fin:
            super().handle_cont(event)

    def handle_parser_exception(self) -> None:
        """Refuse a broken or oversized frame, and read on until the client has seen why.

        Closing at once, with unread data in the socket, would reset the connection, and the
        close frame with its code would be lost.
        """
        if self.close_sent or self.conn.close_sent is None:
            return
        self._start_closing(self.conn.close_sent.code, self.conn.close_sent.reason)
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _start_closing(self, code: int, reason: str) -> None:
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self._cut_later()

    def _cut_later(self) -> asyncio.TimerHandle:
        return self.loop.call_later(CLOSING_SECONDS, self.transport.abort)


def _is_a_mistake(record: logging.LogRecord) -> bool:
    """Return whether a line is about more than a client that was refused, or closed with the reason."""
    return record.msg not in _OF_CLIENTS


_LOGGER.addFilter(_is_a_mistake)


# A broadcast gives the same text to every connection in turn: its frame is made once.
@lru_cache(maxsize=1)
def _text_frame(text: str) -> bytes:
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=False)
