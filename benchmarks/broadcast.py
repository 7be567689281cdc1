"""Broadcast of one 1 KB message to 1,000 sockets: bare writes, a naive loop, and our hub with its relay.

Run with `python -m benchmarks.broadcast`. The three ways take turns, round by round, in one server
process on one event loop; a process of its own reads with plain epoll, so that it costs little beside
the server. The naive loop runs on stock uvicorn without compression, which is the best case for it.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import resource
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from multiprocessing.connection import Connection
from statistics import median
from types import SimpleNamespace
from typing import Any, cast

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from api.server import server_config
from api.websocket import router
from benchmarks.broadcast_clients import run_clients
from config.settings import ServerSettings, Settings, WebSocketSettings
from services.signal_hub import SignalHub, Subscription

CLIENTS = 1000
ROUNDS = 60
STALLED_ROUNDS = 600
SYMBOL = "BTCUSDT"
EVENT: dict[str, Any] = {"type": "AISignalReceived", "data": {"symbol": SYMBOL, "reasoning": "x" * 958}}
# A frame of 126 to 65,535 bytes from the server: final text frame, length in two bytes, the text itself.
TEXT = json.dumps(EVENT, separators=(",", ":"))
FRAME = b"\x81\x7e" + len(TEXT).to_bytes(2) + TEXT.encode()

Row = dict[str, str | float]
Send = Callable[[], Awaitable[None]]


class RecordingHub(SignalHub):
    """A hub that remembers its latest subscription, to look at the queue of the stalled client."""

    latest: Subscription

    def subscribe(self) -> Subscription:
        """Return a new subscription."""
        self.latest = super().subscribe()
        return self.latest


class BareProtocol(asyncio.Protocol):
    """Keeps the transports of those who connect."""

    def __init__(self, transports: list[asyncio.WriteTransport]) -> None:
        self._transports = transports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transports.append(cast(asyncio.WriteTransport, transport))


class Clients:
    """The process with the sockets that receive."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=run_clients, args=(theirs,), daemon=True)
        self._process.start()

    async def ask(self, *question: Any) -> Any:
        """Send a command and return the answer."""
        self._pipe.send(question)
        return await self.answer()

    async def answer(self) -> Any:
        """Wait for the next answer without holding up the loop."""
        pipe: Connection[Any, Any] = self._pipe
        return await asyncio.to_thread(pipe.recv)

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.join()


async def timed_round(clients: Clients, name: str, send: Send) -> tuple[float, float]:
    """Send one message to all; return seconds to the last client and CPU seconds of the server."""
    await clients.ask("expect", name, CLIENTS * len(FRAME))
    cpu, started = time.thread_time(), time.monotonic()
    await send()
    last = cast(float, await clients.answer())
    return last - started, time.thread_time() - cpu


@asynccontextmanager
async def serving(config: uvicorn.Config) -> AsyncIterator[tuple[uvicorn.Server, int]]:
    """Run a server on a free port of this loop."""
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)  # noqa: ASYNC110 - uvicorn sets a flag, not an event
    try:
        yield server, server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


def naive_app(sockets: list[WebSocket]) -> FastAPI:
    """Return an app that only collects its sockets, as most examples do."""
    app = FastAPI()

    @app.websocket("/ws")
    async def collect(websocket: WebSocket) -> None:
        await websocket.accept()
        sockets.append(websocket)
        try:
            await websocket.receive_text()
        except WebSocketDisconnect:
            sockets.remove(websocket)

    return app


def hub_config(hub: SignalHub) -> uvicorn.Config:
    """Return our server, with pings so rare that only messages are counted."""
    websocket = WebSocketSettings(ping_seconds=3600)
    settings = SimpleNamespace(server=ServerSettings(port=0), websocket=websocket)
    app = FastAPI()
    app.include_router(router)
    app.state.container = SimpleNamespace(hub=hub, settings=settings)
    return server_config(app, cast(Settings, settings))


async def compare(clients: Clients) -> list[Row]:
    """Measure the three ways in turns, then ours with a client that does not read."""
    loop = asyncio.get_running_loop()
    transports: list[asyncio.WriteTransport] = []
    sockets: list[WebSocket] = []
    hub = RecordingHub(WebSocketSettings().max_buffered_bytes)
    naive = uvicorn.Config(
        naive_app(sockets), port=0, log_config=None, ws_per_message_deflate=False, ws_ping_interval=None
    )
    bare_server = await loop.create_server(lambda: BareProtocol(transports), "127.0.0.1", 0)

    async def send_bare() -> None:
        for transport in transports:
            transport.write(FRAME)

    async def send_naive() -> None:
        for socket in sockets:
            await socket.send_json(EVENT)

    async def send_hub() -> None:
        hub.publish(SYMBOL, lambda: json.dumps(EVENT, separators=(",", ":")))

    ways: dict[str, Send] = {"bare writes": send_bare, "naive loop": send_naive, "hub and relay": send_hub}
    async with serving(naive) as (_, naive_port), serving(hub_config(hub)) as (server, hub_port):
        await clients.ask("open", "bare writes", bare_server.sockets[0].getsockname()[1], None, CLIENTS)
        await clients.ask("open", "naive loop", naive_port, "/ws", CLIENTS)
        await clients.ask("open", "hub and relay", hub_port, "/ws", CLIENTS)
        samples: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, send in ways.items():
                samples[name].append(await timed_round(clients, name, send))
        rows: list[Row] = [
            {
                "way": name,
                "last_client_ms": median(seconds for seconds, _ in rounds) * 1e3,
                "cpu_us_per_delivery": median(cpu for _, cpu in rounds) / CLIENTS * 1e6,
            }
            for name, rounds in samples.items()
        ]
        for row in rows:
            for key in ("last_client_ms", "cpu_us_per_delivery"):
                row[f"{key}_vs_bare"] = cast(float, row[key]) / cast(float, rows[0][key])
        stalled = await with_stalled_client(clients, server, hub, hub_port, send_hub)
    bare_server.close()
    return [*rows, stalled]


async def with_stalled_client(
    clients: Clients, server: uvicorn.Server, hub: RecordingHub, port: int, send: Send
) -> Row:
    """Return what one client that never reads costs the others, and what is buffered for it at most."""
    buffered = 0

    async def messages_per_second() -> float:
        nonlocal buffered
        total = 0.0
        for _ in range(STALLED_ROUNDS):
            seconds, _ = await timed_round(clients, "hub and relay", send)
            total += seconds
            connections = server.server_state.connections
            in_transport = max(connection.transport.get_write_buffer_size() for connection in connections)
            buffered = max(buffered, hub.latest.buffered_bytes + in_transport)
        return STALLED_ROUNDS / total

    alone = await messages_per_second()
    await clients.ask("stall", port, "/ws")
    beside = await messages_per_second()
    return {
        "way": "hub, one stalled",
        "messages_per_second": beside,
        "loss_of_others": 1 - beside / alone,
        "buffered_bytes": buffered,
        "dropped": hub.latest.closed_reason or "no",
    }


def measure() -> list[Row]:
    """Run the whole comparison; it takes about half a minute."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    clients = Clients()
    try:
        loop_factory = uvicorn.Config(naive_app([]), log_config=None).get_loop_factory()
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(compare(clients))
    finally:
        clients.stop()


def main() -> None:
    """Print the rows."""
    for row in measure():
        facts = (f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items())
        print(", ".join(facts))


if __name__ == "__main__":
    main()
