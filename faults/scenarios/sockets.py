"""A thousand sockets on /ws of which some never read: the others get everything, and none of them waits."""

from __future__ import annotations

import asyncio
import multiprocessing
import select
import time
from contextlib import ExitStack
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.serving.broadcast_clients import connect
from faults.equipment.service import get, service, wait_until
from faults.equipment.traffic import Probe, Traffic, analyses
from faults.scenario import Outcome, require, said

SOCKETS = 1_000
STALLED = 50
SIGNALS = 600
# A market is asked about as often, mostly from the cache: each answer is published.
REPEATS = 12
CLIENTS = 2
SLOWEST_LIVEZ_SECONDS = 2.0
PATIENCE_SECONDS = 60.0
MARK = b'"AISignalReceived"'


def run(folder: Path) -> Outcome:
    """Publish signals to all sockets while a probe asks /livez."""
    with service(folder, WEBSOCKET__PING_SECONDS="600") as server, ExitStack() as stack:
        pipe, theirs = multiprocessing.Pipe()
        reader = multiprocessing.get_context("spawn").Process(target=_read, args=(server.port, theirs), daemon=True)
        reader.start()
        stack.callback(reader.terminate)
        for _ in range(STALLED):
            stack.enter_context(connect(server.port, "/ws", receive_buffer=4096))
        require(pipe.recv() == "open" and _clients(server) == SOCKETS, "not every socket was let in")
        traffic, probe = Traffic(server.port), Probe(server.port)
        asyncio.run(_publish(traffic, probe))
        require(traffic.statuses == {200: SIGNALS}, f"analyses were answered {said(traffic.statuses)}")
        complete = pipe.recv()
        require(complete == SOCKETS - STALLED, f"only {complete} readers got all {SIGNALS:,} signals")
        wait_until(lambda: _clients(server) == SOCKETS - STALLED, "the end of the sockets that do not read")
    slowest = probe.slowest_seconds
    require(slowest < SLOWEST_LIVEZ_SECONDS, f"/livez took {slowest:.1f} s")
    return Outcome(
        f"{SOCKETS:,} sockets, {STALLED} never read; {SIGNALS:,} signals",
        f"{complete} readers got all; {STALLED} dropped; slowest /livez {1000 * slowest:.0f} ms",
        f"0 of {complete * SIGNALS:,}",
    )


def _clients(server: Any) -> int:
    found: int = get(server, "/health")["websocket_clients"]
    return found


async def _publish(traffic: Traffic, probe: Probe) -> None:
    markets = analyses("W")
    requests = [next(markets) for _ in range(SIGNALS // REPEATS)] * REPEATS
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(probe.ask_until(stop))
        await asyncio.gather(*(traffic.post(requests[number::CLIENTS]) for number in range(CLIENTS)))
        stop.set()


def _read(port: int, pipe: Connection[Any, Any]) -> None:
    """Open the sockets that read, in a process of their own, and tell how many got all signals."""
    readers = {(reader := connect(port, "/ws")).fileno(): reader for _ in range(SOCKETS - STALLED)}
    epoll = select.epoll()
    for descriptor, reader in readers.items():
        reader.setblocking(False)
        epoll.register(descriptor, select.EPOLLIN)
    pipe.send("open")
    got, tails = dict.fromkeys(readers, 0), dict.fromkeys(readers, b"")
    complete, end = 0, time.monotonic() + PATIENCE_SECONDS
    while complete < len(readers) and time.monotonic() < end:
        for descriptor, _ in epoll.poll(1):
            data = tails[descriptor] + readers[descriptor].recv(1 << 18)
            before, got[descriptor] = got[descriptor], got[descriptor] + data.count(MARK)
            # A mark may come in two parts.
            tails[descriptor] = data[-len(MARK) + 1 :]
            complete += before < SIGNALS <= got[descriptor]
    pipe.send(complete)
    # The sockets stay open until this process is ended.
    pipe.recv()
