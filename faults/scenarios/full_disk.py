"""A full disk under the database: answers go on, /health names it, and it heals when there is room."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from faults.equipment.kept import none_lost
from faults.equipment.service import degraded, service, sqlite_url, wait_until
from faults.equipment.small_disk import MountRefused, mounted
from faults.equipment.traffic import Traffic
from faults.scenario import NotTried, Outcome, require, said

DISK_BYTES = 24 << 20
CLIENTS = 4
SECONDS = 3.0
# Of a full disk: a trade that nothing can keep is refused, which is what 503 says; an analysis is answered.
EXPECTED = {200, 503}


def run(folder: Path) -> Outcome:
    """Fill the disk of database and spool under load, and free it again."""
    try:
        with mounted(folder / "disk", DISK_BYTES) as disk:
            url = sqlite_url(disk.folder)
            with service(folder, DATABASE_URL=url, STORAGE__SPOOL_PATH=f"{disk.folder}/spool") as server:
                traffic = Traffic(server.port)
                asyncio.run(traffic.mixed("A", CLIENTS, 1.0))
                require(set(traffic.statuses) == {200}, f"with room it answered {said(traffic.statuses)}")
                disk.fill()
                full = Traffic(server.port)
                asyncio.run(full.mixed("B", CLIENTS, SECONDS))
                named = degraded(server).get("store", "")
                require("full" in named.lower(), f"/health does not name the full disk: {named!r}")
                require(set(full.statuses) <= EXPECTED, f"on a full disk it answered {said(full.statuses)}")
                disk.free()
                healed = wait_until(lambda: "store" not in degraded(server), "the store")
                asyncio.run(traffic.mixed("C", CLIENTS, 1.0))
                require(set(traffic.statuses) == {200}, f"with room again it answered {said(traffic.statuses)}")
            acknowledged = traffic.acknowledged | full.acknowledged
            told = f"full: {said(Counter(full.statuses))}; /health names it; healed in {healed:.1f} s"
            return Outcome(f"disk full for {SECONDS:g} s under {CLIENTS} clients", told, none_lost(acknowledged, url))
    except MountRefused:
        raise NotTried("needs root, to mount a small disk") from None
