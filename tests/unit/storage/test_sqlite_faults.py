"""SQLite on bad days: a full or read-only disk, a damaged file, one that is deleted while it is open."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from domain.errors import StorageUnavailable
from storage.document_ports import JOBS
from storage.ports import ARCHIVE_COLLECTION, NO_CANDLES, AnalysisWrite
from storage.sqlite.documents import SqliteDocumentStore
from storage.sqlite.store import SqliteStore
from tests.fixtures.analyses import LATER, NOON, make_analysis

if TYPE_CHECKING:
    from tests.fixtures.small_disk import SmallDisk

pytest_plugins = ["tests.fixtures.logs", "tests.fixtures.small_disk"]

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = {"created_at": NOON}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path)
    await store.open()
    yield store
    await store.close()


async def save(store: SqliteStore, analysis_id: str) -> None:
    await store.save_analysis("key", make_analysis(analysis_id=analysis_id), archive=True)


async def archive_many(store: SqliteStore) -> list[str]:
    """Archive analyses on a few hundred pages and return their ids."""
    analyses = [make_analysis(analysis_id=f"a-{n}", reasoning="because " * 400) for n in range(200)]
    await store.save_analyses([AnalysisWrite("key", made, archive=True, candles=NO_CANDLES) for made in analyses])
    return [analysis.analysis_id for analysis in analyses]


def archived(path: Path) -> list[str]:
    """Return the ids that any other program finds in the file."""
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        query = f"SELECT analysis_id FROM {ARCHIVE_COLLECTION} ORDER BY sequence"  # noqa: S608
        return [name for (name,) in other.execute(query)]


def damage(path: Path, start: float, end: float) -> None:
    """Overwrite whole pages of a closed file, from one share of its length to another."""
    pages = path.stat().st_size // 4096
    with path.open("r+b") as file:
        file.seek(int(pages * start) * 4096)
        file.write(b"\xff" * 4096 * (int(pages * end) - int(pages * start)))


def set_aside(path: Path) -> list[Path]:
    """Return the damaged files beside a path."""
    found = [file for file in path.parent.iterdir() if file.name.startswith(f"{path.name}.damaged-")]
    return [file for file in found if not file.name.endswith(("-wal", "-shm"))]


async def damaged_middle(path: Path) -> None:
    """Make a file whose first and last pages are good."""
    store = SqliteStore(path)
    await store.open()
    await archive_many(store)
    await store.close()
    damage(path, 0.25, 0.75)


async def read_all(store: SqliteStore) -> None:
    for number in range(200):
        await store.archived_analysis(f"a-{number}")


async def save_until_it_fails(store: SqliteStore, acknowledged: list[str]) -> None:
    """Add the ids that the store has taken to the list."""
    while True:
        await save(store, name := f"a-{len(acknowledged)}")
        acknowledged.append(name)


async def test_full_disk_is_named_until_there_is_room_and_loses_nothing_acknowledged(small_disk: SmallDisk) -> None:
    store = SqliteStore(small_disk.folder / "store.db")
    await store.open()
    await save(store, "a-0")
    acknowledged = ["a-0"]
    small_disk.fill()
    with pytest.raises(StorageUnavailable, match=r"the disk is full \(SQLITE_FULL at save_analyses\)"):
        await save_until_it_fails(store, acknowledged)
    for outage in (store.ping, store.open, store.ping):
        with pytest.raises(StorageUnavailable, match="the disk is full"):
            await outage()
    assert await store.latest_analysis("key", NOON, LATER) is not None  # it can be read still
    small_disk.free()
    await store.open()
    await store.ping()
    await save(store, "after")
    await store.close()
    assert archived(small_disk.folder / "store.db") == [*acknowledged, "after"]


async def test_full_disk_at_the_start_is_named(small_disk: SmallDisk) -> None:
    small_disk.fill()
    store = SqliteStore(small_disk.folder / "store.db")
    with pytest.raises(StorageUnavailable, match="the disk is full"):
        await store.open()
    small_disk.free()
    await store.open()
    await save(store, "a-1")
    await store.close()


async def test_read_only_disk_is_named(small_disk: SmallDisk) -> None:
    path = small_disk.folder / "store.db"
    store = SqliteStore(path)
    await store.open()
    await save(store, "a-1")
    await store.close()
    small_disk.remount("ro")
    with pytest.raises(StorageUnavailable, match="read-only"):
        await store.open()
    small_disk.remount("rw")
    await store.open()
    await save(store, "a-2")
    await store.close()
    assert archived(path) == ["a-1", "a-2"]


def test_limit_on_the_size_of_files_is_an_outage_that_ends_with_it(path: Path) -> None:
    """The limit is set in a child process, as `ulimit -f` and quotas do."""
    code = f"""
