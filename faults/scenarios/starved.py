"""What a process needs of its machine runs out: a log that is read, file descriptors."""

from __future__ import annotations

import asyncio
import subprocess
from collections import Counter
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from benchmarks.processes import Server, serve
from benchmarks.serving.broadcast_clients import HANDSHAKE
from faults.equipment.kept import none_lost
from faults.equipment.service import degraded, environment_of, get, service, sqlite_url
from faults.equipment.traffic import Probe, Traffic, analyses
from faults.scenario import Outcome, require, said

ANALYSES = 1_600
CLIENTS = 4
# A pipe of Linux holds 65,536 bytes; the same again may wait.
WAITING_BYTES = 65_536
DESCRIPTORS = 256
SOCKETS = 300
SLOWEST_LIVEZ_SECONDS = 2.0
LIMITED = (
    "import resource, runpy; "
    f"resource.setrlimit(resource.RLIMIT_NOFILE, ({DESCRIPTORS}, {DESCRIPTORS})); "
    "runpy.run_path('main.py', run_name='__main__')"
)


def unread_log(folder: Path) -> Outcome:
    """Serve with a standard error that is a pipe which is not read."""
    environment = environment_of(folder) | {"LOG_LEVEL": "INFO", "LOGGING__MAX_WAITING_BYTES": str(WAITING_BYTES)}
    with serve("main.py", log=subprocess.PIPE, **environment) as server:
        traffic, probe = Traffic(server.port), Probe(server.port)
        asyncio.run(_analyze(traffic, probe))
        require(traffic.statuses == {200: ANALYSES}, f"it answered {said(traffic.statuses)}")
        dropped = get(server, "/health")["log_lines_dropped"]
        require("log.stderr" in degraded(server), "/health does not name the log that is not read")
    _require_quick(probe)
    return Outcome(
        f"{ANALYSES:,} analyses, each logged into a pipe that is not read",
        f"{said(traffic.statuses)}; {dropped:,} log lines dropped and counted; {_told(probe)}",
        none_lost(traffic.acknowledged, sqlite_url(folder)),
    )


async def _analyze(traffic: Traffic, probe: Probe) -> None:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(probe.ask_until(stop))
        requests = list(islice(analyses("L"), ANALYSES))
        await asyncio.gather(*(traffic.post(requests[number::CLIENTS]) for number in range(CLIENTS)))
        stop.set()


def descriptors(folder: Path) -> Outcome:
    """Open more sockets than the process has file descriptors for."""
    with service(folder, "-c", LIMITED) as server:
        probe = Probe(server.port)
        statuses = asyncio.run(_open_sockets(server, probe))
    require(set(statuses) == {101, 503}, f"sockets were answered {said(statuses)}")
    _require_quick(probe)
    return Outcome(
        f"{SOCKETS} sockets with `ulimit -n {DESCRIPTORS}`",
        f"{said(statuses)}; /health names it; {_told(probe)}",
    )


async def _open_sockets(server: Server, probe: Probe) -> Counter[int]:
    """Return what the handshakes were answered, all sockets being open at once."""
    statuses, stop = Counter[int](), asyncio.Event()
    with ExitStack() as stack:
        for _ in range(SOCKETS):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            stack.callback(writer.close)
            writer.write(HANDSHAKE.format(path="/ws").encode())
            statuses[int((await reader.readuntil(b"\r\n\r\n"))[9:12])] += 1
        named = await asyncio.to_thread(degraded, server)
        asking = asyncio.create_task(probe.ask_until(stop))
        await asyncio.sleep(1)
        stop.set()
        await asking
    require("file_descriptors" in named, "/health does not name the want of file descriptors")
    return statuses


def _require_quick(probe: Probe) -> None:
    slowest = probe.slowest_seconds
    require(slowest < SLOWEST_LIVEZ_SECONDS, f"/livez took {slowest:.1f} s")


def _told(probe: Probe) -> str:
    return f"slowest /livez {1000 * probe.slowest_seconds:.0f} ms"
