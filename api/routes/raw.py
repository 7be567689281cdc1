"""A route without FastAPI's layers, for the one that is called in bursts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send


class RawRoute(APIRoute):
    """Serves an endpoint `async (request) -> Response` as Starlette does, documented as FastAPI does.

    FastAPI would resolve dependencies, and an included router matches every path twice: together a fifth of the time
    that a cached analysis takes. So put the route into `app.router.routes`; do not include it. Its `dependencies` are
    for the document alone: the endpoint does by itself what they say.
    """

    def __init__(self, path: str, endpoint: Callable[[Request], Awaitable[Response]], **documentation: Any) -> None:
        super().__init__(path, endpoint, response_model=None, **documentation)

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            response = await endpoint(Request(scope, receive, send))
            await response(scope, receive, send)

        # Starlette's `request_response` would catch errors here too; around all routes they are caught once more.
        self.app = serve
