"""A database that is stopped, or that hangs: answers go on, and what was acknowledged is written later."""

from __future__ import annotations

import asyncio
import signal
import time
from itertools import islice
from pathlib import Path

from faults.equipment.kept import REVIEWED, WAITING, count, none_lost
from faults.equipment.mongod import running_mongod
from faults.equipment.service import PATIENCE_SECONDS, degraded, service, wait_until
from faults.equipment.traffic import Traffic, trades
from faults.scenario import Outcome, require, require_no_5xx, said
from servers.mongod import Mongod

WRITES = 10_000
CLIENTS = 8
FROZEN_SECONDS = 10.0
# Load before and after the freeze.
MARGIN_SECONDS = 2.0
# A fresh analysis waits for no store; this is what a busy machine of two cores adds.
SLOWEST_SECONDS = 5.0


def replay(folder: Path) -> Outcome:
    """Acknowledge writes while MongoDB is stopped, start it, and time how they are made up for."""
    with running_mongod(folder) as mongod:
        url = mongod.fresh_url()
        with service(folder, DATABASE_URL=url) as server:
            mongod.stop()
            traffic = Traffic(server.port)
            asyncio.run(_post_trades(traffic))
            require(traffic.statuses == {200: WRITES}, f"without a store it answered {said(traffic.statuses)}")
            mongod.start()
            seconds = wait_until(lambda: count(url, WAITING) + count(url, REVIEWED) >= WRITES, "the replay")
            wait_until(lambda: "store" not in degraded(server), "the store")
        return Outcome(
            f"{WRITES:,} trades acknowledged while MongoDB is stopped",
            f"all in the store {seconds:.1f} s after its start, {WRITES / seconds:,.0f} a second",
            none_lost(traffic.acknowledged, url),
        )


async def _post_trades(traffic: Traffic) -> None:
    async with asyncio.TaskGroup() as tasks:
        for number in range(CLIENTS):
            requests = islice(trades(f"R{number}-"), WRITES // CLIENTS)
            tasks.create_task(traffic.post(requests))


def frozen(folder: Path) -> Outcome:
    """Freeze MongoDB under load: its connections stay open, and nothing answers."""
    with running_mongod(folder) as mongod:
        url = mongod.fresh_url()
        with service(folder, DATABASE_URL=url) as server:
            traffic = Traffic(server.port)
            asyncio.run(_load_and_freeze(traffic, mongod))
            require_no_5xx(traffic.statuses)
            slowest = traffic.slowest_seconds
            require(slowest < SLOWEST_SECONDS, f"an answer took {slowest:.1f} s beside a frozen store")
            lost = none_lost(traffic.acknowledged, url, PATIENCE_SECONDS)
        return Outcome(
            f"MongoDB frozen for {FROZEN_SECONDS:g} s under {CLIENTS} clients",
            f"{said(traffic.statuses)}; slowest {slowest:.2f} s",
            lost,
        )


async def _load_and_freeze(traffic: Traffic, mongod: Mongod) -> None:
    load = asyncio.create_task(traffic.mixed("F", CLIENTS, FROZEN_SECONDS + 2 * MARGIN_SECONDS))
    await asyncio.sleep(MARGIN_SECONDS)
    mongod.send(signal.SIGSTOP)
    thaw_at = time.monotonic() + FROZEN_SECONDS
    await asyncio.sleep(thaw_at - time.monotonic())
    mongod.send(signal.SIGCONT)
    await load
