"""Disk and memory of the machine that the service runs on."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

_KIB = 1024
_PROC, _CGROUP = Path("/proc"), Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Space:
    """Bytes in all, and those that are free."""

    total_bytes: int
    free_bytes: int

    @property
    def free_share(self) -> float:
        """Free share, 0 to 1; 1 of nothing."""
        return self.free_bytes / self.total_bytes if self.total_bytes else 1.0


def disk_space(folder: Path) -> Space:
    """Return the space of the disk that a folder, or the nearest one above that exists, is on.

    Raises:
        OSError: the disk does not answer.
    """
    folder = folder.resolve()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    found = shutil.disk_usage(folder)
    # What only the superuser may fill is not free: used and free are less than all of it.
    return Space(found.used + found.free, found.free)


def memory_space() -> Space | None:
    """Return the memory that the service may use: of its container where that is limited, else of the machine.

    Returns:
        None on a system without /proc.
    """
    try:
        lines = (_PROC / "meminfo").read_text().splitlines()
    except OSError:
        return None
    known = {name: int(rest.split()[0]) * _KIB for name, _, rest in (line.partition(":") for line in lines)}
    if "MemTotal" not in known or "MemAvailable" not in known:
        return None
    machine = Space(known["MemTotal"], known["MemAvailable"])
    container = _container_memory()
    return container if container is not None and container.free_bytes < machine.free_bytes else machine


def process_bytes() -> int | None:
    """Return the resident memory of this process; None on a system without /proc."""
    try:
        lines = (_PROC / "self" / "status").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(found[0]) * _KIB if found else None


def _container_memory() -> Space | None:
    """Return the memory of the control group (version 2); what it caches of files counts as free."""
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
        stat = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    if not limit.isdigit():
        return None
    total = int(limit)
    return Space(total, max(0, min(total, total - used + int(stat.get("inactive_file", 0)))))
