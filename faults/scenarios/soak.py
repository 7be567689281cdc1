"""A minute of everything at once: no answer of the 500s, and memory that stays."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from itertools import chain, cycle, islice
from pathlib import Path

from benchmarks.http_client import request_bytes
from faults.equipment.kept import none_lost
from faults.equipment.service import service, sqlite_url
from faults.equipment.traffic import Traffic, analyses, trades
from faults.scenario import Outcome, require, require_no_5xx, said

SECONDS = 60.0
WARM_UP_SECONDS = 10.0
CLIENTS = 4
# Of a client; asked about again and again, so that some answers come from the cache.
MARKETS = 100
MAX_GROWTH = 1.25
PATHS = ("/health", "/livez", "/ai/storage/stats", "/ai/performance", "/ai/info", "/metrics", "/config", "/nowhere")
BATCH = request_bytes("POST", "/ai/signals", json.dumps({"symbols": ["BTCUSDT", "ETHUSDT"]}).encode())


def run(folder: Path) -> Outcome:
    """Ask for a minute, and compare the memory after it with that after ten seconds."""
    with service(folder) as server:
        traffic = Traffic(server.port)
        asyncio.run(_soak(traffic, "S", WARM_UP_SECONDS))
        before = server.resident_mb()
        asyncio.run(_soak(traffic, "T", SECONDS - WARM_UP_SECONDS))
        after = server.resident_mb()
    require_no_5xx(traffic.statuses)
    require(after < MAX_GROWTH * before, f"memory grew from {before:.0f} to {after:.0f} MB")
    return Outcome(
        f"{SECONDS:g} s of {CLIENTS} clients: analyses, batches, trades, statistics, health",
        f"{said(traffic.statuses)}; {before:.0f} MB after {WARM_UP_SECONDS:g} s, {after:.0f} MB at the end",
        none_lost(traffic.acknowledged, sqlite_url(folder)),
    )


async def _soak(traffic: Traffic, prefix: str, seconds: float) -> None:
    end = asyncio.get_running_loop().time() + seconds
    async with asyncio.TaskGroup() as tasks:
        for number in range(CLIENTS):
            tasks.create_task(traffic.post(_requests(f"{prefix}{number}"), end))


def _requests(prefix: str) -> Iterator[bytes]:
    """Yield an analysis, a trade and a read in turn, and now and then a batch."""
    markets = cycle(list(islice(analyses(prefix), MARKETS)))
    reads = cycle([*(request_bytes("GET", path) for path in PATHS), BATCH])
    return chain.from_iterable(zip(markets, trades(f"{prefix}-"), reads, strict=False))
