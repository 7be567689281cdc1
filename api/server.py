"""How uvicorn serves the app; `python main.py` and `cli.py serve` both start it from here."""

from __future__ import annotations

import uvicorn
from starlette.types import ASGIApp

from api.websocket_protocol import ImpatientWebSocketProtocol
from config.settings import Settings

# Requests that are being answered may finish; sockets need less, see `api/websocket_protocol.py`.
GRACEFUL_SHUTDOWN_SECONDS = 3


def server_config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """Return the configuration of the server.

    Compression stays off: it costs a third more CPU per broadcast and up to 280 KB of memory per client.
    There is no `limit_concurrency`, which would count every open `/ws` and refuse `/health` in plain text.
    """
    return uvicorn.Config(
        app,
        host=settings.server.host,
        port=settings.server.port,
        lifespan="on",
        # Logging is configured by `utils.logging`; requests are counted by our middleware.
        log_config=None,
        access_log=False,
        # Who is a trusted proxy is decided in `api/access.py`, which needs the address of the peer itself.
        proxy_headers=False,
        server_header=False,
        ws=ImpatientWebSocketProtocol,
        ws_max_size=settings.websocket.max_message_bytes,
        ws_ping_interval=settings.websocket.ping_seconds,
        ws_ping_timeout=settings.websocket.pong_timeout_seconds,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
    )
