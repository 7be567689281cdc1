"""SQLite files that are locked, broken, or of another version."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from domain.errors import StorageUnavailable, Unstorable
from domain.market import Timeframe
from storage.ports import ANALYSIS_COLLECTION
from storage.sqlite.store import SqliteStore
from tests.fixtures.analyses import LATER, NOON, make_analysis, make_candle

pytest_plugins = ["tests.fixtures.logs"]


def modes(folder: Path) -> dict[str, int]:
    """Return the permissions of each file."""
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


async def test_file_is_in_wal_mode_and_survives_a_second_reader(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    await store.open()
    await store.save_analysis("key", make_analysis(), archive=True)
    with closing(sqlite3.connect(tmp_path / "store.db")) as reader:
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        reader.execute("BEGIN")
        assert reader.execute(f"SELECT count(*) FROM {ANALYSIS_COLLECTION}").fetchone() == (1,)  # noqa: S608
        await store.save_analysis("key", make_analysis(analysis_id="a-2"), archive=True)
    await store.close()


async def test_no_other_user_of_the_machine_can_read_the_file_or_its_log(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    await store.open()
    await store.save_analysis("key", make_analysis(), archive=True)
    assert modes(tmp_path) == dict.fromkeys(("store.db", "store.db-wal", "store.db-shm"), 0o600)
    await store.close()


async def test_file_that_the_operator_opened_to_a_group_stays_open_to_it(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.touch()
    path.chmod(0o640)
    store = SqliteStore(path)
    await store.open()
    assert modes(tmp_path)["store.db"] == 0o640
    await store.close()


async def test_row_of_another_version_is_a_miss_with_one_warning(tmp_path: Path, log_lines: list[str]) -> None:
    store = SqliteStore(tmp_path / "store.db")
    await store.open()
    for name in ["a-1", "a-2"]:
        await store.save_analysis(name, make_analysis(analysis_id=name), archive=False)
    with closing(sqlite3.connect(tmp_path / "store.db")) as other, other:
        other.execute(f"UPDATE {ANALYSIS_COLLECTION} SET analysis = json_remove(analysis, '$.signal')")  # noqa: S608
        other.execute(f"UPDATE {ANALYSIS_COLLECTION} SET analysis = 'no json' WHERE cache_key = 'a-2'")  # noqa: S608
    for name in ["a-1", "a-2"]:
        assert await store.latest_analysis(name, NOON, LATER) is None
    await store.close()
    assert log_lines == ["WARNING a stored analysis does not fit this version of the service and is not used"]


async def test_file_of_a_newer_service_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "store.db")) as newer:
        newer.execute("PRAGMA user_version = 999")
    store = SqliteStore(tmp_path / "store.db")
    with pytest.raises(StorageUnavailable, match="schema version 999"):
        await store.open()
    await store.close()


async def test_file_that_is_no_database_is_refused_and_may_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"not a database, " * 100)
    store = SqliteStore(path)
    with pytest.raises(StorageUnavailable, match=r"store\.db is damaged .*: put a backup .* set_aside"):
        await store.open()
    path.unlink()
    await store.open()
    await store.ping()
    await store.close()


async def test_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = SqliteStore(tmp_path / "file" / "store.db")
    with pytest.raises(StorageUnavailable, match="the folder of the database file cannot be made"):
        await store.open()
    await store.close()


async def test_locked_file_fails_the_write_but_not_the_event_loop(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db", busy_seconds=0.3)
    await store.open()
    with closing(sqlite3.connect(tmp_path / "store.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        write = asyncio.create_task(store.save_analysis("key", make_analysis(), archive=True))
        turns = 0
        while not write.done():
            await asyncio.sleep(0.01)
            turns += 1
        with pytest.raises(StorageUnavailable, match="another program keeps the database file locked"):
            await write
        other.rollback()
    assert turns > 5
    await store.save_analysis("key", make_analysis(), archive=True)
    assert await store.latest_analysis("key", NOON, LATER) == make_analysis()
    await store.close()


async def test_write_that_fails_in_the_middle_leaves_nothing_behind(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    await store.open()
    impossible = [make_candle(0), make_candle(2**63)]
    with pytest.raises(Unstorable, match="OverflowError"):
        await store.save_analysis("key", make_analysis(), archive=True, candles={Timeframe.H1: impossible})
    assert await store.latest_analysis("key", NOON, LATER) is None
    assert (await store.statistics()).archived_analyses == 0
    await store.close()
