"""Jobs from the request to their worker: `python -m benchmarks.scale.queueing`, a minute.

First jobs that do nothing, one after another; then a thousand analyses, queued as fast as the queue takes them.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import numpy as np

from benchmarks.http_client import HttpConnection
from benchmarks.processes import ROOT, serve
from benchmarks.report import Row, print_measured, verdict
from benchmarks.scale.jobs import PATIENCE_SECONDS, TOKEN, NotAccepted, submit, until
from servers.mongod import Mongod
from servers.process import ServerProcess
from servers.rabbitmq import RabbitMq
from servers.redis_server import RedisServer

# It finds no model to delete: the work of the job itself is nothing.
KIND = "cleanup_models"
JOBS, WARM_UP_JOBS = 200, 10
ANALYSES, SYMBOLS = 1_000, ["BTCUSDT"]
ENDED_ONCE = f"of {ANALYSES:,} queued analyses, ended once"
COMMON = {"ADMIN_TOKEN": TOKEN, "MARKET_DATA_SOURCES": "synthetic"}
# Before a queue that was full is tried again.
FULL_SECONDS = 0.05

Kind = TypeVar("Kind", bound=ServerProcess)


def measure() -> list[Row]:
    """Return a row per way to run jobs: what accepting one takes, how long it waits for an idle worker, and many."""
    with TemporaryDirectory(prefix="queueing-") as folder:
        return [_in_the_service(Path(folder) / "service"), _by_workers(Path(folder) / "workers")]


def targets(rows: Sequence[Mapping[str, str | float]]) -> list[Row]:
    """Return accepting and waiting, the slower way of both, and the thousand analyses, with their targets."""
    slowest = {name: max(float(row[name]) for row in rows) for name in ("accepted, p95, ms", "picked up, p95, ms")}
    return [
        verdict("a job is queued, p95 of the slower way, ms", slowest["accepted, p95, ms"], 5.0),
        verdict("an idle worker has picked it up, p95 of the slower way, ms", slowest["picked up, p95, ms"], 1000.0),
        verdict(ENDED_ONCE, min(float(row[ENDED_ONCE]) for row in rows), ANALYSES, at_least=True),
    ]


def _in_the_service(folder: Path) -> Row:
    environment: dict[str, Any] = {"MODEL_SAVE_PATH": str(folder / "models"), **COMMON}
    with serve("main.py", **environment) as server:
        return {"jobs run": "in the service, on SQLite"} | asyncio.run(_measured(server.port))


def _by_workers(folder: Path) -> Row:
    with (
        _running(RabbitMq(folder / "rabbitmq")) as broker,
        _running(RedisServer(folder / "redis")) as redis,
        _running(Mongod(folder / "mongod")) as mongod,
    ):
        environment: dict[str, Any] = {
            "JOBS_BACKEND": "celery",
            "RABBITMQ_URL": broker.url,
            "REDIS_URL": redis.url,
            "DATABASE_URL": mongod.url,
            "MODEL_SAVE_PATH": str(folder / "models"),
            **COMMON,
        }
        with serve("main.py", **environment) as server, _worker(folder, environment):
            return {"jobs run": "by a Celery worker, on MongoDB"} | asyncio.run(_measured(server.port))


async def _measured(port: int) -> dict[str, float]:
    connection = await HttpConnection.open(port)
    try:
        return await _one_by_one(connection) | await _analyses(connection)
    finally:
        connection.close()


async def _one_by_one(connection: HttpConnection) -> dict[str, float]:
    """Queue jobs one after another, each when the one before has ended."""
    accepted_ms, waited_ms = list[float](), list[float]()
    for _ in range(WARM_UP_JOBS + JOBS):
        started = time.perf_counter()
        job_id = await submit(connection, KIND, {})
        accepted_ms.append(1000 * (time.perf_counter() - started))
        job = await until(connection, job_id, lambda job: job["finished_at"] is not None)
        if job["status"] != "succeeded":
            raise RuntimeError(f"the job has {job['status']}: {job['error']}")
        begun, created = (datetime.fromisoformat(job[name]) for name in ("started_at", "created_at"))
        waited_ms.append(1000 * (begun - created).total_seconds())
    found = {"accepted": accepted_ms[WARM_UP_JOBS:], "picked up": waited_ms[WARM_UP_JOBS:]}
    return {
        f"{name}, {which}, ms": figure(values)
        for name, values in found.items()
        for which, figure in (("median", median), ("p95", _p95))
    }


async def _analyses(connection: HttpConnection) -> dict[str, float]:
    """Queue analyses, wait until all have ended, and return how many ended well at once, and their rate."""
    started = time.perf_counter()
    ids = [await _submitted(connection) for _ in range(ANALYSES)]
    jobs = [await until(connection, job_id, lambda job: job["finished_at"] is not None) for job_id in ids]
    seconds = time.perf_counter() - started
    once = [job for job in jobs if (job["status"], job["attempts"], job["takeovers"]) == ("succeeded", 1, 0)]
    return {ENDED_ONCE: len(once), "analyses per second": ANALYSES / seconds}


async def _submitted(connection: HttpConnection) -> str:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with suppress(NotAccepted):  # the queue is full
                return await submit(connection, "bulk_analysis", {"symbols": SYMBOLS})
            await asyncio.sleep(FULL_SECONDS)


def _p95(values: Sequence[float]) -> float:
    return float(np.percentile(values, 95))


@contextmanager
def _running(server: Kind) -> Iterator[Kind]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def _worker(folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    own = {"STORAGE__SPOOL_PATH": str(folder / "spool"), "PERIODIC_ANALYSIS": "false", "LOG_LEVEL": "WARNING"}
    process = subprocess.Popen(
        [sys.executable, "cli.py", "worker", "--queues", "scheduled,bulk_analysis"],
        cwd=ROOT,
        env={**os.environ, **environment, **own},
        stdout=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


if __name__ == "__main__":
    print_measured(measure, targets)
