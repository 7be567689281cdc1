"""What a symbol costs in the periodic loop, of 8 to 1,000 symbols: `python -m benchmarks.scale.loop`, two minutes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.http_client import HttpConnection, request_bytes
from benchmarks.processes import serve
from benchmarks.report import Row, markdown_table, verdict

SIZES = (8, 100, 1_000)
# As many for each size, so that each row stands on as much time and the records grow alike.
ANALYSES = 1_000
LOOK_SECONDS = 1.0
PATIENCE_SECONDS = 600.0


def measure() -> list[Row]:
    """Return a row per number of symbols: CPU of the whole process per analysis, and its memory.

    Candles are synthetic, made by the service itself; there are no pauses between symbols or cycles.
    """
    return [_of(size) for size in SIZES]


def targets(rows: Sequence[Mapping[str, str | float]]) -> list[Row]:
    """Return the cost of a symbol among the most, times that among the fewest, with its target."""
    fewest, *_, most = (float(row["CPU per symbol, ms"]) for row in rows)
    return [verdict(f"CPU per symbol of {SIZES[-1]:,} in the loop, times that of {SIZES[0]}", most / fewest, 1.2)]


def _of(size: int) -> Row:
    environment: dict[str, Any] = {
        "PERIODIC_ANALYSIS": "true",
        "PERIODIC__PAUSE_SECONDS": "0",
        "ANALYSIS_INTERVAL_MINUTES": "0.001",
        "ANALYSIS_SYMBOLS": ",".join(f"S{number}USDT" for number in range(size)),
        "MARKET_DATA_SOURCES": "synthetic",
    }
    with serve("main.py", **environment) as server:
        asyncio.run(_made(server.port, 100))  # libraries are loaded, tables are made
        begun = asyncio.run(_made(server.port, 0))
        before, started = server.cpu_seconds(), time.monotonic()
        ended = asyncio.run(_made(server.port, begun + ANALYSES))
        cpu_seconds, seconds = server.cpu_seconds() - before, time.monotonic() - started
        return {
            "symbols": str(size),
            "CPU per symbol, ms": 1000 * cpu_seconds / (ended - begun),
            "symbols per second": (ended - begun) / seconds,
            "resident memory, MB": server.resident_mb(),
        }


async def _made(port: int, least: int) -> int:
    """Return the number of fresh analyses so far, once there are at least this many.

    Raises:
        TimeoutError: they are not there after ten minutes.
    """
    connection = await HttpConnection.open(port)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                text = (await connection.send(request_bytes("GET", "/metrics"))).decode()
                counts = [line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(_COUNT)]
                made = int(sum(map(float, counts)))
                if made >= least:
                    return made
                await asyncio.sleep(LOOK_SECONDS)
    finally:
        connection.close()


_COUNT = "ai_analysis_duration_seconds_count"


def main() -> None:
    """Print the rows and the targets."""
    rows = measure()
    print(markdown_table(rows), markdown_table(targets(rows)), sep="\n\n")


if __name__ == "__main__":
    main()
