"""The disk of the models: whether another version fits on it, and the error if it does not."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from domain.errors import ModelStorageUnavailable

# A training writes up to four versions of a few megabytes each.
MIN_FREE_BYTES = 32 * 1024 * 1024

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_FREE_SPACE = "free space there, by DELETE /model/cleanup too, or set MODEL_SAVE_PATH to a folder on another disk"
_ALLOW_WRITING = "let the service's user write there, or set MODEL_SAVE_PATH to another folder"
_LOOK_AT_DISK = "look at the disk, or set MODEL_SAVE_PATH to a folder on another one"


@dataclass(frozen=True)
class DiskTrouble:
    """Why the folder of the models cannot take another version, and what to do about it."""

    reason: str
    remedy: str


def trouble_of(error: OSError) -> DiskTrouble:
    """Return the reason of a failure to write, without a path of this machine."""
    remedy = _FREE_SPACE if error.errno in _FULL else _ALLOW_WRITING if error.errno in _FORBIDDEN else _LOOK_AT_DISK
    why = os.strerror(error.errno) if error.errno else type(error).__name__
    return DiskTrouble(f"the folder of the models cannot be written: {why}", remedy)


def look_at_disk(root: Path) -> DiskTrouble | None:
    """Return why a folder, which may not be there yet, cannot take another version; None where it can."""
    there = next(folder for folder in (root, *root.parents) if folder.exists())
    try:
        status = os.statvfs(there)
    except OSError as error:
        return trouble_of(error)
    if status.f_flag & os.ST_RDONLY:
        return trouble_of(OSError(errno.EROFS, ""))
    if not there.is_dir():
        return trouble_of(OSError(errno.ENOTDIR, ""))
    if not os.access(there, os.W_OK | os.X_OK):
        return trouble_of(OSError(errno.EACCES, ""))
    free = status.f_bavail * status.f_frsize
    if free < MIN_FREE_BYTES:
        has, needed = free / 1024**2, MIN_FREE_BYTES / 1024**2
        return DiskTrouble(f"the disk of the models has {has:.1f} MiB free; a training needs {needed:.0f}", _FREE_SPACE)
    return None


def check_disk(root: Path) -> None:
    """Make sure that another version can be written.

    Raises:
        ModelStorageUnavailable: it cannot, with the reason and the remedy.
    """
    trouble = look_at_disk(root)
    if trouble is not None:
        raise unavailable(trouble)


def unavailable(trouble: DiskTrouble) -> ModelStorageUnavailable:
    """Return the error to raise."""
    return ModelStorageUnavailable(f"{trouble.reason}; {trouble.remedy}")
