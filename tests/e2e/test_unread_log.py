"""A process whose standard error is a pipe that is not read: `| less`, or a log driver that is stuck."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from servers.process import free_port
from tests.fixtures.bodies import shape_b
from tests.fixtures.degraded import degraded, parts
from tests.fixtures.patience import PATIENCE_SECONDS, wait_until
from tests.fixtures.service import ROOT, Service

pytestmark = pytest.mark.slow

# The pipe is the smallest that Linux makes, so that fewer lines fill it; as much as the least setting allows may wait.
PIPE_BYTES = 4_096
WAITING_BYTES = 65_536
# Several times what may wait.
ANALYSES = 500


@contextmanager
def unread_service(tmp_path: Path, **more: str) -> Iterator[Service]:
    """Run the service with no reader at the other end of its standard error."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "PORT": str(port),
        "DATABASE_URL": f"sqlite:///{tmp_path}/store.db",
        "MODEL_SAVE_PATH": f"{tmp_path}/models",
        "MODELS__SHIPPED": "false",
        "MARKET_DATA_SOURCES": "stored,synthetic",
        "PERIODIC_ANALYSIS": "false",
        "RATE_LIMITS": "off",
        "LOGGING__MAX_WAITING_BYTES": str(WAITING_BYTES),
    }
    log = tmp_path / "output.log"
    log.touch()
    process = subprocess.Popen(
        [sys.executable, "main.py"],
        cwd=ROOT,
        env=environment | more,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        pipesize=PIPE_BYTES,
    )
    service = Service(process, port, log)
    try:
        service.wait_ready()
        yield service
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        assert process.stderr is not None
        process.stderr.close()


async def analyze(service: Service, count: int) -> list[int]:
    """Post analyses of different markets, eight at once; return the statuses."""
    body, statuses, numbers = shape_b(count=60), list[int](), iter(range(count))
    async with httpx2.AsyncClient(base_url=service.url, timeout=PATIENCE_SECONDS) as client:

        async def engine() -> None:
            for number in numbers:
                response = await client.post("/ai/analyze", json=body | {"symbol": f"S{number}USDT"})
                statuses.append(response.status_code)

        await asyncio.gather(*(engine() for _ in range(8)))
    return statuses


def log_lines_dropped(client: httpx2.Client) -> int:
    """Return the count of the metrics."""
    found = re.search(r'^log_lines_dropped_total\{log="stderr"\} (\d+)\.0$', client.get("/metrics").text, re.MULTILINE)
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_more_than_may_wait_are_answered_and_a_signal_ends_the_service(
    tmp_path: Path, number: signal.Signals
) -> None:
    with unread_service(tmp_path) as service:
        assert await analyze(service, ANALYSES) == [200] * ANALYSES
        _, seconds = await asyncio.to_thread(service.stop, number)
        assert seconds < 30


async def test_dropped_lines_are_counted_by_health_and_metrics_and_later_named_in_the_log(tmp_path: Path) -> None:
    file = tmp_path / "service.log"
    with unread_service(tmp_path, LOG_FILE=str(file), LOG_FORMAT="json") as service:
        assert await analyze(service, ANALYSES) == [200] * ANALYSES
        assert isinstance(service.process, subprocess.Popen)
        pipe = service.process.stderr
        assert pipe is not None
        told = bytearray()
        with httpx2.Client(base_url=service.url, timeout=PATIENCE_SECONDS) as client:
            part = await asyncio.to_thread(degraded, client, "log.stderr")
            assert part["reason"].endswith(" log lines dropped: nothing reads them")
            dropped = int(part["reason"].split()[0])
            assert dropped > 100
            # the service's own work may log, and lose, a line at any moment
            assert (counted := client.get("/health").json()["log_lines_dropped"]) >= dropped
            assert log_lines_dropped(client) >= counted
            while b"log lines were dropped" not in told:
                told += await asyncio.to_thread(os.read, pipe.fileno(), 65_536)
            await asyncio.to_thread(wait_until, lambda: "log.stderr" not in parts(client))
            dropped = client.get("/health").json()["log_lines_dropped"]
            assert log_lines_dropped(client) == dropped
        status, _ = await asyncio.to_thread(service.stop)
        told += pipe.read()
    lines = [json.loads(line) for line in told.splitlines()]
    (notice,) = (line for line in lines if line["message"].startswith("log lines were dropped"))
    assert (notice["lines"], notice["log"], notice["level"]) == (dropped, "stderr", "WARNING")
    kept = [json.loads(line) for line in file.read_text().splitlines()]  # the file lacks nothing
    assert sum(line["message"] == "analysis completed" for line in kept) == ANALYSES
    assert len(kept) - len(lines) == dropped
    assert "Waiting for application shutdown." in [line["message"] for line in kept]
    assert status in (0, -signal.SIGTERM)
