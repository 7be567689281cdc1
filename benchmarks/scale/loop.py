"""What a symbol costs in the periodic loop, of 8 to 1,000 symbols: `python -m benchmarks.scale.loop`, three minutes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.http_client import HttpConnection, request_bytes
from benchmarks.processes import serve
from benchmarks.report import Row, print_measured, verdict
from domain.market import CandleSeries, Timeframe
from services.market_data.sources.synthetic import SyntheticSource
from tests.fixtures.clocks import wait_for_next_hour_if_near
from tests.fixtures.exchange import exchange
from utils.clock import SystemClock

SIZES = (8, 100, 1_000)
# As many for each size, so that each row stands on as much time and the records grow alike.
ANALYSES = 1_000
LOOK_SECONDS = 1.0
PATIENCE_SECONDS = 600.0
# What a row takes at most.
ROW_SECONDS = 300.0


def measure() -> list[Row]:
    """Return a row per number of symbols: CPU of the whole process per analysis, and its memory.

    Candles come over HTTP from an exchange of invented markets in this process, each time anew; there are no pauses
    between symbols or cycles.
    """
    symbols = tuple(f"S{number}USDT" for number in range(max(SIZES)))
    with exchange(symbols, _OneMarket()) as binance:
        return [_of(symbols[:size], binance.url) for size in SIZES]


def targets(rows: Sequence[Mapping[str, str | float]]) -> list[Row]:
    """Return the cost of a symbol among the most, times that among the fewest, with its target."""
    fewest, *_, most = (float(row["CPU per symbol, ms"]) for row in rows)
    return [verdict(f"CPU per symbol of {SIZES[-1]:,} in the loop, times that of {SIZES[0]}", most / fewest, 1.2)]


class _OneMarket:
    """Has the same candles for every symbol, made once a minute: what the exchange does costs the service no time."""

    def __init__(self) -> None:
        self._source = SyntheticSource(1, ("S0USDT",), SystemClock())
        self._made: dict[tuple[Timeframe, int, int], CandleSeries] = {}

    async def candles(self, _symbol: str, timeframe: Timeframe, limit: int) -> CandleSeries:
        wanted = timeframe, limit, int(time.time() // 60)
        if wanted not in self._made:
            self._made[wanted] = await self._source.candles("S0USDT", timeframe, limit)
        return self._made[wanted]


def _of(symbols: Sequence[str], binance_url: str) -> Row:
    environment: dict[str, Any] = {
        "PERIODIC_ANALYSIS": "true",
        "PERIODIC__PAUSE_SECONDS": "0",
        "ANALYSIS_INTERVAL_MINUTES": "0.001",
        "ANALYSIS_SYMBOLS": ",".join(symbols),
        "MARKET_DATA_SOURCES": "binance",
        "MARKET_DATA__BINANCE_URL": binance_url,
    }
    wait_for_next_hour_if_near(ROW_SECONDS)  # in which each symbol would have a closed candle to forecast and record
    with serve("main.py", **environment) as server:
        # Libraries are loaded, tables are made, and what is done once for a closed candle is done for every symbol.
        asyncio.run(_made(server.port, max(100, len(symbols))))
        begun = asyncio.run(_made(server.port, 0))
        before, started = server.cpu_seconds(), time.monotonic()
        ended = asyncio.run(_made(server.port, begun + ANALYSES))
        cpu_seconds, seconds = server.cpu_seconds() - before, time.monotonic() - started
        return {
            "symbols": f"{len(symbols):,}",
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


if __name__ == "__main__":
    print_measured(measure, targets)
