"""POST /ai/analyze over real sockets: cached, against plain FastAPI and bare ASGI, and fresh."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from benchmarks.http_client import HttpConnection, request_bytes, run_requests
from benchmarks.processes import Server, serve
from benchmarks.report import Row, verdict
from domain.market import CandleSeries, Timeframe
from services.market_data.sources.simulation import candles_from_returns, simulate_returns

CACHED_REQUESTS = 4_000
WARM_UP_REQUESTS = 500
FRESH_WARM_UP = 20
FRESH_REQUESTS = 130
ROUNDS = 9
NEW_CANDLES = "this service, cached, candles not seen before"
SERVERS = {
    "this service, cached": ("main.py",),
    "plain FastAPI body parameter": (
        "-m", "uvicorn", "benchmarks.serving.servers:plain_fastapi", "--factory", "--port", "{port}", "--no-access-log",
        "--log-level", "warning",
    ),
    "bare ASGI with msgspec": (
        "-m", "uvicorn", "benchmarks.serving.servers:bare_asgi", "--factory", "--port", "{port}", "--no-access-log",
        "--log-level", "warning", "--lifespan", "off",
    ),
}  # fmt: skip


def body(symbol: str, counts: dict[Timeframe, int], seed: int = 1) -> bytes:
    """Return an analysis request with `candles` candles per timeframe, made from one 15m path."""
    rng = np.random.default_rng(seed)
    step = Timeframe.M15.ms
    need = max(count * timeframe.ms // step for timeframe, count in counts.items()) + 16
    end = time.time_ns() // 1_000_000 // step * step
    returns = simulate_returns(rng, need, 0.002, None)
    path = CandleSeries(Timeframe.M15, candles_from_returns(rng, returns, 3000.0, end - need * step, Timeframe.M15))
    frames: dict[str, list[dict[str, Any]]] = {}
    for timeframe, count in counts.items():
        series = path if timeframe is Timeframe.M15 else path.resample(timeframe)
        frames[str(timeframe)] = [
            {"timestamp": c.timestamp, **{key: round(getattr(c, key), 2) for key in ("open", "high", "low", "close")},
             "volume": round(c.volume, 3)}
            for c in series.candles[-count:]
        ]  # fmt: skip
    content = {
        "symbol": symbol,
        "timeframe_data": frames,
        "current_price": path.candles[-1].close,
        "volume_24h": 1000.0,
        "timestamp": end,
        "strategy_context": {"selected_strategies": ["RSI Strategy", "MACD Strategy", "Volume Strategy"]},
    }
    return json.dumps(content).encode()


def _in_other_bytes(request: bytes, number: int) -> bytes:
    """Return the same candles as other bytes, by changing a key that is accepted but not read."""
    content = json.loads(request)
    for candles in content["timeframe_data"].values():
        candles[0]["trades"] = number
    return json.dumps(content).encode()


def measure_cached() -> list[dict[str, Any]]:
    """Return a row per server: CPU per request and requests per second, medians of rounds that take turns."""
    one = body("ETHUSDT", {Timeframe.H1: 100, Timeframe.H4: 60})
    request = request_bytes("POST", "/ai/analyze", one)
    # More bodies than the service keeps parsed, so that each has to be parsed.
    changed = [request_bytes("POST", "/ai/analyze", _in_other_bytes(one, number)) for number in range(200)]
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in (*SERVERS, NEW_CANDLES)}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(serve(*arguments)) for name, arguments in SERVERS.items()}
        for server in servers.values():
            asyncio.run(run_requests(server.port, [request] * WARM_UP_REQUESTS, 4))
        for _ in range(ROUNDS):
            for name, server in servers.items():
                results[name].append(_load(server, [request] * CACHED_REQUESTS, workers=4))
            ours = next(iter(servers.values()))
            results[NEW_CANDLES].append(_load(ours, changed * (CACHED_REQUESTS // len(changed)), workers=4))
    return [
        {
            "server": name,
            "CPU per request, ms": float(np.median([cpu for cpu, _ in rounds])) * 1000,
            "requests per second": float(np.median([rate for _, rate in rounds])),
            "body, KB": len(request) / 1000,
        }
        for name, rounds in results.items()
    ]


def targets_cached(rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return the cost of a cached analysis, and its rate beside that of plain FastAPI, with their targets."""
    ours, plain = rows[:2]
    rate = float(ours["requests per second"]) / float(plain["requests per second"])
    return [
        verdict("CPU of a cached analysis, ms", float(ours["CPU per request, ms"]), 0.5),
        verdict("requests per second, times plain FastAPI", rate, 3.0, at_least=True),
    ]


