"""Size, vacuum and backup of a SQLite file, on a separate connection without the time limits of the service."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from domain.errors import InvalidRequest, StorageUnavailable
from storage.adapter_ports import CollectionSize, StoreSize
from storage.document_ports import COLLECTION_NAMES
from storage.sqlite.connecting import BUSY_PAUSE_SECONDS, make_private
from storage.sqlite.damage import COMPANIONS, beside
from storage.sqlite.faults import failure

T = TypeVar("T")

# How long the writer of the file is waited for.
WRITER_SECONDS = 10.0

_TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table'"
# Not every build of SQLite has this table of pages.
_PAGES = """
SELECT tbl_name, sum(pgsize) FROM dbstat JOIN sqlite_schema USING (name) WHERE aggregate = TRUE GROUP BY tbl_name
"""


class SqliteMaintenance:
    """Measures, compacts and copies a file that a running service may have open."""

    def __init__(self, path: str | Path) -> None:
        """Remember where the file is; nothing is opened yet."""
        self._path = Path(path)

    async def size(self) -> StoreSize:
        """Measure tables and file."""
        return await asyncio.to_thread(self._connected, "size", self._measure)

    async def vacuum(self) -> None:
        """Rewrite the file without its empty pages; until it is done this takes as much disk space again."""

        def vacuum(connection: sqlite3.Connection) -> None:
            connection.execute("VACUUM")
            self._empty_log(connection)

        await asyncio.to_thread(self._connected, "vacuum", vacuum)

    async def backup(self, target: Path) -> int:
        """Copy the file as it is at one moment; its writer does not wait, and the target is whole or not there."""
        unfinished = beside(target, ".unfinished")

        def copy(connection: sqlite3.Connection) -> int:
            if target.exists():
                raise InvalidRequest(f"{target} exists already: name a new file")
            if not target.parent.is_dir():
                raise InvalidRequest(f"there is no folder {target.parent} for the copy")
            make_private(unfinished)
            with closing(sqlite3.connect(unfinished)) as copied:
                connection.backup(copied)  # all pages in one step, which is one transaction that reads
                copied.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
                if copied.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                    raise StorageUnavailable(f"the database file {self._path} is damaged: no copy is kept")
            unfinished.rename(target)
            return target.stat().st_size

        try:
            return await asyncio.to_thread(self._connected, "backup", copy)
        finally:
            unfinished.unlink(missing_ok=True)

    def _connected(self, operation: str, work: Callable[[sqlite3.Connection], T]) -> T:
        if not self._path.is_file():
            raise StorageUnavailable(f"there is no database file {self._path} yet")
        try:
            existing = f"{self._path.absolute().as_uri()}?mode=rw"
            with closing(sqlite3.connect(existing, timeout=WRITER_SECONDS, uri=True)) as connection:
                return work(connection)
        except (sqlite3.Error, OSError) as error:
            raise failure(operation, error, self._path.parent) from error

    def _empty_log(self, connection: sqlite3.Connection) -> None:
        """Bring the log into the file; SQLite does not wait where another connection is about to do it."""
        patience_ends = time.monotonic() + WRITER_SECONDS
        while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            if time.monotonic() >= patience_ends:
                raise StorageUnavailable(
                    f"the database is rewritten into its log, but not yet into {self._path}, since another program "
                    "reads the file; run vacuum again when it has ended"
                )
            time.sleep(BUSY_PAUSE_SECONDS)

    def _measure(self, connection: sqlite3.Connection) -> StoreSize:
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        (free_pages,) = connection.execute("PRAGMA freelist_count").fetchone()
        names = sorted({name for (name,) in connection.execute(_TABLES)} & set(COLLECTION_NAMES))
        try:
            pages: dict[str, int] = dict(connection.execute(_PAGES).fetchall())
        except sqlite3.OperationalError:
            pages = {}
        counts = {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}
        files = (self._path, *(beside(self._path, suffix) for suffix in COMPANIONS))
        return StoreSize(
            tuple(CollectionSize(name, counts[name], pages.get(name)) for name in names),
            total_bytes=sum(file.stat().st_size for file in files if file.exists()),
            free_bytes=page_bytes * free_pages,
        )
