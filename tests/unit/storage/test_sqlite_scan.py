"""Reads that take long have a connection of their own."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.errors import StorageUnavailable
from storage.sqlite.file import SqliteFile

COUNT = "SELECT count(*) FROM numbers"


def _table(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS numbers (number INTEGER)")


def _count(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute(COUNT).fetchone()
    return int(count)


def _add(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO numbers VALUES (1)")


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[SqliteFile]:
    file = SqliteFile(tmp_path / "numbers.db", _table, "refuse", 1.0)
    await file.open()
    yield file
    await file.close()


async def test_reads_and_writes_do_not_wait_for_a_scan(file: SqliteFile) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def long_read(connection: sqlite3.Connection) -> tuple[int, int]:
        connection.execute("BEGIN")
        before = _count(connection)
        begun.set()
        assert go_on.wait(60)
        return before, _count(connection)

    await file.write("add", _add)
    scan = asyncio.create_task(file.scan("long", long_read))
    await asyncio.to_thread(begun.wait, 60)
    try:
        await file.write("add", _add)
        assert await file.read("count", _count) == 2
    finally:
        go_on.set()
    # It goes on reading what it began with.
    assert await scan == (1, 1)
    assert await file.scan("count", _count) == 2


async def test_a_scan_changes_nothing(file: SqliteFile) -> None:
    with pytest.raises(StorageUnavailable):
        await file.scan("add", _add)
    assert await file.read("count", _count) == 0


async def test_a_scan_of_a_closed_or_replaced_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "numbers.db"
    file = SqliteFile(path, _table, "refuse", 1.0)
    with pytest.raises(StorageUnavailable, match="not open"):
        await file.scan("count", _count)
    await file.open()
    try:
        path.unlink()
        with pytest.raises(StorageUnavailable, match="deleted or replaced"):
            await file.scan("count", _count)
        assert not path.exists()
    finally:
        await file.close()
