"""One SQLite file, and the one thread that owns the connection to it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from domain.errors import StorageUnavailable

T = TypeVar("T")

BUSY_SECONDS = 2.0  # how long another writer may hold the file before a call fails


class SqliteFile:
    """Runs work on the connection, off the event loop and one piece after the other."""

    def __init__(self, path: str | Path, prepare: Callable[[sqlite3.Connection], object]) -> None:
        """Remember the file, and what is to be done with each new connection; nothing is opened yet."""
        self._path = Path(path)
        self._prepare = prepare
        self._executor: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Connect, or connect anew, and prepare the connection; missing folders are made.

        Raises:
            StorageUnavailable: the file cannot be opened.
        """
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        await self._on_thread("open", self._connect)

    async def close(self) -> None:
        """Close the file; later calls raise `StorageUnavailable`."""
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.get_running_loop().run_in_executor(executor, self._disconnect)
            executor.shutdown(wait=False)

    async def run(self, operation: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what `work` gives, in a transaction of its own.

        Raises:
            StorageUnavailable: SQLite failed, or the file is not open.
        """

        def in_transaction() -> T:
            if self._connection is None:
                raise _not_open()
            with self._connection:
                return work(self._connection)

        return await self._on_thread(operation, in_transaction)

    async def _on_thread(self, operation: str, work: Callable[[], T]) -> T:
        if self._executor is None:
            raise _not_open()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        except (sqlite3.Error, OSError, UnicodeError, OverflowError) as error:
            reason = getattr(error, "sqlite_errorname", type(error).__name__)
            raise StorageUnavailable(f"sqlite failed at {operation}: {reason}") from error

    def _connect(self) -> None:
        self._disconnect()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            # In WAL mode NORMAL loses nothing when the process dies, and the last commits only on a power cut.
            connection.execute("PRAGMA synchronous = NORMAL")
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _not_open() -> StorageUnavailable:
    return StorageUnavailable("the sqlite store is not open")
