"""What the stores in a SQLite file have in common: its opening and closing."""

from __future__ import annotations

import asyncio
import sqlite3
from abc import ABC, abstractmethod
from pathlib import Path

from config.settings import WhenDamaged
from storage.sqlite.file import BUSY_SECONDS, SqliteFile


class SqliteDatabase(ABC):
    """Tables in a SQLite file.

    Every statement runs on one thread that owns the connection: a slow disk never blocks the event loop.
    """

    kind = "sqlite"

    def __init__(
        self,
        path: str | Path,
        *,
        when_damaged: WhenDamaged = "refuse",
        busy_seconds: float = BUSY_SECONDS,
        writing: asyncio.Lock | None = None,
    ) -> None:
        """Remember where the file is; nothing is opened yet.

        Args:
            path: The database file; missing parent folders are made by `open`.
            when_damaged: Whether `open` refuses a damaged file, or moves it away and begins a new one.
            busy_seconds: How long another program may hold the file before a call fails.
            writing: Shared by the stores that this process opens on the file, which then write in turn.
        """
        self._file = SqliteFile(path, self._prepare, when_damaged, busy_seconds, writing)

    @staticmethod
    @abstractmethod
    def _prepare(connection: sqlite3.Connection) -> None:
        """Make or migrate the tables, on each new connection."""

    async def open(self) -> None:
        """Connect or reconnect, and make the tables.

        Raises:
            StorageUnavailable: the file cannot be opened or written, it is damaged and may not be set aside, or a newer
                version of the service wrote it.
        """
        await self._file.open()

    async def close(self) -> None:
        """Close the file; later calls raise `StorageUnavailable`."""
        await self._file.close()

    async def ping(self) -> None:
        """Return when the file has taken a write.

        Raises:
            StorageUnavailable: it cannot be written, or is not the file that was opened.
        """
        await self._file.ping()
