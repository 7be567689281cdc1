"""The tables of the SQLite store and every statement it runs."""

from __future__ import annotations

from functools import lru_cache

from storage.ports import ANALYSIS_COLLECTION, ARCHIVE_COLLECTION, CANDLE_COLLECTION

SCHEMA_VERSION = 2

# The cached analyses are told apart by key and id, so that saving one again changes nothing.
SCHEMA = f"""
BEGIN IMMEDIATE;
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
CREATE TABLE IF NOT EXISTS {ARCHIVE_COLLECTION} (
    analysis_id TEXT PRIMARY KEY,
    cache_key TEXT NOT NULL,
    symbol TEXT NOT NULL,
    generated_at INTEGER NOT NULL,
    analysis TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS {ARCHIVE_COLLECTION}_newest ON {ARCHIVE_COLLECTION} (generated_at);
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
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""

# The table names are constants of ours; every value is bound.
PURGE = f"DELETE FROM {ANALYSIS_COLLECTION} WHERE created_at < ?"  # noqa: S608
SAVE_CACHED = f"""
INSERT OR IGNORE INTO {ANALYSIS_COLLECTION} (cache_key, analysis_id, symbol, generated_at, created_at, analysis)
VALUES (?, ?, ?, ?, ?, ?)
"""  # noqa: S608
SAVE_ARCHIVED = f"""
INSERT OR IGNORE INTO {ARCHIVE_COLLECTION} (analysis_id, cache_key, symbol, generated_at, analysis)
VALUES (?, ?, ?, ?, ?)
"""  # noqa: S608
LATEST = f"""
SELECT analysis FROM {ANALYSIS_COLLECTION} WHERE cache_key = ? AND generated_at >= ?
ORDER BY generated_at DESC, id DESC LIMIT 1
"""  # noqa: S608
ARCHIVED = f"SELECT analysis FROM {ARCHIVE_COLLECTION} WHERE analysis_id = ?"  # noqa: S608
NEWEST_ARCHIVED = f"""
SELECT analysis FROM {ARCHIVE_COLLECTION} ORDER BY generated_at DESC, rowid DESC LIMIT ?
"""  # noqa: S608
ARCHIVED_SIGNALS = f"""
SELECT symbol, json_extract(analysis, '$.signal'), json_extract(analysis, '$.source'),
    json_extract(analysis, '$.price'), json_extract(analysis, '$.forecast.signal'), generated_at
FROM {ARCHIVE_COLLECTION} WHERE generated_at >= ? ORDER BY generated_at DESC, rowid DESC LIMIT ?
"""  # noqa: S608
COUNT_CACHED = f"""
SELECT symbol, count(*), max(generated_at) FROM {ANALYSIS_COLLECTION} GROUP BY symbol ORDER BY symbol
"""  # noqa: S608
COUNT_ARCHIVED = f"SELECT count(*) FROM {ARCHIVE_COLLECTION}"  # noqa: S608
CLEAR = f"DELETE FROM {ANALYSIS_COLLECTION}"  # noqa: S608
LATEST_CANDLES = f"""
SELECT timestamp, open, high, low, close, volume FROM {CANDLE_COLLECTION}
WHERE symbol = ? AND timeframe = ? ORDER BY timestamp DESC LIMIT ?
"""  # noqa: S608

REMOVE_CANDLES = f"DELETE FROM {CANDLE_COLLECTION} WHERE symbol = ?1 AND (?2 IS NULL OR timeframe = ?2)"  # noqa: S608

# One candle at a time takes 1.4 times as long, and each time the thread gives the interpreter's lock
# away and has to win it back; more at once saves nothing and makes many statements to prepare.
CANDLES_AT_ONCE = 25


@lru_cache(maxsize=CANDLES_AT_ONCE)
def save_candles(count: int) -> str:
    """Return the statement that saves so many candles: symbol, timeframe, then six values of each.

    Clients post mostly candles that are here already: those cost a look-up and no write.
    """
    rows = ", ".join(["(?, ?, ?, ?, ?, ?)"] * count)
    return f"""
INSERT INTO {CANDLE_COLLECTION} (symbol, timeframe, timestamp, open, high, low, close, volume)
SELECT ?, ?, * FROM (VALUES {rows}) WHERE true
ON CONFLICT (symbol, timeframe, timestamp) DO UPDATE SET
    open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close, volume = excluded.volume
WHERE (open, high, low, close, volume)
    IS NOT (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume)
"""  # noqa: S608
