"""One replica and two, on MongoDB and Redis: `python -m benchmarks.scale.replicas`, a minute.

The machine of a developer has two cores, on which the client and the stores of the replicas have to run too. So a round
of one replica gives it, the client and the stores one core, and a round of two gives all of them two: the second core
brings a second replica. In a third kind of round, one replica has a core for itself, and all others have the second.
Analyses are stored behind their answers, so a round lasts until all of its analyses are in the store: otherwise one
kind of round would pay for the writes of another.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from pymongo import MongoClient
from pymongo.collection import Collection

from benchmarks.http_client import request_bytes, run_requests
from benchmarks.processes import Server, serve
from benchmarks.report import Row, print_measured, verdict
from benchmarks.serving.analyze import body
from domain.market import Timeframe
from servers.mongod import Mongod
from servers.process import ServerProcess
from servers.redis_server import RedisServer
from storage.ports import ARCHIVE_COLLECTION

COUNTS = {Timeframe.M15: 100, Timeframe.M30: 100, Timeframe.H1: 100, Timeframe.H4: 50}
# Half a turn more than whole turns: two replicas are not asked about the same symbol at once.
REQUESTS, WARM_UP_REQUESTS, ROUNDS, CONNECTIONS = 220, 60, 7, 4
# Asked in turn; answers are valid for less than a turn takes. So analyses are fresh and candles known, as with engines.
SYMBOLS, VALID_MINUTES = 40, "0.0005"
QUIET_SECONDS = 0.5
RATE, CPU_OF_ALL = "analyses per second", "CPU of all, ms each"
TOGETHER = "one, all on one core"
ALONE = "one with a core for itself"
TWO = "two, all on two cores"


@dataclass(frozen=True)
class Cast:
    """The processes of a round: two replicas, the stores that they share, and where their analyses lie."""

    replicas: tuple[Server, Server]
    stores: tuple[ServerProcess, ...]
    archive: Collection[Any]

    def pin(self, first: set[int], second: set[int], others: set[int]) -> None:
        """Give cores to the first replica, to the second, and to the client (this process) and the stores."""
        pins = [(self.replicas[0].pid, first), (self.replicas[1].pid, second), (os.getpid(), others)]
        for pid, cores in [*pins, *((pid, others) for store in self.stores for pid in store.pids)]:
            for thread in Path(f"/proc/{pid}/task").iterdir():
                with suppress(ProcessLookupError):  # the thread has ended meanwhile
                    os.sched_setaffinity(int(thread.name), cores)

    def cpu_seconds(self) -> dict[str, float]:
        """Return the CPU time so far of replicas, client and stores."""
        stores = (Server(pid, 0, 0.0) for store in self.stores for pid in store.pids)
        return {
            "replicas": sum(replica.cpu_seconds() for replica in self.replicas),
            "client": time.process_time(),
            "stores": sum(store.cpu_seconds() for store in stores),
        }

    def until_stored(self) -> tuple[int, float]:
        """Return the number of analyses in the archive once it does not grow any more, and when it grew last."""
        known, moment = self.archive.estimated_document_count(), time.perf_counter()
        while time.perf_counter() < moment + QUIET_SECONDS:
            if (count := self.archive.estimated_document_count()) > known:
                known, moment = count, time.perf_counter()
            time.sleep(0.01)
        return known, moment


def measure() -> list[Row]:
    """Return a row per kind of round, medians of rounds that take turns: fresh analyses of 350 candles on 4 timeframes.

    Raises:
        RuntimeError: this process may use a single core only.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise RuntimeError("two replicas need two cores")
    one, two = {cores[0]}, {cores[1]}
    kinds = {TOGETHER: (one, two, one), ALONE: (one, two, two), TWO: (one, two, one | two)}
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    requests = _requests()
    with ExitStack() as stack:
        cast = _opened(stack)
        try:
            for replica in cast.replicas:
                asyncio.run(run_requests(replica.port, _some(requests, WARM_UP_REQUESTS), CONNECTIONS))
            cast.until_stored()
            for _ in range(ROUNDS):
                for kind, pins in kinds.items():
                    cast.pin(*pins)
                    found[kind].append(_round(cast, cast.replicas if kind == TWO else cast.replicas[:1], requests))
        finally:
            cast.pin(set(cores), set(cores), set(cores))
    return [
        {"replicas": kind} | {name: median(figures[name] for figures in rounds) for name in rounds[0]}
        for kind, rounds in found.items()
    ]


