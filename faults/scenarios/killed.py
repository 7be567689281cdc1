"""kill -9 in bursts of analyses and trades: what was acknowledged is in the store after the next start."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

from faults.equipment.kept import kept
from faults.equipment.mongod import running_mongod
from faults.equipment.service import degraded, kill, service, sqlite_url, wait_until
from faults.equipment.traffic import Traffic
from faults.scenario import Outcome, require, said

ROUNDS = 5
CLIENTS = 6
BURST_SECONDS = (0.4, 1.6)
# As docs/reliability.md promises: of analyses the last moment may go, of trades nothing.
LAST_MOMENT_SECONDS = 0.5
SEED = 11


def on_sqlite(folder: Path) -> Outcome:
    """Kill a service that writes to SQLite."""
    return _kill_again_and_again(folder, sqlite_url(folder))


def on_mongodb(folder: Path) -> Outcome:
    """Kill a service that writes to MongoDB."""
    with running_mongod(folder) as mongod:
        return _kill_again_and_again(folder, mongod.fresh_url())


def _kill_again_and_again(folder: Path, url: str) -> Outcome:
    rng = random.Random(SEED)
    acknowledged, answers = dict[str, float](), 0
    for number in range(ROUNDS):
        with service(folder, DATABASE_URL=url) as server:
            traffic = Traffic(server.port)
            seconds = rng.uniform(*BURST_SECONDS)
            killed_at = asyncio.run(_burst(traffic, f"K{number}", seconds, server.pid))
        require(set(traffic.statuses) == {200}, f"the service answered {said(traffic.statuses)}")
        answers += traffic.statuses.total()
        acknowledged |= {kept_id: killed_at - at for kept_id, at in traffic.acknowledged.items()}
    with service(folder, DATABASE_URL=url) as server:
        wait_until(lambda: "store" not in degraded(server), "the store")
    missing = {found: age for found, age in acknowledged.items() if found not in kept(url)}
    trades = sum(found.startswith("K") for found in missing)
    require(not trades, f"{trades} acknowledged trades are not in the store")
    oldest = max(missing.values(), default=0.0)
    require(oldest < LAST_MOMENT_SECONDS, f"an analysis answered {oldest:.1f} s before the kill is not in the store")
    window = f", answered in the last {1000 * oldest:.0f} ms" if missing else ""
    return Outcome(
        f"{ROUNDS} bursts of {CLIENTS} clients, each ended by SIGKILL",
        f"{answers:,} x 200",
        f"{len(missing)} of {len(acknowledged):,}{window}",
    )


async def _burst(traffic: Traffic, prefix: str, seconds: float, pid: int) -> float:
    """Kill the service under load and return when that was."""
    load = asyncio.create_task(traffic.mixed(prefix, CLIENTS, 60))
    await asyncio.sleep(seconds)
    killed_at = time.monotonic()
    kill(pid)
    await load
    return killed_at
