"""Failures of SQLite: refused content or an outage, with the cause in words."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from domain.errors import AppError, StorageUnavailable, Unstorable

FULL_DISK = "the disk is full"
# A disk with less free than this counts as full: the next group of writes would not fit.
MIN_FREE_BYTES = 1 << 20

_PRIMARY_CODE = 0xFF
_UNSTORABLE = {sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_CAUSES = {
    sqlite3.SQLITE_FULL: FULL_DISK,
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written",
    sqlite3.SQLITE_READONLY: "the database file is read-only",
    sqlite3.SQLITE_CANTOPEN: "the database file cannot be opened: the service has to read and write it and its folder",
    sqlite3.SQLITE_PERM: "the service may not read or write the database file",
    sqlite3.SQLITE_BUSY: "another program keeps the database file locked",
    sqlite3.SQLITE_LOCKED: "another program keeps the database file locked",
    sqlite3.SQLITE_CORRUPT: "the database file is damaged",
    sqlite3.SQLITE_NOTADB: "the database file is damaged or no SQLite database",
    sqlite3.SQLITE_NOMEM: "there is no memory left",
    sqlite3.SQLITE_INTERRUPT: "the work was interrupted",
}
_OS_CAUSES = {
    errno.ENOSPC: FULL_DISK,
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "the service may not write into the folder of the database file",
    errno.EEXIST: "the folder of the database file cannot be made",
    errno.ENOTDIR: "the folder of the database file cannot be made",
    errno.EMFILE: "the service has as many files and sockets open as it may",
}
# A full or read-only disk gives these codes too, where SQLite does not recognize it.
_MAYBE_THE_DISK = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}


class DamagedFile(Exception):
    """A check of the whole file found damage."""


def is_damage(error: Exception) -> bool:
    """Return whether the error says that the file itself is damaged."""
    return isinstance(error, DamagedFile) or _code(error) in _DAMAGED


def is_full_disk(error: Exception, folder: Path) -> bool:
    """Return whether the cause of the error is a disk without room."""
    code = _code(error)
    if isinstance(error, OSError):
        return error.errno == errno.ENOSPC
    return code == sqlite3.SQLITE_FULL or (code in _MAYBE_THE_DISK and not has_room(folder))


def has_room(folder: Path) -> bool:
    """Return whether the disk of the folder has room for more writes, as far as can be told."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return True
    return disk.f_bavail * disk.f_frsize >= MIN_FREE_BYTES


def failure(operation: str, error: Exception, folder: Path) -> AppError:
    """Return the error to raise in place of SQLite's.

    Args:
        operation: What was being done, as metrics name it.
        error: From SQLite, from the operating system, or for a value that cannot be passed to SQLite.
        folder: Of the database file.

    Returns:
        `Unstorable` where the same values would be refused again, else `StorageUnavailable`.
    """
    code = _code(error)
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if isinstance(error, UnicodeError | OverflowError) or code in _UNSTORABLE or _is_foreign_value(error):
        return Unstorable(f"sqlite refuses what it was given at {operation} ({name})")
    if is_full_disk(error, folder):
        cause = FULL_DISK
    elif code in _MAYBE_THE_DISK and _is_read_only(folder):
        cause = _OS_CAUSES[errno.EROFS]
    elif isinstance(error, OSError):
        cause = _OS_CAUSES.get(error.errno or 0, f"the operating system says: {error.strerror}")
    else:
        cause = _CAUSES.get(code or 0, "sqlite failed")
    return StorageUnavailable(f"{cause} ({name} at {operation})")


def _is_read_only(folder: Path) -> bool:
    try:
        return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def _code(error: Exception) -> int | None:
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & _PRIMARY_CODE


def _is_foreign_value(error: Exception) -> bool:
    """Return whether a value has a type that SQLite has no column for."""
    return isinstance(error, sqlite3.ProgrammingError | sqlite3.InterfaceError) and "binding parameter" in str(error)
