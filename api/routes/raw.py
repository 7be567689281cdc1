"""A route without FastAPI's layers, for the one that is called in bursts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import Receive, Scope, Send


class RawRoute(APIRoute):
    """Serves an endpoint `async (request) -> bytes` of JSON as bare ASGI, documented as FastAPI does.

    FastAPI would resolve dependencies, and an included router matches every path twice: together a fifth of the time
    that a cached analysis takes. So put the route into `app.router.routes`; do not include it. Its `dependencies` are
    for the document alone: the endpoint does by itself what they say.
    """

    def __init__(self, path: str, endpoint: Callable[[Request], Awaitable[bytes]], **documentation: Any) -> None:
        super().__init__(path, endpoint, response_model=None, **documentation)

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            content = await endpoint(Request(scope, receive, send))
            headers = [(b"content-length", b"%d" % len(content)), (b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": content})

        # Errors are caught around all routes; Starlette's `request_response` would catch them here too.
        self.app = serve