def measure_fresh() -> dict[str, float]:
    """Return the CPU of a fresh analysis of 350 candles on 4 timeframes, median of rounds, and memory around it."""
    counts = {Timeframe.M15: 100, Timeframe.M30: 100, Timeframe.H1: 100, Timeframe.H4: 50}
    one = body("AAAAAA", counts)
    requests = [
        request_bytes("POST", "/ai/analyze", one.replace(b"AAAAAA", f"S{number:05d}".encode()))
        for number in range(FRESH_WARM_UP + ROUNDS * FRESH_REQUESTS)
    ]
    with serve("main.py", PERIODIC_ANALYSIS="true") as server:
        memory_at_start = server.resident_mb()
        seconds_to_ready = server.seconds_to_ready
    with serve("main.py") as server:
        asyncio.run(run_requests(server.port, requests[:FRESH_WARM_UP], 1))
        batches = [requests[n : n + FRESH_REQUESTS] for n in range(FRESH_WARM_UP, len(requests), FRESH_REQUESTS)]
        rounds = [_load(server, batches[0], workers=1)]
        memory = server.resident_mb()
        rounds += [_load(server, batch, workers=1) for batch in batches[1:]]
        p95 = asyncio.run(_health_while_analyzing(server.port, one))
    return {
        "CPU per fresh analysis, ms": float(np.median([cpu for cpu, _ in rounds])) * 1000,
        "seconds to ready": seconds_to_ready,
        "resident memory at start, MB": memory_at_start,
        "resident memory after 150 analyses, MB": memory,
        "/health p95 during 16 fresh analyses, ms": p95 * 1000,
    }


def targets_fresh(figures: Mapping[str, float]) -> list[Row]:
    """Return the figures of fresh analyses that have a target."""
    return [
        verdict("CPU of a fresh analysis of 350 candles, ms", figures["CPU per fresh analysis, ms"], 4.0),
        verdict("seconds from start to ready", figures["seconds to ready"], 2.0),
        verdict("resident memory after 150 analyses, MB", figures["resident memory after 150 analyses, MB"], 160.0),
        verdict("/health p95 during 16 fresh analyses, ms", figures["/health p95 during 16 fresh analyses, ms"], 100.0),
    ]


def _load(server: Server, requests: list[bytes], workers: int) -> tuple[float, float]:
    before = server.cpu_seconds()
    seconds = asyncio.run(run_requests(server.port, requests, workers))
    return (server.cpu_seconds() - before) / len(requests), len(requests) / seconds


async def _health_while_analyzing(port: int, one: bytes) -> float:
    """Keep 16 fresh analyses running, and return the 95th percentile of /health meanwhile in seconds."""
    numbers = iter(range(100_000))
    running = True

    async def engine() -> None:
        connection = await HttpConnection.open(port)
        while running:
            await connection.send(
                request_bytes("POST", "/ai/analyze", one.replace(b"AAAAAA", f"H{next(numbers):05d}".encode()))
            )
        connection.close()

    times: list[float] = []
    async with asyncio.TaskGroup() as tasks:
        for _ in range(16):
            tasks.create_task(engine())
        connection = await HttpConnection.open(port)
        for _ in range(200):
            started = time.perf_counter()
            await connection.send(request_bytes("GET", "/health"))
            times.append(time.perf_counter() - started)
            await asyncio.sleep(0.02)
        connection.close()
        running = False
    return float(np.percentile(times, 95))
