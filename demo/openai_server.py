"""A fake OpenAI-compatible server on loopback: real HTTP, no model.

Every answer carries the header `x-demo: 1`, and every completion names the model `demo-gpt`,
so that a demonstration never passes for an analysis. As it stands it answers by the rules of
`demo/replies.py`; a script of behaviors (`demo/behaviors.py`), for all keys or for one, makes
it fail in every way that a real endpoint can.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from demo.behaviors import MODEL, Behavior, CompletionRequest, normal

START_SECONDS = 10.0
STOP_SECONDS = 10.0


class FakeOpenAI:
    """The server's state: its next behaviors, and the requests received.

    Attributes:
        always: Its behavior when nothing is scripted.
        asked: Every request for a completion, oldest first.
        url: The base URL for clients, once it serves.
    """

    def __init__(self) -> None:
        self.always: Behavior = normal
        self.asked: list[CompletionRequest] = []
        self.url = ""
        self._script: deque[Behavior] = deque()
        self._script_of_key: dict[str, deque[Behavior]] = {}
        self._transports: dict[Any, asyncio.BaseTransport] = {}

    def script(self, *behaviors: Behavior, key: str | None = None) -> None:
        """Add the behaviors of the next calls, in order; those of a key go first."""
        queue = self._script if key is None else self._script_of_key.setdefault(key, deque())
        queue.extend(behaviors)

    def app(self) -> FastAPI:
        """Return the application."""
        app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

        @app.get("/v1/models")
        async def models() -> dict[str, Any]:
            return {"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "demo"}]}

        @app.post("/v1/chat/completions")
        async def completions(request: Request, body: dict[str, Any]) -> Response:
            return await self._answer(request, body)

        return app

    def protocol(self) -> type[asyncio.Protocol]:
        """Return uvicorn's HTTP protocol, extended by a table of connections so that one can be reset."""
        transports = self._transports

        class CuttableProtocol(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # asyncio gives no other
                transports[transport.get_extra_info("peername")] = transport
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                transports.pop(self.transport.get_extra_info("peername"), None)
                super().connection_lost(exc)

        return CuttableProtocol

    async def _answer(self, request: Request, body: dict[str, Any]) -> Response:
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        asked = CompletionRequest(time.monotonic(), key, body, dict(request.headers), request, self._transports)
        self.asked.append(asked)
        for queue in (self._script_of_key.get(key), self._script):
            if queue:
                return await queue.popleft()(asked)
        return await self.always(asked)


@contextmanager
def serving(fake: FakeOpenAI, port: int = 0) -> Iterator[str]:
    """Serve in a thread on loopback, and yield the base URL; port 0 takes a free one.

    Raises:
        RuntimeError: the port cannot be listened on.
    """
    config = uvicorn.Config(
        fake.app(),
        host="127.0.0.1",
        port=port,
        http=fake.protocol(),
        headers=[("x-demo", "1")],
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, name="fake-openai", daemon=True)
    thread.start()
    give_up_at = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > give_up_at:
            raise RuntimeError(f"the fake OpenAI server cannot listen on 127.0.0.1:{port}")
        time.sleep(0.005)
    fake.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1"
    try:
        yield fake.url
    finally:
        server.should_exit = True
        thread.join(STOP_SECONDS)
