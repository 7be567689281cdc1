"""POST /ai/analyze while a model is trained beside it: `python -m benchmarks.scale.training`, a minute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.http_client import HttpConnection, request_bytes
from benchmarks.processes import serve
from benchmarks.report import Row, print_measured, verdict
from benchmarks.scale.jobs import TOKEN, submit, until
from benchmarks.serving.analyze import body
from domain.arrays import FloatArray
from domain.market import Timeframe
from services.market_data.sources.simulation import candles_from_returns, simulate_returns

# A fresh analysis and the same again, then a pause: some 20 engines that ask once a second.
REQUESTS, WARM_UP_REQUESTS, PAUSE_SECONDS = 400, 40, 0.05
COUNTS = {Timeframe.M15: 100, Timeframe.M30: 100, Timeframe.H1: 100, Timeframe.H4: 50}
CANDLES, EPOCHS = 15_000, 1_000


def measure() -> list[Row]:
    """Return a row without and one with a training: times of fresh and of cached analyses over one connection.

    Half of the requests without a training are sent before it, half afterwards.
    """
    with (
        TemporaryDirectory(prefix="training-") as folder,
        serve("main.py", ADMIN_TOKEN=TOKEN, MODEL_SAVE_PATH=f"{folder}/models") as server,
    ):
        return asyncio.run(_measured(server.port))


def targets(rows: Sequence[Mapping[str, str | float]]) -> list[Row]:
    """Return what a training does to the 95th percentile of fresh analyses, with its target."""
    idle, busy = (float(row["fresh, p95, ms"]) for row in rows)
    return [verdict("p95 of a fresh analysis during a training, times that without", busy / idle, 1.5)]


async def _measured(port: int) -> list[Row]:
    connection = await HttpConnection.open(port)
    one, numbers = body("AAAAAA", COUNTS), count()
    bodies = (one.replace(b"AAAAAA", f"T{number:05d}".encode()) for number in numbers)
    await _times_ms(connection, bodies, WARM_UP_REQUESTS)
    before = await _times_ms(connection, bodies, REQUESTS // 2)
    job_id = await submit(connection, "train", _request())
    await until(connection, job_id, _trains)
    during = await _times_ms(connection, bodies, REQUESTS)
    job = await until(connection, job_id, _trains)
    if job["status"] != "running":
        raise RuntimeError(f"the training has {job['status']} before its requests were answered: {job['error']}")
    await connection.ask(request_bytes("DELETE", f"/jobs/{job_id}", b"", TOKEN))
    after = await _times_ms(connection, bodies, REQUESTS // 2)
    connection.close()
    return [_row("none", np.concatenate([before, after])), _row(job["progress"]["stage"], during)]


def _request() -> dict[str, Any]:
    """Return a training that lasts longer than the requests, of candles enough that no early stop ends it before."""
    rng = np.random.default_rng(3)
    step = Timeframe.H1.ms
    begin = time.time_ns() // 1_000_000 // step * step - CANDLES * step
    path = candles_from_returns(rng, simulate_returns(rng, CANDLES, 0.004, None), 30_000.0, begin, Timeframe.H1)
    names = ("timestamp", "open", "high", "low", "close", "volume")
    candles = [{name: getattr(candle, name) for name in names} for candle in path]
    wanted = {"symbol": "BTCUSDT", "timeframe": "1h", "model_type": "lstm", "epochs": EPOCHS}
    return wanted | {"candles": candles}


def _trains(job: dict[str, Any]) -> bool:
    """Return whether a network is being fitted: libraries are loaded, features are computed."""
    return job["progress"] is not None and job["progress"]["epoch"] is not None


async def _times_ms(connection: HttpConnection, bodies: Iterator[bytes], requests: int) -> FloatArray:
    """Return the times of fresh and of cached analyses in ms: an array of shape (requests, 2)."""
    times = []
    for _ in range(requests):
        request = request_bytes("POST", "/ai/analyze", next(bodies))
        for _ in range(2):
            started = time.perf_counter()
            await connection.send(request)
            times.append(1000 * (time.perf_counter() - started))
        await asyncio.sleep(PAUSE_SECONDS)
    return np.array(times).reshape(-1, 2)


def _row(training: str, times_ms: FloatArray) -> Row:
    fresh, cached = np.percentile(times_ms, 95, axis=0)
    median = float(np.median(times_ms[:, 0]))
    return {
        "training": training,
        "fresh, median, ms": median,
        "fresh, p95, ms": float(fresh),
        "cached, p95, ms": float(cached),
    }


if __name__ == "__main__":
    print_measured(measure, targets)