def targets(rows: Sequence[Mapping[str, str | float]]) -> list[Row]:
    """Return what a second replica on a second core adds, by the clock and by the CPU of everything, with its target.

    Where the CPU of an analysis does not grow, two cores have time for twice as many; other programs on the machine
    take their time from the first figure, and little from the second.
    """
    rates, spent = ({row["replicas"]: float(row[name]) for row in rows} for name in (RATE, CPU_OF_ALL))
    by_cpu = 2 * spent[TOGETHER] / spent[TWO]
    return [
        verdict("two replicas, times one: fresh analyses per second", rates[TWO] / rates[TOGETHER], 1.8, at_least=True),
        verdict("two replicas, times one: fresh analyses that two cores have time for", by_cpu, 1.8, at_least=True),
    ]


def _opened(stack: ExitStack) -> Cast:
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="replicas-")))
    mongod, redis = Mongod(folder / "mongod"), RedisServer(folder / "redis")
    for store in mongod, redis:
        store.start()
        stack.callback(store.stop)
    shared: dict[str, Any] = {
        "DATABASE_URL": mongod.url,
        "REDIS_URL": redis.url,
        "MODEL_SAVE_PATH": str(folder / "models"),
        "ANALYSIS_INTERVAL_MINUTES": VALID_MINUTES,
    }
    one, two = (
        stack.enter_context(serve("main.py", **shared, STORAGE__SPOOL_PATH=str(folder / f"spool-{name}")))
        for name in ("one", "two")
    )
    client = stack.enter_context(MongoClient[dict[str, Any]](mongod.url))
    return Cast((one, two), (mongod, redis), client.get_default_database()[ARCHIVE_COLLECTION])


def _requests() -> Iterator[bytes]:
    """Yield requests that are equal but for their symbol, without end."""
    one = body("AAAAAA", COUNTS)
    return cycle(
        [
            request_bytes("POST", "/ai/analyze", one.replace(b"AAAAAA", f"R{number:05d}".encode()))
            for number in range(SYMBOLS)
        ]
    )


def _some(requests: Iterator[bytes], number: int) -> list[bytes]:
    return [next(requests) for _ in range(number)]


def _round(cast: Cast, asked: Iterable[Server], requests: Iterator[bytes]) -> dict[str, float]:
    """Send as many requests to each replica at once; return the rate of all, and the CPU of an analysis by process."""
    stored = cast.archive.estimated_document_count()
    loads = [(replica.port, _some(requests, REQUESTS)) for replica in asked]

    async def send() -> None:
        async with asyncio.TaskGroup() as tasks:
            for port, batch in loads:
                tasks.create_task(run_requests(port, batch, CONNECTIONS))

    before, started = cast.cpu_seconds(), time.perf_counter()
    asyncio.run(send())
    # A few that the other replica has stored a moment ago are answered without a new one: they do not count.
    total, ended = cast.until_stored()
    analyses, seconds, after = total - stored, ended - started, cast.cpu_seconds()
    spent = {name: 1000 * (after[name] - before[name]) / analyses for name in after}
    return {
        RATE: analyses / seconds,
        **{f"CPU of {name}, ms each": ms for name, ms in spent.items()},
        CPU_OF_ALL: sum(spent.values()),
    }


if __name__ == "__main__":
    print_measured(measure, targets)
