"""The tables of the SQLite store, and how a file of an earlier release is brought to them."""

from __future__ import annotations

import sqlite3

from domain.errors import StorageUnavailable
from storage.ports import ANALYSIS_COLLECTION, ARCHIVE_COLLECTION, CANDLE_COLLECTION

SCHEMA_VERSION = 3

# The archive of schema 2 had no sequence column, and VACUUM may change the row ids of SQLite.
_ARCHIVE = f"""
CREATE TABLE IF NOT EXISTS {ARCHIVE_COLLECTION} (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    analysis_id TEXT NOT NULL UNIQUE,
    cache_key TEXT NOT NULL,
    symbol TEXT NOT NULL,
    generated_at INTEGER NOT NULL,
    analysis TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS {ARCHIVE_COLLECTION}_newest ON {ARCHIVE_COLLECTION} (generated_at);
"""
# Key and id identify a cached analysis, so that saving one again changes nothing.
_CACHE_AND_CANDLES = f"""
CREATE TABLE IF NOT EXISTS {ANALYSIS_COLLECTION} (
    id INTEGER PRIMARY KEY,
    cache_key TEXT NOT NULL,
    analysis_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    generated_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    analysis TEXT NOT NULL,
    UNIQUE (cache_key, analysis_id)
);
CREATE INDEX IF NOT EXISTS {ANALYSIS_COLLECTION}_newest ON {ANALYSIS_COLLECTION} (cache_key, generated_at);
CREATE INDEX IF NOT EXISTS {ANALYSIS_COLLECTION}_symbol ON {ANALYSIS_COLLECTION} (symbol, generated_at);
CREATE INDEX IF NOT EXISTS {ANALYSIS_COLLECTION}_expiry ON {ANALYSIS_COLLECTION} (created_at);
CREATE TABLE IF NOT EXISTS {CANDLE_COLLECTION} (
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
"""
_OLD_ARCHIVE = f"{ARCHIVE_COLLECTION}_of_schema_2"
_NUMBER_ARCHIVE = f"""
ALTER TABLE {ARCHIVE_COLLECTION} RENAME TO {_OLD_ARCHIVE};
DROP INDEX IF EXISTS {ARCHIVE_COLLECTION}_newest;
{_ARCHIVE}
INSERT INTO {ARCHIVE_COLLECTION} (analysis_id, cache_key, symbol, generated_at, analysis)
SELECT analysis_id, cache_key, symbol, generated_at, analysis FROM {_OLD_ARCHIVE} ORDER BY rowid;
DROP TABLE {_OLD_ARCHIVE};
"""
_HAS_UNNUMBERED_ARCHIVE = f"""
SELECT count(*) > 0 AND NOT max(name = 'sequence') FROM pragma_table_info('{ARCHIVE_COLLECTION}')
"""


def read_version(connection: sqlite3.Connection) -> int:
    """Return the schema version of a file, 0 of a new one.

    Raises:
        StorageUnavailable: a newer release has made its tables.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        raise StorageUnavailable(
            f"the sqlite file has schema version {version}; this service reads up to {SCHEMA_VERSION}"
        )
    return version


def prepare(connection: sqlite3.Connection) -> None:
    """Make the tables, or bring those of an earlier release to this one, whole or not at all.

    Raises:
        StorageUnavailable: a newer release has made others.
    """
    version = read_version(connection)
    if version < SCHEMA_VERSION:
        (unnumbered,) = connection.execute(_HAS_UNNUMBERED_ARCHIVE).fetchone()
        archive = _NUMBER_ARCHIVE if unnumbered else _ARCHIVE
        done = f"PRAGMA user_version = {SCHEMA_VERSION};"
        connection.executescript(f"BEGIN IMMEDIATE; {_CACHE_AND_CANDLES} {archive} {done} COMMIT;")
