"""Connections to a SQLite file: one that writes, and those that only read."""

from __future__ import annotations

import sqlite3
import time
from contextlib import suppress
from pathlib import Path

MAX_WAL_BYTES = 64 << 20  # a log that one large group made is cut to this after its checkpoint
BUSY_PAUSE_SECONDS = 0.005


def connect(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """Connect in order to write; a missing file is made.

    Raises:
        OSError: the file cannot be made.
        sqlite3.Error: it cannot be opened, or is no database.
    """
    make_private(path)
    connection = sqlite3.connect(path, timeout=busy_seconds)
    try:
        connection.text_factory = _text
        _log_ahead(connection, busy_seconds)
        # In WAL mode NORMAL loses nothing when the process dies, and the last commits only on a power cut.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {MAX_WAL_BYTES}")
    except BaseException:
        connection.close()
        raise
    return connection


def _log_ahead(connection: sqlite3.Connection, busy_seconds: float) -> None:
    """Switch to write-ahead logging, for which SQLite does not wait where another connection is about to do it."""
    patience_ends = time.monotonic() + busy_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= patience_ends:
                raise
        time.sleep(BUSY_PAUSE_SECONDS)


def make_private(path: Path) -> None:
    """Make a missing file that no other user can read, whatever the umask; its log and index get the same mode.

    Raises:
        OSError: the file cannot be made.
    """
    # An existing file is not even opened: closing it would take away the locks of this process's other connections.
    with suppress(FileExistsError):
        path.touch(mode=0o600, exist_ok=False)


def connect_to_read(path: Path, busy_seconds: float) -> sqlite3.Connection:
    """Connect in order to read; a missing file stays missing.

    Raises:
        sqlite3.Error: there is no such file, or it cannot be opened.
    """
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=busy_seconds)
    connection.text_factory = _text
    return connection


def _text(text: bytes) -> str:
    """Read damaged bytes as text too: it is then a row that does not fit, as one of another version is."""
    return text.decode(errors="replace")
