"""Moves a damaged database file out of the way."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

Inode = tuple[int, int]  # device, and number on it

COMPANIONS = ("-wal", "-shm")  # the log and its index, which SQLite keeps beside the file

# The stores of analyses and of documents have a thread each and share the file: the second to find it damaged
# must not move away the new one that the first has begun.
_MOVING = threading.Lock()


def inode(path: Path) -> Inode | None:
    """Return the inode of the file at a path; None where there is none."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def beside(path: Path, suffix: str) -> Path:
    """Return the path with a suffix after the file's name."""
    return path.with_name(path.name + suffix)


def set_aside(path: Path, damaged: Inode | None) -> Path | None:
    """Rename the file and its companions to `….damaged-YYYYMMDD-HHMMSS`, in UTC.

    Args:
        path: The database file.
        damaged: The file that was found damaged.

    Returns:
        The new path; None where another file lies there by now, which stays.

    Raises:
        OSError: it cannot be renamed.
    """
    with _MOVING:
        if inode(path) != damaged:
            return None
        wanted = f".damaged-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        names = (beside(path, wanted if number == 1 else f"{wanted}-{number}") for number in count(1))
        target = next(name for name in names if not name.exists())
        os.rename(path, target)
        for suffix in COMPANIONS:
            if (companion := beside(path, suffix)).exists():
                os.rename(companion, beside(target, suffix))
        return target


def signature(path: Path) -> tuple[int, int, int] | None:
    """Return inode, size and time of change, which identify an unchanged file; None without a file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
