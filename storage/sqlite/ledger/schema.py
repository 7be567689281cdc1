"""The tables of the ledger in SQLite, as small as they can be: there are thousands of entries a day.

Texts that many rows share are numbers of `ledger_names`, and other tables name an entry by its number.
"""

from __future__ import annotations

import sqlite3

from storage.ledger_ports import (
    AGGREGATE_COLLECTION,
    DAY_COLLECTION,
    LEDGER_COLLECTION,
    LEDGER_DUE_COLLECTION,
    MARK_COLLECTION,
    NAME_COLLECTION,
    REPEAT_COLLECTION,
    SETTLEMENT_COLLECTION,
)
from storage.sqlite.schema import read_version

# `id` and `request_id` are blobs where they begin with a UUID (`packed`), else texts; `booked_day` is null where an
# entry is booked in the day of `known_ms`. One row of `due` has all horizons of an entry: `waiting` has the bit
# `1 << horizon` of each, `postponed` their later times as JSON, `due_ms` the first time of all.
# The index by known time holds what a page may be filtered by: most filters look at no row that they leave out.
_TABLES = f"""
CREATE TABLE IF NOT EXISTS {NAME_COLLECTION} (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS {LEDGER_COLLECTION} (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    lane INTEGER NOT NULL,
    lane_id INTEGER NOT NULL,
    origin INTEGER NOT NULL,
    symbol INTEGER NOT NULL,
    timeframe INTEGER NOT NULL,
    closed_ms INTEGER NOT NULL,
    known_ms INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    side INTEGER NOT NULL,
    price REAL NOT NULL,
    stop REAL,
    target REAL,
    horizon_candles INTEGER,
    target_first REAL,
    probability_up REAL,
    confidence REAL NOT NULL,
    cost_bps REAL NOT NULL,
    given INTEGER NOT NULL,
    cost_usd REAL,
    source_data INTEGER NOT NULL,
    apart INTEGER,
    request_id BLOB,
    booked_day TEXT
);
CREATE INDEX IF NOT EXISTS {LEDGER_COLLECTION}_known ON {LEDGER_COLLECTION}
    (known_ms, lane, timeframe, side, kind, origin, given, apart);
CREATE INDEX IF NOT EXISTS {LEDGER_COLLECTION}_symbol ON {LEDGER_COLLECTION} (symbol, known_ms);
CREATE INDEX IF NOT EXISTS {LEDGER_COLLECTION}_lane ON {LEDGER_COLLECTION} (lane_id, known_ms);
CREATE INDEX IF NOT EXISTS {LEDGER_COLLECTION}_closed ON {LEDGER_COLLECTION} (timeframe, closed_ms);
CREATE INDEX IF NOT EXISTS {LEDGER_COLLECTION}_late ON {LEDGER_COLLECTION} (booked_day) WHERE booked_day IS NOT NULL;
CREATE TABLE IF NOT EXISTS {LEDGER_DUE_COLLECTION} (
    entry INTEGER PRIMARY KEY,
    due_ms INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    postponed TEXT
);
CREATE INDEX IF NOT EXISTS {LEDGER_DUE_COLLECTION}_first ON {LEDGER_DUE_COLLECTION} (due_ms);
CREATE TABLE IF NOT EXISTS {SETTLEMENT_COLLECTION} (
    entry INTEGER NOT NULL,
    horizon INTEGER NOT NULL,
    price REAL,
    move REAL,
    ended INTEGER,
    r REAL,
    ended_ms INTEGER NOT NULL,
    settled_ms INTEGER NOT NULL,
    source INTEGER NOT NULL,
    PRIMARY KEY (entry, horizon)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS {REPEAT_COLLECTION} (entry INTEGER PRIMARY KEY, repeats INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS {AGGREGATE_COLLECTION} (
    level INTEGER NOT NULL,
    day TEXT NOT NULL,
    position INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    lane_id INTEGER NOT NULL,
    timeframe INTEGER NOT NULL,
    horizon INTEGER NOT NULL,
    symbol INTEGER NOT NULL,
    side INTEGER NOT NULL,
    bin INTEGER NOT NULL,
    figures INTEGER NOT NULL,
    sums BLOB NOT NULL,
    PRIMARY KEY (level, day, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS {DAY_COLLECTION} (
    day TEXT PRIMARY KEY,
    entries INTEGER NOT NULL,
    root TEXT NOT NULL,
    chained TEXT NOT NULL,
    closed_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS {MARK_COLLECTION} (day TEXT PRIMARY KEY) WITHOUT ROWID;
"""


def prepare_ledger(connection: sqlite3.Connection) -> None:
    """Make the tables, also in a file of an earlier release, which had none; whole or not at all.

    Raises:
        StorageUnavailable: a newer release has made others.
    """
    read_version(connection)
    connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} COMMIT;")
