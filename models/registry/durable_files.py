"""Files that are written atomically, read within size limits, by one writer at a time."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from config.errors.needs import named_need_of
from domain.errors import ModelCorrupt
from models.registry.disk import trouble_of, unavailable

LOCK_FILE = ".lock"

Document = TypeVar("Document", bound=BaseModel)

# What changes with every replacement of a file: inode, time of change in ns, size.
Stamp = tuple[int, int, int]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's one lock, against threads and other processes; it ends with the process, however that ends.

    Raises:
        ModelStorageUnavailable: the folder, or what is written to it meanwhile, cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
    except OSError as error:
        raise unavailable(trouble_of(error)) from error


def sync(path: Path) -> None:
    """Sync the content of a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_synced(path: Path, content: bytes) -> None:
    """Write a file that has no readers yet."""
    path.write_bytes(content)
    sync(path)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that every reader finds the old content or the new; call it with the folder locked."""
    unfinished = path.with_name(f".{path.name}.new")
    try:
        write_synced(unfinished, content)
        unfinished.rename(path)
    except OSError:
        with suppress(OSError):  # half of it would take the room that the next try needs
            unfinished.unlink()
        raise
    sync(path.parent)


def file_stamp(path: Path) -> Stamp:
    """Return what changes with every replacement of a file; zeros where it cannot be seen."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0, 0  # reading it says why
    return status.st_ino, status.st_mtime_ns, status.st_size


def read_file(folder: Path, name: str, max_bytes: int) -> bytes:
    """Return the content of a file in a folder, following no symbolic link to either.

    Raises:
        FileNotFoundError: the folder or the file is not there.
        ModelCorrupt: one of them is a link or nothing that can be read, or the file is too large.
    """
    try:
        return _read_file(folder, name, max_bytes)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ModelCorrupt(f"{folder.name}: {name} cannot be read: {error.strerror}") from error


def read_document(folder: Path, name: str, max_bytes: int, kind: type[Document]) -> Document:
    """Return what a file of JSON in a folder holds, an empty document where there is none.

    Raises:
        ModelCorrupt: it cannot be read.
    """
    try:
        return kind.model_validate_json(read_file(folder, name, max_bytes))
    except FileNotFoundError:
        return kind()
    except ValidationError as error:
        raise ModelCorrupt(f"{folder.name}: {name} is unusable: {named_need_of(error.errors()[0])}") from None


def _read_file(folder: Path, name: str, max_bytes: int) -> bytes:
    parent = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        # Opening a pipe without a writer would otherwise block.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(name, flags, dir_fd=parent)
    finally:
        os.close(parent)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ModelCorrupt(f"{folder.name}: {name} is not a plain file")
        if status.st_size > max_bytes:
            raise ModelCorrupt(f"{folder.name}: {name} has {status.st_size} bytes, more than the {max_bytes} allowed")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(max_bytes)
    finally:
        os.close(descriptor)