import asyncio, resource
from domain.errors import StorageUnavailable
from storage.sqlite.store import SqliteStore
from tests.fixtures.analyses import make_analysis

async def main():
    store = SqliteStore({str(path)!r})
    await store.open()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    saved = 0
    try:
        while True:
            await store.save_analysis("key", make_analysis(analysis_id=f"a-{{saved}}"), archive=True)
            saved += 1
    except StorageUnavailable as error:
        print(error.message)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    await store.open()
    await store.ping()
    await store.save_analysis("key", make_analysis(analysis_id="after"), archive=True)
    print(saved)

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    reason, saved = done.stdout.splitlines()
    assert reason == "the disk cannot be read or written (SQLITE_IOERR_WRITE at save_analyses)"
    assert archived(path) == [*(f"a-{number}" for number in range(int(saved))), "after"]


async def test_ping_writes_a_small_row_and_never_more(store: SqliteStore, path: Path) -> None:
    for _ in range(3):
        await store.ping()
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT id, writes FROM service_health").fetchall() == [(1, 4)]  # `open` writes as well


async def test_locked_file_fails_the_ping(path: Path) -> None:
    store = SqliteStore(path, busy_seconds=0.1)
    await store.open()
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable, match="another program keeps the database file locked"):
            await store.ping()
        assert await store.latest_analysis("key", NOON, LATER) is None
    await store.ping()
    await store.close()


async def test_damaged_middle_is_met_while_running_and_is_an_outage_until_the_file_is_replaced(path: Path) -> None:
    await damaged_middle(path)
    store = SqliteStore(path)
    await store.open()
    with pytest.raises(StorageUnavailable, match=r"the database file is damaged \(SQLITE_CORRUPT"):
        await read_all(store)
    for _ in range(3):
        with pytest.raises(StorageUnavailable, match=r"store\.db is damaged .* set storage\.when_damaged"):
            await store.open()
        with pytest.raises(StorageUnavailable):
            await store.ping()
    os.rename(path, path.with_name("moved away"))
    await store.open()
    await save(store, "a-1")
    await store.close()
    assert archived(path) == ["a-1"]


@pytest.mark.parametrize("part", ["header", "middle"])
async def test_damaged_file_is_set_aside_by_config_and_a_new_one_begins(
    path: Path, part: str, log_facts: list[str]
) -> None:
    await damaged_middle(path)
    if part == "header":
        damage(path, 0, 0.1)
    store = SqliteStore(path, when_damaged="set_aside")
    if part == "middle":
        await store.open()
        with pytest.raises(StorageUnavailable, match="damaged"):
            await read_all(store)
    await store.open()
    await save(store, "a-1")
    await store.close()
    assert archived(path) == ["a-1"]
    (kept,) = set_aside(path)
    assert b"because because" in kept.read_bytes()
    assert log_facts == [
        "WARNING the database file is damaged; it is set aside and a new one begins "
        f"{{'file': 'store.db', 'kept_as': '{kept.name}'}}\n"
    ]


