"""POST /ai/signals over real sockets: one batch against single analyses of the same candles."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import numpy as np

from benchmarks.http_client import request_bytes, run_requests
from benchmarks.processes import Server, serve
from benchmarks.report import Row, verdict
from benchmarks.serving.analyze import body
from domain.market import Timeframe

SYMBOLS = 50
CANDLES = 240
ROUNDS, BATCHES = 4, 5
# Writes behind the answers have ended after this; what an idle service does meanwhile is in both figures.
SETTLE_SECONDS = 0.5


# Symbols of coins, which the models in the box forecast, and others.
KINDS = {"coins, with forecasts": "USDT", "other symbols, without": ""}


def measure() -> list[Row]:
    """Return a row per way and kind of symbols, CPU in ms for 50 symbols of 240 candles.

    Means of rounds that take turns, each of several batches with candles that the service has not seen: the kernel
    counts in steps of 10 ms.
    """
    rows = list[Row]()
    with serve("main.py") as server:
        for kind, ending in KINDS.items():
            singles, batches = [], []
            for number in range(ROUNDS + 1):
                groups = [_bodies(BATCHES * number + batch, ending) for batch in range(BATCHES)]
                alone = _cpu_ms(
                    server, [request_bytes("POST", "/ai/analyze", one) for group in groups for one in group]
                )
                together = _cpu_ms(
                    server, [request_bytes("POST", "/ai/signals", _batch(group, "B")) for group in groups]
                )
                if number:  # the first warms up
                    singles.append(alone / BATCHES)
                    batches.append(together / BATCHES)
            rows += [
                {"way": f"{SYMBOLS} calls of /ai/analyze, {kind}", "CPU, ms": float(np.mean(singles))},
                {"way": f"one call of /ai/signals, {kind}", "CPU, ms": float(np.mean(batches))},
            ]
    return rows


def targets(rows: list[Row]) -> list[Row]:
    """Return the batch's share of the single calls' CPU time by kind of symbols, with its target."""
    used = [float(row["CPU, ms"]) for row in rows]
    return [
        verdict(f"CPU of a batch of 50 symbols, share of 50 single calls: {kind}", together / alone, 0.25)
        for kind, alone, together in zip(KINDS, used[::2], used[1::2], strict=True)
    ]


def _bodies(number: int, ending: str) -> list[bytes]:
    """Return the requests of one batch, each for a symbol of its own."""
    return [
        body(f"S{number:02d}X{place:02d}{ending}", {Timeframe.M15: CANDLES}, seed=SYMBOLS * number + place)
        for place in range(SYMBOLS)
    ]


def _batch(bodies: list[bytes], prefix: str) -> bytes:
    """Return one request with the candles of all, a volume changed so that none was read before."""
    frames: dict[str, Any] = {}
    for request in map(json.loads, bodies):
        request["timeframe_data"][Timeframe.M15.value][0]["volume"] += 1
        frames[prefix + request["symbol"]] = request["timeframe_data"]
    return json.dumps({"symbols": list(frames), "timeframe_data": frames}).encode()


def _cpu_ms(server: Server, requests: list[bytes]) -> float:
    before = server.cpu_seconds()
    asyncio.run(run_requests(server.port, requests, 1))
    time.sleep(SETTLE_SECONDS)
    return 1000 * (server.cpu_seconds() - before)
