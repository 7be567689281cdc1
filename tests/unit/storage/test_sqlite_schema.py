"""A file of an earlier release is brought up to date and keeps its data."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest

from domain.analysis import Analysis
from domain.errors import StorageUnavailable
from domain.market import Timeframe
from domain.values import epoch_ms
from storage.ledger_ports import LEDGER_COLLECTIONS
from storage.sqlite.ledger.ledger import SqliteLedger
from storage.sqlite.store import SqliteStore
from tests.fixtures.analyses import LATER, NOON, make_analysis, make_candle
from tests.fixtures.ledger import make_entry

SCHEMA_2 = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS ai_analysis_results (
    id INTEGER PRIMARY KEY,
    cache_key TEXT NOT NULL,
    analysis_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    generated_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    analysis TEXT NOT NULL,
    UNIQUE (cache_key, analysis_id)
);
CREATE INDEX IF NOT EXISTS ai_analysis_results_newest ON ai_analysis_results (cache_key, generated_at);
CREATE INDEX IF NOT EXISTS ai_analysis_results_symbol ON ai_analysis_results (symbol, generated_at);
CREATE INDEX IF NOT EXISTS ai_analysis_results_expiry ON ai_analysis_results (created_at);
CREATE TABLE IF NOT EXISTS analysis_archive (
    analysis_id TEXT PRIMARY KEY,
    cache_key TEXT NOT NULL,
    symbol TEXT NOT NULL,
    generated_at INTEGER NOT NULL,
    analysis TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS analysis_archive_newest ON analysis_archive (generated_at);
CREATE TABLE IF NOT EXISTS posted_candles (
    symbol TEXT NOT NULL,
    timeframe TEXT NOT NULL,
    timestamp INTEGER NOT NULL,
    open REAL NOT NULL,
    high REAL NOT NULL,
    low REAL NOT NULL,
    close REAL NOT NULL,
    volume REAL NOT NULL,
    PRIMARY KEY (symbol, timeframe, timestamp)
) WITHOUT ROWID;
PRAGMA user_version = 2;
COMMIT;
"""


def of_schema_2(path: Path) -> list[Analysis]:
    """Make a file as schema 2 had it, and return what is archived there, newest first."""
    moments = [NOON, NOON + timedelta(minutes=2), NOON + timedelta(minutes=1), NOON + timedelta(minutes=2)]
    analyses = [make_analysis(analysis_id=f"a-{n}", generated_at=moment) for n, moment in enumerate(moments)]
    rows = [(old.analysis_id, "key", old.symbol, epoch_ms(old.generated_at), old.model_dump_json()) for old in analyses]
    with closing(sqlite3.connect(path)) as old, old:
        old.execute("PRAGMA journal_mode = WAL")
        old.executescript(SCHEMA_2)
        old.executemany("INSERT INTO analysis_archive VALUES (?, ?, ?, ?, ?)", rows)
        old.execute(
            "INSERT INTO ai_analysis_results VALUES (1, 'key', 'a-1', 'BTCUSDT', ?, ?, ?)",
            (rows[1][3], 9**13, rows[1][4]),
        )
        old.execute("INSERT INTO posted_candles VALUES ('BTCUSDT', '1h', ?, ?, ?, ?, ?, ?)", make_candle(0))
    return [analyses[3], analyses[1], analyses[2], analyses[0]]


async def test_file_of_schema_2_keeps_its_data_and_gets_sequences(tmp_path: Path) -> None:
    kept = of_schema_2(tmp_path / "store.db")
    store = SqliteStore(tmp_path / "store.db", cache_retention=timedelta(days=99_999))
    for _ in range(2):  # a file that was brought up to date is left as it is
        await store.open()
        assert await store.newest_archived(9) == kept
        assert await store.latest_analysis("key", NOON, LATER) == kept[1]
        assert await store.latest_candles("BTCUSDT", Timeframe.H1, 9) == [make_candle(0)]
    await store.save_analysis("key", make_analysis(analysis_id="new"), archive=True)
    await store.save_analysis("key", kept[0], archive=True)
    await store.close()
    with closing(sqlite3.connect(tmp_path / "store.db")) as other:
        rows = other.execute("SELECT sequence, analysis_id FROM analysis_archive ORDER BY sequence").fetchall()
        assert rows == [(1, "a-0"), (2, "a-1"), (3, "a-2"), (4, "a-3"), (5, "new")]
        assert other.execute("PRAGMA user_version").fetchone() == (3,)
        names = {name for (name,) in other.execute("SELECT name FROM sqlite_schema")}
        assert not {name for name in names if "schema_2" in name}


async def test_sequences_are_never_used_again(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    await store.open()
    for name in ("a-1", "a-2"):
        await store.save_analysis("key", make_analysis(analysis_id=name), archive=True)
    with closing(sqlite3.connect(tmp_path / "store.db")) as other, other:
        other.execute("DELETE FROM analysis_archive")
    await store.save_analysis("key", make_analysis(analysis_id="a-3"), archive=True)
    await store.close()
    with closing(sqlite3.connect(tmp_path / "store.db")) as other:
        assert other.execute("SELECT sequence FROM analysis_archive").fetchall() == [(3,)]


async def test_file_that_cannot_be_brought_up_to_date_now_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    kept = of_schema_2(path)
    store = SqliteStore(path, busy_seconds=0.1)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable, match="another program keeps the database file locked"):
            await store.open()
        assert other.execute("PRAGMA user_version").fetchone() == (2,)
    await store.open()
    assert await store.newest_archived(9) == kept
    await store.close()


@pytest.mark.parametrize("ledger_first", [True, False])
async def test_file_of_an_earlier_release_gets_the_ledger_and_keeps_its_data(
    tmp_path: Path, ledger_first: bool
) -> None:
    kept = of_schema_2(tmp_path / "store.db")
    store, ledger = SqliteStore(tmp_path / "store.db"), SqliteLedger(tmp_path / "store.db")
    for database in (ledger, store) if ledger_first else (store, ledger):
        await database.open()
    await ledger.append([make_entry()])
    assert await store.newest_archived(9) == kept
    assert await ledger.booked(date(2021, 1, 4)) == [make_entry()]
    await ledger.close()
    await store.close()
    with closing(sqlite3.connect(tmp_path / "store.db")) as other:
        names = {name for (name,) in other.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        assert set(LEDGER_COLLECTIONS) <= names


async def test_ledger_does_not_write_into_a_file_of_a_newer_release(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "store.db")) as newer:
        newer.execute("PRAGMA user_version = 999")
    ledger = SqliteLedger(tmp_path / "store.db")
    with pytest.raises(StorageUnavailable, match="schema version 999"):
        await ledger.open()
    with closing(sqlite3.connect(tmp_path / "store.db")) as newer:
        assert newer.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)
