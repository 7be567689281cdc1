"""Thousands of broken bodies and heads: a refusal each, never one of the 500s, and no memory."""

from __future__ import annotations

import asyncio
import random
import re
from collections import Counter
from pathlib import Path

from benchmarks.http_client import request_bytes
from benchmarks.serving.analyze import body
from domain.market import Timeframe
from faults.equipment.service import degraded, service
from faults.equipment.traffic import PATIENCE_SECONDS, Traffic
from faults.scenario import Outcome, require, require_no_5xx, said

SEED = 7
MUTATIONS = 4_000
CLIENTS = 4
HEADS = 20
AT_ONCE = 32
MAX_GROWTH_MB = 64.0
# Pieces of JSON and of attacks that take the place of a piece of a valid body.
PIECES = (
    *(b"", b"null", b"NaN", b"-Infinity", b"1e999", b"9" * 400, b"-1", b"0", b"[]", b"{}", b'"', b"true", b","),
    *(b"\x00", b"\xff\xfe", b'"\\ud800"', b"[" * 50_000, b'{"a":' * 20_000, b"1767222000000.5", b'"../../etc/passwd"'),
    *(b'{"$where": "sleep(1000)"}', b"'; DROP TABLE analyses; --", b'"' + b"A" * 100_000 + b'"', b"\xf0\x9f\xa6\x80"),
)
PATHS = (
    "/ai/analyze",
    "/ai/signals",
    "/ai/market-condition",
    "/ai/strategy-recommendations",
    "/ai/feedback",
    "/ai/analyze-trade",
)
START = b"POST /ai/analyze HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
GET = b"GET /livez HTTP/1.1\r\nhost: 127.0.0.1\r\n"
WIRE = (
    GET + b"x: " + b"x" * 1_000_000,
    GET + b"x: y\r\n" * 100_000,
    b"GET /" + b"x" * 1_000_000,
    b"\r\n" * 200_000,
    START + b"content-length: 99999999999\r\n\r\n{",
    START + b"content-length: -5\r\n\r\n{}",
    START + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    START + b"transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    START + b"transfer-encoding: chunked\r\n\r\n1;" + b"x" * 1_000_000,
    # Its body never comes.
    START + b'content-length: 5000\r\n\r\n{"symbol":',
    # Its head never ends.
    GET + b"x-slow: ",
    b"\x16\x03\x01\x02\x00\x01\r\n\r\n",
    b"CONNECT x:443 HTTP/1.1\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    bytes(range(256)) * 50,
    (GET + b"\r\n") * 2_000 + GET + b"connection: close\r\n\r\n",
)
VALID = body("ETHUSDT", {Timeframe.H1: 62})
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
# Short, so that slow clients are refused within the scenario.
PACE = {"SERVER__HEAD_TIMEOUT_SECONDS": "2", "SERVER__BODY_GRACE_SECONDS": "2"}


def run(folder: Path) -> Outcome:
    """Send everything, and look at statuses and memory."""
    rng = random.Random(SEED)
    bodies = [_mutation(rng) for _ in range(MUTATIONS)]
    with service(folder, **PACE) as server:
        traffic = Traffic(server.port)
        asyncio.run(_post(traffic, bodies[: MUTATIONS // 10]))
        before = server.resident_mb()
        asyncio.run(_post(traffic, bodies[MUTATIONS // 10 :]))
        heads = asyncio.run(_send_all(server.port))
        after = server.resident_mb()
        statuses = traffic.statuses + heads
        require_no_5xx(statuses)
        require(traffic.statuses.total() == MUTATIONS, f"only {traffic.statuses.total()} bodies were answered")
        require(after < before + MAX_GROWTH_MB, f"memory grew from {before:.0f} to {after:.0f} MB")
        require(not degraded(server), f"/health names {degraded(server)}")
    return Outcome(
        f"{MUTATIONS:,} broken bodies on {len(PATHS)} routes, {HEADS * len(WIRE)} broken or slow requests",
        f"{said(statuses)}; {before:.0f} MB before, {after:.0f} MB after",
    )


def _mutation(rng: random.Random) -> bytes:
    """Return a valid analysis with one to three pieces cut out, replaced, repeated or put in."""
    content = bytearray(VALID)
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(len(content))
        end = min(len(content), start + rng.choice((0, 1, 4, 40, 400)))
        content[start:end] = rng.choice((*PIECES, bytes(content[start:end]) * 2, rng.randbytes(3)))
    return request_bytes("POST", rng.choice(PATHS), bytes(content))


async def _post(traffic: Traffic, requests: list[bytes]) -> None:
    await asyncio.gather(*(traffic.post(requests[number::CLIENTS]) for number in range(CLIENTS)))


async def _send_all(port: int) -> Counter[int]:
    """Return the statuses of what is sent byte by byte, each over a connection of its own."""
    places = asyncio.Semaphore(AT_ONCE)
    answered = await asyncio.gather(*(_send(port, data, places) for _ in range(HEADS) for data in WIRE))
    return Counter(status for statuses in answered for status in statuses)


async def _send(port: int, data: bytes, places: asyncio.Semaphore) -> list[int]:
    """Send bytes as they are and return the statuses that came until the service closed."""
    async with places:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        try:
            received = await asyncio.wait_for(reader.read(-1), PATIENCE_SECONDS)
        except ConnectionError:
            # Cut while it still sent, as one of many at once.
            received = b""
        writer.transport.abort()
    return [int(status) for status in STATUS.findall(received)]
