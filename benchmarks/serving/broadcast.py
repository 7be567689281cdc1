"""Broadcast of one 1 KB message to 1,000 sockets: bare writes, a naive loop, and our hub with its relay.

Run with `python -m benchmarks.serving.broadcast`. The three ways take turns, round by round, in one server
process on one event loop; another process reads with plain epoll, so that it costs little compared with
the server. The naive loop runs on stock uvicorn without compression, which is the best case for it.
"""

from __future__ import annotations

import asyncio
import json
import resource
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from statistics import median
from types import SimpleNamespace
from typing import Any, cast

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from api.guard.socket_shares import SocketShares
from api.routes.websocket import router
from api.server.serving import server_config
from benchmarks.report import Row, print_measured, verdict
from benchmarks.serving.broadcast_clients import Clients
from config.sources import load_settings
from services.broadcast.hub import SignalHub
from services.broadcast.subscription import CloseReason, Subscription

CLIENTS = 1000
ROUNDS = 60
BARE, NAIVE, OURS, STALLED = "bare writes", "naive loop", "hub and relay", "hub and relay, one client stalled"
SYMBOL = "BTCUSDT"
EVENT: dict[str, Any] = {"type": "AISignalReceived", "data": {"symbol": SYMBOL, "reasoning": "x" * 958}}
# A frame of 126 to 65,535 bytes from the server: final text frame, length in two bytes, the text itself.
TEXT = json.dumps(EVENT, separators=(",", ":"))
FRAME = b"\x81\x7e" + len(TEXT).to_bytes(2) + TEXT.encode()

Round = tuple[float, float]
Send = Callable[[], Awaitable[None]]


class RecordingHub(SignalHub):
    """A hub that remembers its latest subscription, to look at the queue of the stalled client."""

    latest: Subscription

    def subscribe(self) -> Subscription:
        """Return a new subscription."""
        self.latest = super().subscribe()
        return self.latest


class BareProtocol(asyncio.Protocol):
    """Keeps the transports of its clients."""

    def __init__(self, transports: list[asyncio.WriteTransport]) -> None:
        self._transports = transports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transports.append(cast(asyncio.WriteTransport, transport))


async def timed_round(clients: Clients, name: str, send: Send) -> Round:
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
        await asyncio.sleep(0.01)
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
    settings = load_settings(environment={}, overrides={"server": {"port": 0}, "websocket": {"ping_seconds": 3600}})
    app = FastAPI()
    app.include_router(router)
    app.state.container = SimpleNamespace(base=SimpleNamespace(hub=hub, settings=settings))
    app.state.socket_shares = SocketShares(settings.websocket.max_clients_per_address)
    return server_config(app, settings)


def publish(hub: SignalHub) -> None:
    """Publish the event by a hub, which renders it once."""
    hub.publish(SYMBOL, lambda: json.dumps(EVENT, separators=(",", ":")))


async def compare(clients: Clients) -> list[Row]:
    """Measure the three ways in turns, then ours with a client that does not read."""
    loop = asyncio.get_running_loop()
    transports: list[asyncio.WriteTransport] = []
    sockets: list[WebSocket] = []
    hub = SignalHub(load_settings(environment={}).websocket.max_buffered_bytes)
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
        publish(hub)

    ways: dict[str, Send] = {BARE: send_bare, NAIVE: send_naive, OURS: send_hub}
    async with serving(naive) as (_, naive_port), serving(hub_config(hub)) as (_, hub_port):
        await clients.ask("open", BARE, bare_server.sockets[0].getsockname()[1], None, CLIENTS)
        await clients.ask("open", NAIVE, naive_port, "/ws", CLIENTS)
        await clients.ask("open", OURS, hub_port, "/ws", CLIENTS)
        samples: dict[str, list[Round]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, send in ways.items():
                samples[name].append(await timed_round(clients, name, send))
        stalled = await with_stalled(clients, send_hub)
    bare_server.close()
    return [*(row(name, rounds, samples[BARE]) for name, rounds in samples.items()), stalled]


async def with_stalled(clients: Clients, send_alone: Send) -> Row:
    """Alternate between a hub with a client that never reads and one without, until that client is dropped."""
    hub = RecordingHub(load_settings(environment={}).websocket.max_buffered_bytes)
    alone: list[Round] = []
    stalled_rounds: list[Round] = []
    queued = in_transport = 0

    async def send() -> None:
        publish(hub)

    async with serving(hub_config(hub)) as (server, port):
        await clients.ask("open", STALLED, port, "/ws", CLIENTS)
        await clients.ask("stall", port, "/ws")
        while hub.latest.closed_reason is None:
            alone.append(await timed_round(clients, OURS, send_alone))
            stalled_rounds.append(await timed_round(clients, STALLED, send))
            queued = max(queued, hub.latest.buffered_bytes)
            connections = server.server_state.connections
            in_transport = max(in_transport, *(client.transport.get_write_buffer_size() for client in connections))
    assert hub.latest.closed_reason is CloseReason.SLOW
    alone_seconds, stalled_seconds = (sum(seconds for seconds, _ in rounds) for rounds in (alone, stalled_rounds))
    return row(STALLED, stalled_rounds, stalled_rounds) | {
        # Bare writes were measured earlier, on a machine that others may use: no ratio to them.
        "last client, times bare": "",
        "CPU, times bare": "",
        "throughput lost": 1 - alone_seconds / stalled_seconds,
        "queued, bytes": queued,
        "in transport, bytes": in_transport,
    }


def row(way: str, rounds: Sequence[Round], bare: Sequence[Round]) -> dict[str, str | float]:
    """Return the medians of a way, and how they compare with those of bare writes."""
    last, cpu = (median(column) for column in zip(*rounds, strict=True))
    bare_last, bare_cpu = (median(column) for column in zip(*bare, strict=True))
    return {
        "way": way,
        "last client, ms": last * 1e3,
        "CPU per client, µs": cpu / CLIENTS * 1e6,
        "last client, times bare": last / bare_last,
        "CPU, times bare": cpu / bare_cpu,
        "throughput lost": "",
        "queued, bytes": "",
        "in transport, bytes": "",
    }


def targets(rows: Sequence[Row]) -> list[Row]:
    """Return the measured figures with their targets."""
    _, naive, ours, stalled = rows
    bound_bytes = load_settings(environment={}).websocket.max_buffered_bytes
    return [
        verdict("last of 1,000 clients, times bare writes", float(ours["last client, times bare"]), 1.5),
        verdict(
            "CPU of a broadcast, share of the naive loop",
            float(ours["CPU per client, µs"]) / float(naive["CPU per client, µs"]),
            0.5,
        ),
        verdict("throughput lost with a stalled client, share", float(stalled["throughput lost"]), 0.2),
        verdict("bytes queued for a stalled client", float(stalled["queued, bytes"]), bound_bytes),
    ]


def measure() -> list[Row]:
    """Run the whole comparison; it takes about half a minute."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    clients = Clients()
    try:
        with asyncio.Runner(loop_factory=hub_config(SignalHub(1)).get_loop_factory()) as runner:
            return runner.run(compare(clients))
    finally:
        clients.stop()


if __name__ == "__main__":
    print_measured(measure, targets)
