"""One SQLite file, the thread that owns the connection to it, and another for reads that take long."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TypeVar

from loguru import logger

from config.settings import WhenDamaged
from domain.errors import StorageUnavailable
from storage.sqlite.connecting import connect, connect_to_read
from storage.sqlite.damage import COMPANIONS, Inode, beside, inode, set_aside, signature
from storage.sqlite.faults import FULL_DISK, DamagedFile, failure, has_room, is_damage, is_full_disk

T = TypeVar("T")

BUSY_SECONDS = 2.0
# A call waits at least so long for another program, however long it waited for its turn.
LEAST_BUSY_SECONDS = 0.1

_HEALTH_TABLE = "CREATE TABLE IF NOT EXISTS service_health (id INTEGER PRIMARY KEY, writes INTEGER NOT NULL)"
_HEALTH_WRITE = """
INSERT INTO service_health (id, writes) VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET writes = writes + 1
"""


class SqliteFile:
    """Runs work on the connection, off the event loop and one piece after the other.

    A file that is deleted or replaced while it is open would take writes that are lost with it. So each write is
    preceded and followed by a look at what lies under the path, and `open` connects to that.
    """

    def __init__(
        self,
        path: str | Path,
        prepare: Callable[[sqlite3.Connection], object],
        when_damaged: WhenDamaged,
        busy_seconds: float,
        writing: asyncio.Lock | None = None,
    ) -> None:
        """Remember the file; nothing is opened yet.

        Args:
            path: The database file.
            prepare: Called with each new connection.
            when_damaged: Whether `open` refuses a damaged file, or moves it away and begins a new one.
            busy_seconds: How long another program may hold the file before a call fails, the time included in which
                the call waited for its turn: connections that wait for the same program do so together.
            writing: Held during each write. Two connections of this process share it: they write in turn, as they
                came. SQLite alone lets a writer look again now and then, so one that writes group after group keeps
                the other out until its time is over.
        """
        self._path = Path(path)
        self._prepare = prepare
        self._when_damaged = when_damaged
        self._busy_seconds = busy_seconds
        self._writing = writing or asyncio.Lock()
        self._executor: ThreadPoolExecutor | None = None
        self._scanner: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None
        self._inodes: dict[str, Inode | None] = {}
        self._was_full = False
        self._suspected = False  # of damage, since a call met some; the next `open` looks at the whole file
        self._refused: tuple[int, int, int] | None = None

    async def open(self) -> None:
        """Connect or reconnect, prepare the connection and write; missing folders are made.

        Raises:
            StorageUnavailable: the file cannot be opened or written, or it is damaged and may not be set aside.
        """
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
            self._scanner = ThreadPoolExecutor(1, thread_name_prefix="sqlite-scan")
        async with self._turn() as patience:
            await self._on_thread("open", lambda: self._connect(patience))

    async def close(self) -> None:
        """Close the file; later calls raise `StorageUnavailable`."""
        executors = self._executor, self._scanner
        self._executor = self._scanner = None
        if executors[0] is not None:
            await asyncio.get_running_loop().run_in_executor(executors[0], self._disconnect)
        for executor in executors:
            if executor is not None:
                executor.shutdown(wait=False)

    async def ping(self) -> None:
        """Return when the file has taken a write: a full or read-only disk can still be read.

        Raises:
            StorageUnavailable: it cannot be written, or is not the file that was opened.
        """

        def ping(connection: sqlite3.Connection) -> None:
            self._check_room()
            connection.execute(_HEALTH_WRITE)

        await self.write("ping", ping)

    async def read(self, operation: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return the result of `work`, which only reads.

        Raises:
            StorageUnavailable: SQLite failed, or the file is not open.
        """
        return await self._on_thread(operation, lambda: work(self._open_connection()))

    async def scan(self, operation: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return the result of `work`, which reads for long: other calls do not wait for it.

        Raises:
            StorageUnavailable: as `read`, or the file is no longer the one that was opened.
        """

        def on_a_connection_of_its_own() -> T:
            self._open_connection()
            self._check_place()
            with closing(connect_to_read(self._path, self._busy_seconds)) as connection:
                return work(connection)

        return await self._on_thread(operation, on_a_connection_of_its_own, scans=True)

    async def write(self, operation: str, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return the result of `work`, run in one transaction.

        Raises:
            StorageUnavailable: SQLite failed, the file is not open, or it is no longer the one that was opened.
            Unstorable: the values were refused, and nothing of the transaction is kept.
        """

        def in_transaction(patience: float) -> T:
            connection = self._open_connection()
            connection.execute(f"PRAGMA busy_timeout = {round(1_000 * patience)}")
            self._check_place()
            with connection:
                result = work(connection)
            self._check_place()
            return result

        async with self._turn() as patience:
            return await self._on_thread(operation, lambda: in_transaction(patience))

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[float]:
        """Wait for the turn to write; give the seconds that are left to wait for another program."""
        asked = time.monotonic()
        async with self._writing:
            yield max(self._busy_seconds - (time.monotonic() - asked), min(LEAST_BUSY_SECONDS, self._busy_seconds))

    async def _on_thread(self, operation: str, work: Callable[[], T], *, scans: bool = False) -> T:
        executor = self._scanner if scans else self._executor
        if executor is None:
            raise _not_open()
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, work)
        except (sqlite3.Error, OSError, UnicodeError, OverflowError) as error:
            self._suspected = self._suspected or is_damage(error)
            self._was_full = self._was_full or is_full_disk(error, self._path.parent)
            raise failure(operation, error, self._path.parent) from error

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise _not_open()
        return self._connection

    def _connect(self, patience: float) -> None:
        self._check_room()  # where it fails, the earlier connection can still read
        self._disconnect()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._drop_companions_of_a_deleted_file()
        if self._refused is not None and self._refused == signature(self._path):
            raise self._damage()
        opened = inode(self._path)
        try:
            self._connection = self._connected(patience)
        except (sqlite3.Error, DamagedFile) as error:
            if not is_damage(error):
                raise
            self._suspected = True
            if self._when_damaged == "refuse":
                self._refused = signature(self._path)
                raise self._damage() from error
            if (kept_as := set_aside(self._path, opened)) is not None:
                log = logger.bind(file=self._path.name, kept_as=kept_as.name)
                log.warning("the database file is damaged; it is set aside and a new one begins")
            self._suspected = False
            self._connection = self._connected(patience)
        self._suspected = False
        self._refused = None
        self._inodes = {suffix: inode(beside(self._path, suffix)) for suffix in ("", *COMPANIONS)}

    def _connected(self, patience: float) -> sqlite3.Connection:
        connection = connect(self._path, patience)
        try:
            if self._suspected and connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise DamagedFile
            self._prepare(connection)
            with connection:
                connection.execute(_HEALTH_TABLE)
                connection.execute(_HEALTH_WRITE)
        except BaseException:
            connection.close()
            raise
        return connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _check_room(self) -> None:
        """Refuse a disk that was full and still is: a small write fits into the log, and the next group does not."""
        if self._was_full:
            if not has_room(self._path.parent):
                raise StorageUnavailable(f"{FULL_DISK} (less than 1 MB free)")
            self._was_full = False

    def _check_place(self) -> None:
        if inode(self._path) != self._inodes[""]:
            raise StorageUnavailable(
                f"the database file {self._path.name} was deleted or replaced under the running service; "
                "what lies there now is opened, or a new one begun"
            )

    def _drop_companions_of_a_deleted_file(self) -> None:
        """Remove the log and index of the deleted file, which SQLite would apply to the present one."""
        if self._inodes and inode(self._path) != self._inodes[""]:
            for suffix in COMPANIONS:
                companion = beside(self._path, suffix)
                if (present := inode(companion)) is not None and present == self._inodes[suffix]:
                    companion.unlink(missing_ok=True)

    def _damage(self) -> StorageUnavailable:
        return StorageUnavailable(
            f"the database file {self._path.name} is damaged or no SQLite database: put a backup in its place, move it "
            "away so that a new one begins, or set storage.when_damaged to set_aside, which does that"
        )


def _not_open() -> StorageUnavailable:
    return StorageUnavailable("the sqlite store is not open")
