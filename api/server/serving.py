"""How uvicorn serves the app; `python main.py` and `cli.py serve` both start it from here."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import cast

import uvicorn
from fastapi import FastAPI
from rich.console import Console
from starlette.types import ASGIApp

from api.server.address import check_address
from api.server.connections import KEEP_ALIVE_SECONDS, Connections
from api.server.descriptors import Descriptors, raise_limit
from api.server.http_protocol import BoundedHttpProtocol
from api.server.start_screen import start_screen
from api.server.websocket_protocol import ImpatientWebSocketProtocol
from config.settings import Settings

# Requests that are being answered may finish; sockets need less, see `api/server/websocket_protocol.py`.
GRACEFUL_SHUTDOWN_SECONDS = 3


def server_config(app: ASGIApp, settings: Settings, descriptors: Descriptors | None = None) -> uvicorn.Config:
    """Return the configuration of the server.

    Compression stays off: it costs a third more CPU per broadcast and up to 280 KB of memory per client.
    There is no `limit_concurrency`, which would count every open `/ws` and refuse `/health` in plain text.

    Args:
        app: What is served.
        settings: Of everything.
        descriptors: Counts the file descriptors; one of its own without.
    """
    connections = Connections(
        settings.server,
        (*settings.access.trusted_networks, *settings.access.trusted_proxies),
        descriptors or Descriptors(settings.server.reserved_descriptors),
    )
    return uvicorn.Config(
        app,
        host=settings.server.host,
        port=settings.server.port,
        lifespan="on",
        # Logging is configured by `utils.logging`; requests are counted by our middleware.
        log_config=None,
        access_log=False,
        # Who is a trusted proxy is decided in `api/guard/access.py`, which needs the address of the peer itself.
        proxy_headers=False,
        server_header=False,
        # uvicorn calls it with keywords alone, as it would the class.
        http=cast(type[BoundedHttpProtocol], partial(BoundedHttpProtocol, others=connections)),
        ws=ImpatientWebSocketProtocol,
        ws_max_size=settings.websocket.max_message_bytes,
        ws_ping_interval=settings.websocket.ping_seconds,
        ws_ping_timeout=settings.websocket.pong_timeout_seconds,
        ws_per_message_deflate=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
    )


class AnnouncingServer(uvicorn.Server):
    """Shows the start screen once the service listens, and ends in order whatever signal asks for it."""

    def __init__(self, config: uvicorn.Config, settings: Settings, app: FastAPI) -> None:
        super().__init__(config)
        self._settings = settings
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say where the service is and what it uses."""
        await super().startup(sockets)
        # What is there now stays to the end. Walking it for garbage again and again would stop every
        # request for an eighth of a second each time, and cost an eighth of the start.
        gc.freeze()
        gc.enable()
        if self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            Console().print(start_screen(self._settings, self._app.state.container, port))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let requests under way wait for the LLM no longer, then stop."""
        if self.started:
            self._app.state.container.base.stopping.set()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Shut down on SIGTERM, Ctrl-C and a closed terminal, and end with the status 0 after it.

        uvicorn leaves SIGHUP out, which then ends the process at once, and sends itself each signal again
        when all is done. A SIGHUP that `nohup` has switched off stays so.
        """
        wanted = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            wanted.append(signal.SIGHUP)
        before = {number: signal.signal(number, self.handle_exit) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def serve(app: FastAPI, settings: Settings) -> None:
    """Serve until SIGTERM, SIGHUP or Ctrl-C.

    Raises:
        ConfigurationError: the address cannot be listened on.
        SystemExit: the start failed; the log says why.
    """
    check_address(settings.server.host, settings.server.port)
    raise_limit()
    server = AnnouncingServer(server_config(app, settings, app.state.descriptors), settings, app)
    with suppress(KeyboardInterrupt):
        server.run()
    _let_go_of_lost_terminal()
    if not server.started:
        raise SystemExit(3)


def _let_go_of_lost_terminal() -> None:
    """Drop what a closed terminal no longer takes: Python would end with an error for it."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
