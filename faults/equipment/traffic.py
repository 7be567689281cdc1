"""Clients that post analyses and trades, and remember what the service has acknowledged."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import count

from benchmarks.http_client import HttpConnection, request_bytes
from benchmarks.serving.analyze import body
from domain.market import Timeframe
from tests.fixtures.bodies import CLOSED_TRADE

CANDLES = 62
PATIENCE_SECONDS = 60.0
GONE = (ConnectionError, asyncio.IncompleteReadError)


def analyses(prefix: str) -> Iterator[bytes]:
    """Yield requests to analyze a market, one that was never asked about each time."""
    one = body("AAAAAAAA", {Timeframe.H1: CANDLES})
    for number in count():
        yield request_bytes("POST", "/ai/analyze", one.replace(b"AAAAAAAA", f"{prefix}{number:06d}".encode()))


def trades(prefix: str) -> Iterator[bytes]:
    """Yield requests to review a closed trade, another one each time."""
    for number in count():
        yield request_bytes(
            "POST", "/ai/analyze-trade", json.dumps(CLOSED_TRADE | {"trade_id": f"{prefix}{number}"}).encode()
        )


class Traffic:
    """What several clients were answered.

    Attributes:
        statuses: How often each status came.
        slowest_seconds: The longest that a client waited for an answer.
        acknowledged: By the id of an analysis or trade that was answered with 200, when; seconds of `time.monotonic`.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.statuses = Counter[int]()
        self.slowest_seconds = 0.0
        self.acknowledged: dict[str, float] = {}

    async def post(self, requests: Iterable[bytes], end: float = math.inf) -> None:
        """Post one request after another over one connection, until `end` or until the service is gone."""
        connection: HttpConnection | None = None
        for request in requests:
            if time.monotonic() > end:
                break
            try:
                connection = connection or await HttpConnection.open(self._port)
                connection = await self._ask(connection, request)
            except GONE:
                break
        if connection is not None:
            connection.close()

    async def _ask(self, connection: HttpConnection, request: bytes) -> HttpConnection | None:
        """Ask, and return the connection if the service goes on with it."""
        started = time.monotonic()
        head, answer = await asyncio.wait_for(connection.ask(request), PATIENCE_SECONDS)
        now = time.monotonic()
        status = int(head[9:12])
        self.statuses[status] += 1
        self.slowest_seconds = max(self.slowest_seconds, now - started)
        if status == 200 and b"application/json" in head:
            content = json.loads(answer)
            kept = content.get("analysis_id") or content.get("trade_id") if isinstance(content, dict) else None
            if kept is not None:
                self.acknowledged[kept] = now
        return None if b"connection: close" in head.lower() else connection

    async def mixed(self, prefix: str, clients: int, seconds: float) -> None:
        """Let half of the clients post analyses and the other half trades for so long."""
        end = time.monotonic() + seconds
        async with asyncio.TaskGroup() as tasks:
            for number in range(clients):
                requests = trades(f"{prefix}{number}-") if number % 2 else analyses(f"{prefix}{number}")
                tasks.create_task(self.post(requests, end))


class Probe:
    """Asks /livez again and again beside other work."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.slowest_seconds = 0.0

    async def ask_until(self, stop: asyncio.Event) -> None:
        """Ask some 50 times a second, over a new connection each time as probes do, until the event is set."""
        while not stop.is_set():
            started = time.monotonic()
            connection = await HttpConnection.open(self._port)
            await asyncio.wait_for(connection.send(request_bytes("GET", "/livez")), PATIENCE_SECONDS)
            connection.close()
            self.slowest_seconds = max(self.slowest_seconds, time.monotonic() - started)
            await asyncio.sleep(0.02)
