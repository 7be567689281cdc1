"""A small disk of its own, which may be filled or made read-only; mounted where one may mount."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class MountRefused(Exception):
    """This user, or this machine, may not mount."""


class SmallDisk:
    """A mounted tmpfs."""

    def __init__(self, folder: Path) -> None:
        """Take the folder that it is mounted on."""
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Leave not one byte free."""
        with self._filler.open("ab", buffering=0) as file:
            for size in (1 << 16, 1 << 12, 1):
                try:
                    while file.write(b"x" * size):
                        pass
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def free(self) -> None:
        """Give back what `fill` has taken."""
        self._filler.unlink()

    def remount(self, option: str) -> None:
        """Mount it anew, `ro` or `rw`."""
        subprocess.run(["mount", "-o", f"remount,{option}", str(self.folder)], check=True)

    @contextmanager
    def full(self) -> Iterator[None]:
        """Leave no byte free meanwhile."""
        try:
            self.fill()
            yield
        finally:
            self.free()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Let nothing be written meanwhile; no file may be open for writing at the start."""
        self.remount("ro")
        try:
            yield
        finally:
            self.remount("rw")


@contextmanager
def mounted(folder: Path, size_bytes: int) -> Iterator[SmallDisk]:
    """Mount a disk of that size on a new folder until the block ends.

    Raises:
        MountRefused: it cannot be mounted here.
    """
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        raise MountRefused("only root may mount")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
