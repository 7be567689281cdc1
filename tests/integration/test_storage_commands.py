"""`cli.py storage` on SQLite and on a real MongoDB."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from config.settings import StorageSettings
from domain.ledger.entries import Apart
from domain.market import Timeframe
from domain.values import epoch_ms
from storage.document_ports import JOBS
from storage.factory import build_ledger, build_store, open_documents
from storage.ports import AnalysisWrite, CandlesByTimeframe
from tests.fixtures.analyses import make_analysis, make_candle
from tests.fixtures.commands import exit_status
from tests.fixtures.ledger import make_entry
from tests.fixtures.settings import configured

pytest_plugins = ["tests.fixtures.mongod"]

NOW = datetime.now(UTC)
Command = Callable[..., int]


@pytest.fixture
def url(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of a database, which the command line reads from its environment."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("STORAGE__SPOOL_PATH", "")
    return database_url


@pytest.fixture
def command() -> Command:
    """Return a function that runs a command of `storage` and gives its exit status."""
    return partial(exit_status, "storage")


@pytest.fixture
def document(command: Command, capsys: pytest.CaptureFixture[str]) -> Callable[[str], Any]:
    """Return a function that runs a command and gives the JSON that it printed."""

    def run(name: str) -> Any:
        capsys.readouterr()
        assert command(name, "--json") == 0
        shown = capsys.readouterr()
        assert shown.err == ""
        return json.loads(shown.out)

    return run


def fill(url: str, *, days: int, candles: int = 0) -> None:
    """Archive 300 analyses of an age, one a minute, with candles of 1h, and keep one job."""
    settings = configured(StorageSettings, url=SecretStr(url), spool_path="")
    generated = NOW - timedelta(days=days)
    series: CandlesByTimeframe = {Timeframe.H1: [make_candle(n * Timeframe.H1.ms) for n in range(candles)]}
    writes = [
        AnalysisWrite(
            "key",
            make_analysis(
                analysis_id=f"{days}-{n}", generated_at=generated - timedelta(minutes=n), reasoning="so " * 900
            ),
            archive=True,
            candles=series,
        )
        for n in range(300)
    ]

    async def write() -> None:
        store = build_store(settings)
        await store.open()
        await store.save_analyses(writes)
        await store.close()
        async with open_documents(settings) as documents:
            await documents.put(JOBS, "j1", {"created_at": NOW})

    asyncio.run(write())


def fill_ledger(url: str, *, days: int) -> None:
    """Keep 30 entries of an age that are kept apart, and one that waits for its settlement."""
    known_ms = epoch_ms(NOW - timedelta(days=days))
    apart = [make_entry(id=f"{days}-{number}", known_ms=known_ms, apart=Apart.STALE) for number in range(30)]

    async def write() -> None:
        ledger = build_ledger(configured(StorageSettings, url=SecretStr(url), spool_path=""))
        await ledger.open()
        await ledger.append([*apart, make_entry(id=f"{days}-waiting", known_ms=known_ms)])
        await ledger.close()

    asyncio.run(write())


def counts(stats: Any) -> dict[str, int]:
    return {
        collection["name"]: collection["documents"] for collection in stats["collections"] if collection["documents"]
    }


def test_stats_count_every_collection_and_its_space(url: str, document: Callable[[str], Any]) -> None:
    fill(url, days=1, candles=40)
    stats = document("stats")
    assert counts(stats) == {"ai_analysis_results": 300, "analysis_archive": 300, "jobs": 1, "posted_candles": 40}
    for collection in stats["collections"]:
        assert collection["size_bytes"] > 0
    assert stats["total_bytes"] > 100_000


def test_prune_removes_what_is_too_old_or_too_much_and_vacuum_gives_the_space_of_a_file_back(
    url: str, document: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(url, days=400, candles=530)
    fill(url, days=1)
    monkeypatch.setenv("STORAGE__ARCHIVE_RETENTION_DAYS", "30")
    monkeypatch.setenv("STORAGE__CANDLES_PER_SERIES", "500")
    assert document("prune") == {"removed_analyses": 300, "removed_candles": 30, "removed_entries": 0}
    assert document("prune") == {"removed_analyses": 0, "removed_candles": 0, "removed_entries": 0}
    assert counts(document("stats"))["analysis_archive"] == 300
    if url.startswith("sqlite"):
        space = document("vacuum")
        assert counts(space["after"]) == counts(space["before"])
        assert space["before"]["free_bytes"] > 300 * 900
        assert space["after"]["free_bytes"] == 0
        assert space["after"]["total_bytes"] < space["before"]["total_bytes"]


def test_vacuum_says_that_the_file_stays_large_while_another_program_reads_it(
    document: Callable[[str], Any],
    command: Command,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", url := f"sqlite:///{tmp_path}/store.db")
    monkeypatch.setenv("STORAGE__SPOOL_PATH", "")
    monkeypatch.setattr("storage.sqlite.maintenance.WRITER_SECONDS", 0.05)
    fill(url, days=400)
    document("prune")
    before = document("stats")["total_bytes"]
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM analysis_archive").fetchone()
        assert command("vacuum") == 2
        assert "since another program reads the file" in capsys.readouterr().err
    assert document("vacuum")["after"]["total_bytes"] < before


def test_ledger_is_counted_and_pruned_by_its_own_retention(
    url: str, document: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(url, days=1)
    fill_ledger(url, days=500)
    fill_ledger(url, days=390)
    found = counts(document("stats"))
    assert (found["ledger_entries"], found["ledger_due"]) == (62, 2)
    monkeypatch.setenv("LEDGER__RETENTION_DAYS", "450")
    assert document("prune") == {"removed_analyses": 0, "removed_candles": 0, "removed_entries": 30}
    assert counts(document("stats"))["ledger_entries"] == 32


def test_tables_for_people(url: str, command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    fill(url, days=1)
    tables = {"stats": "analysis_archive", "prune": "posted candles"}
    if url.startswith("sqlite"):  # that of MongoDB, which takes a slow disk half a minute, is run once below
        tables["vacuum"] = "on disk"
    for name, words in tables.items():
        assert command(name) == 0
        assert words in capsys.readouterr().out


def test_file_that_is_not_there_or_locked_is_named_in_a_line(
    command: Command, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/none.db")
    for name in ("stats", "vacuum"):
        assert command(name) == 2
        assert capsys.readouterr().err == f"error: there is no database file {tmp_path}/none.db yet\n"
    (tmp_path / "none.db").write_bytes(b"no database " * 100)
    for name in ("stats", "vacuum", "prune"):
        assert command(name) == 2
        assert "error: the database file" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["none.db"]
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}")
    assert command("stats") == 2
    assert "DATABASE_URL (storage.url) names no file" in capsys.readouterr().err


def test_backup_is_a_whole_database_of_its_own_and_replaces_no_file(
    command: Command, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url := f"sqlite:///{tmp_path}/store.db")
    monkeypatch.setenv("STORAGE__SPOOL_PATH", "")
    fill(url, days=1, candles=40)
    copy = tmp_path / "copy.db"
    assert command("backup", str(copy), "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"file": str(copy), "size_bytes": copy.stat().st_size}
    assert sorted(file.name for file in tmp_path.glob("copy*")) == ["copy.db"]
    assert copy.stat().st_mode & 0o777 == 0o600
    before = copy.read_bytes()
    assert command("backup", str(copy)) == 2
    assert capsys.readouterr().err == f"error: {copy} exists already: name a new file\n"
    assert copy.read_bytes() == before
    assert command("backup", str(tmp_path / "none" / "copy.db")) == 2
    assert capsys.readouterr().err == f"error: there is no folder {tmp_path}/none for the copy\n"
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{copy}")
    assert command("stats", "--json") == 0
    found = counts(json.loads(capsys.readouterr().out))
    assert found == {"ai_analysis_results": 300, "analysis_archive": 300, "jobs": 1, "posted_candles": 40}


def test_a_damaged_database_gives_no_copy(
    command: Command, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", url := f"sqlite:///{tmp_path}/store.db")
    fill(url, days=1, candles=40)
    file = tmp_path / "store.db"
    content = bytearray(file.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 8192] = b"\xff" * 8192
    file.write_bytes(content)
    assert command("backup", str(tmp_path / "copy.db")) == 2
    assert "damaged" in capsys.readouterr().err
    assert list(tmp_path.glob("copy*")) == []


@pytest.mark.realserver
def test_a_backup_of_mongodb_names_its_own_tool(
    mongo_url: str,
    command: Command,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", mongo_url)
    assert command("backup", str(tmp_path / "copy.db")) == 2
    assert "use mongodump --uri" in capsys.readouterr().err


@pytest.mark.realserver
def test_vacuum_of_mongodb_keeps_every_document_and_leaves_the_collections_of_others_alone(
    mongo_url: str, document: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pymongo import MongoClient

    monkeypatch.setenv("DATABASE_URL", mongo_url)
    with MongoClient[dict[str, Any]](mongo_url) as client:
        client.get_default_database()["market_data"].insert_one({"symbol": "BTCUSDT"})
        fill(mongo_url, days=1)
        space = document("vacuum")
        assert counts(space["after"]) == counts(space["before"])
        assert counts(space["after"])["analysis_archive"] == 300
        assert "market_data" not in counts(space["after"])
        assert client.get_default_database()["market_data"].count_documents({}) == 1