async def test_two_stores_that_find_the_same_damage_share_the_new_file(path: Path) -> None:
    await damaged_middle(path)
    damage(path, 0, 0.1)
    stores = SqliteStore(path, when_damaged="set_aside"), SqliteDocumentStore(path, when_damaged="set_aside")
    await asyncio.gather(*(store.open() for store in stores))
    await save(stores[0], "a-1")
    await stores[1].put(JOBS, "j1", DOCUMENT)
    for store in stores:
        await store.ping()
        await store.close()
    assert archived(path) == ["a-1"]
    assert len(set_aside(path)) == 1


@pytest.mark.parametrize("companions", [False, True], ids=["the file alone", "all of it"])
async def test_file_deleted_under_the_store_is_noticed_and_begun_anew(
    store: SqliteStore, path: Path, companions: bool
) -> None:
    documents = SqliteDocumentStore(path)
    await documents.open()
    await save(store, "gone")
    await documents.put(JOBS, "gone", DOCUMENT)
    for file in path.parent.glob("store.db*"):
        if companions or file == path:
            file.unlink()
    for noticed in (store.ping(), save(store, "a-1"), documents.ping(), documents.put(JOBS, "j1", DOCUMENT)):
        with pytest.raises(StorageUnavailable, match=r"store\.db was deleted or replaced under the running service"):
            await noticed
    await store.open()
    await save(store, "a-1")
    assert await documents.get(JOBS, "gone") is not None  # read until it is opened anew, and no harm to the new file
    await documents.open()
    await documents.put(JOBS, "j1", DOCUMENT)
    await save(store, "a-2")
    assert await documents.get(JOBS, "gone") is None
    # As after a kill: nothing is closed, so all must be in the file and the log beside it.
    copy = path.parent / "as found"
    copy.mkdir()
    for file in path.parent.glob("store.db*"):
        (copy / file.name).write_bytes(file.read_bytes())
    assert archived(copy / "store.db") == ["a-1", "a-2"]
    await documents.close()
    await store.close()
    assert archived(path) == ["a-1", "a-2"]


async def test_file_replaced_by_a_backup_is_opened_without_the_log_of_the_old_one(
    store: SqliteStore, path: Path, tmp_path: Path
) -> None:
    await save(store, "a-1")
    backup = tmp_path / "backup.db"
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    await save(store, "lost with the old file")
    os.replace(backup, path)
    with pytest.raises(StorageUnavailable, match="deleted or replaced"):
        await store.ping()
    await store.open()
    await save(store, "a-2")
    await store.close()
    assert archived(path) == ["a-1", "a-2"]


async def test_write_that_meets_the_deletion_halfway_is_not_acknowledged(
    store: SqliteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is deleted after the check of its place and before the commit."""

    def delete(_: object) -> dict[str, str]:
        path.unlink()
        return {}

    monkeypatch.setattr("storage.sqlite.store.merged_candles", delete)
    with pytest.raises(StorageUnavailable, match="deleted or replaced"):
        await save(store, "a-1")
    monkeypatch.undo()
    await store.open()
    await save(store, "a-1")
    assert archived(path) == ["a-1"]


async def test_row_with_damaged_text_costs_that_row_alone(store: SqliteStore, path: Path, log_lines: list[str]) -> None:
    for number in range(3):
        await save(store, f"a-{number}")
    with closing(sqlite3.connect(path)) as other, other:
        wrong = f"UPDATE {ARCHIVE_COLLECTION} SET analysis = CAST(? AS TEXT) WHERE analysis_id = ?"  # noqa: S608
        other.executemany(wrong, [(b'{"signal": "\xff\xfe', "a-0"), (b"\xff", "a-1")])
    assert [analysis.analysis_id for analysis in await store.newest_archived(9)] == ["a-2"]
    assert await store.archived_analysis("a-0") is None
    await store.ping()
    assert log_lines == ["WARNING a stored analysis does not fit this version of the service and is not used"]
