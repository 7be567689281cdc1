"""The burst of an engine's own loop: 32 calls of one timeframe and 100 candles each, one after the other."""

from __future__ import annotations

import asyncio
import json

import numpy as np

from benchmarks.http_client import request_bytes, run_requests
from benchmarks.processes import serve
from benchmarks.report import Row, verdict
from benchmarks.serving.analyze import body
from domain.market import Timeframe

SYMBOLS = 8
TIMEFRAMES = (Timeframe.M15, Timeframe.M30, Timeframe.H1, Timeframe.H4)
CANDLES = 100
ROUNDS = 9
CONTEXT = {"active_strategies": ["trend_analysis"], "portfolio_size": 10_000.0, "risk_tolerance": "moderate"}


def measure() -> list[Row]:
    """Return CPU in ms of a burst: of new candles, and of the same again; medians of rounds."""
    fresh, again = list[float](), list[float]()
    with serve("main.py") as server:
        for number in range(ROUNDS + 1):
            requests = [
                request_bytes("POST", "/ai/analyze", _call(f"B{number}S{symbol}", timeframe, 100 * number + place))
                for symbol in range(SYMBOLS)
                for place, timeframe in enumerate(TIMEFRAMES)
            ]
            for measured in (fresh, again):
                before = server.cpu_seconds()
                asyncio.run(run_requests(server.port, requests, 1))
                measured.append(1000 * (server.cpu_seconds() - before))
    calls = f"{SYMBOLS * len(TIMEFRAMES)} calls"
    return [  # the first round warms up
        {"burst": f"{calls}, new candles", "CPU, ms": float(np.median(fresh[1:]))},
        {"burst": f"{calls}, the same again", "CPU, ms": float(np.median(again[1:]))},
    ]


def targets(rows: list[Row]) -> list[Row]:
    """Return the CPU time of the burst of new candles with its target."""
    return [verdict("CPU of a burst of 32 calls of 100 candles, ms", float(rows[0]["CPU, ms"]), 150.0)]


def _call(symbol: str, timeframe: Timeframe, seed: int) -> bytes:
    request = json.loads(body(symbol, {timeframe: CANDLES}, seed))
    return json.dumps(request | {"strategy_context": CONTEXT}).encode()
