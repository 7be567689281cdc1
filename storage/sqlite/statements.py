"""Every statement that the SQLite store runs."""

from __future__ import annotations

from functools import lru_cache

from storage.ports import ANALYSIS_COLLECTION, ARCHIVE_COLLECTION, CANDLE_COLLECTION

# The table names are constants; every value is bound.
# Rows past their retention, and rows that a clock which ran ahead has dated.
PURGE = f"DELETE FROM {ANALYSIS_COLLECTION} WHERE created_at < ? OR created_at > ?"
SAVE_CACHED = f"""
INSERT OR IGNORE INTO {ANALYSIS_COLLECTION} (cache_key, analysis_id, symbol, generated_at, analysis, created_at)
VALUES (?, ?, ?, ?, ?, ?)
"""
SAVE_ARCHIVED = f"""
INSERT OR IGNORE INTO {ARCHIVE_COLLECTION} (cache_key, analysis_id, symbol, generated_at, analysis)
VALUES (?, ?, ?, ?, ?)
"""
LATEST = f"""
SELECT analysis FROM {ANALYSIS_COLLECTION} WHERE cache_key = ? AND generated_at BETWEEN ? AND ?
ORDER BY generated_at DESC, id DESC LIMIT 1
"""
ARCHIVED = f"SELECT analysis FROM {ARCHIVE_COLLECTION} WHERE analysis_id = ?"
NEWEST_ARCHIVED = f"""
SELECT analysis FROM {ARCHIVE_COLLECTION} WHERE generated_at <= ? ORDER BY generated_at DESC, sequence DESC LIMIT ?
"""
COUNT_CACHED = f"""
SELECT symbol, count(*), max(generated_at) FROM {ANALYSIS_COLLECTION} GROUP BY symbol ORDER BY symbol
"""
COUNT_ARCHIVED = f"SELECT count(*) FROM {ARCHIVE_COLLECTION}"
CLEAR = f"DELETE FROM {ANALYSIS_COLLECTION}"
LATEST_CANDLES = f"""
SELECT timestamp, open, high, low, close, volume FROM {CANDLE_COLLECTION}
WHERE symbol = ? AND timeframe = ? ORDER BY timestamp DESC LIMIT ?
"""
COUNT_CANDLES = f"""
SELECT count(*) FROM {CANDLE_COLLECTION} WHERE symbol = ? AND timeframe = ? AND timestamp BETWEEN ? AND ?
"""
DROP_ARCHIVED = f"""
DELETE FROM {ARCHIVE_COLLECTION} WHERE sequence IN
    (SELECT sequence FROM {ARCHIVE_COLLECTION} WHERE generated_at < ? ORDER BY generated_at LIMIT ?)
"""
# Each symbol is one look into the index; DISTINCT would read every candle.
CANDLE_SYMBOLS = f"""
WITH RECURSIVE symbols (symbol) AS (
    SELECT min(symbol) FROM {CANDLE_COLLECTION}
    UNION ALL
    SELECT (SELECT min(symbol) FROM {CANDLE_COLLECTION} WHERE symbol > symbols.symbol)
    FROM symbols WHERE symbols.symbol IS NOT NULL
)
SELECT symbol FROM symbols WHERE symbol IS NOT NULL
"""
CANDLE_SERIES = f"""
SELECT timeframe, count(*), max(timestamp) FROM {CANDLE_COLLECTION} WHERE symbol = ? GROUP BY timeframe
"""
DROP_OLDEST_CANDLES = f"""
DELETE FROM {CANDLE_COLLECTION} WHERE symbol = ?1 AND timeframe = ?2 AND timestamp IN
    (SELECT timestamp FROM {CANDLE_COLLECTION} WHERE symbol = ?1 AND timeframe = ?2 ORDER BY timestamp LIMIT ?3)
"""

REMOVE_CANDLES = f"DELETE FROM {CANDLE_COLLECTION} WHERE symbol = ?1 AND (?2 IS NULL OR timeframe = ?2)"

# One candle at a time takes twice as long, and each time the thread gives the interpreter's lock
# away and has to win it back; more at once saves nothing and makes many statements to prepare.
CANDLES_AT_ONCE = 100
# No candle of a market has it.
UNKNOWN_VOLUME = -1.0


@lru_cache(maxsize=CANDLES_AT_ONCE)
def save_candles(count: int) -> str:
    """Return the statement that saves `count` candles: symbol, timeframe, then six values per candle.

    Clients post mostly candles that are stored already: those cost a look-up and no write.
    """
    rows = ", ".join(["(?1, ?2, ?, ?, ?, ?, ?, ?)"] * count)
    return f"""
INSERT INTO {CANDLE_COLLECTION} (symbol, timeframe, timestamp, open, high, low, close, volume) VALUES {rows}
ON CONFLICT (symbol, timeframe, timestamp) DO UPDATE SET
    open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close, volume = excluded.volume
WHERE (open, high, low, close, volume)
    IS NOT (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume)
"""
