"""The statements on the ledger's tables in SQLite."""

from __future__ import annotations

from domain.ledger.entries import LONGEST_HORIZON
from storage.ledger_ports import (
    AGGREGATE_COLLECTION,
    DAY_COLLECTION,
    LEDGER_COLLECTION,
    LEDGER_DUE_COLLECTION,
    MARK_COLLECTION,
    REPEAT_COLLECTION,
    SETTLEMENT_COLLECTION,
    EntryFilter,
    Position,
)
from storage.sqlite.ledger.rows import ENTRY_COLUMNS, ID_TEXT, SETTLEMENT_COLUMNS, Names
from storage.sqlite.ledger.sums import AGGREGATE_COLUMNS


def _of(table: str, columns: str) -> str:
    return ", ".join(f"{table}.{name}" for name in columns.split(", "))


# The table names are constants; every value is bound.
BEGIN = "BEGIN IMMEDIATE"  # before the first look: nobody writes in between
_INSERTED = ENTRY_COLUMNS.removeprefix("number, ")
APPEND = f"""
INSERT OR IGNORE INTO {LEDGER_COLLECTION} ({_INSERTED}, booked_day)
VALUES ({", ".join("?" * (_INSERTED.count(",") + 2))})
"""
IS_KNOWN = f"SELECT 1 FROM {LEDGER_COLLECTION} WHERE id = ?"
NEWEST_CLOSED = f"SELECT max(day) FROM {DAY_COLLECTION}"
REPEAT = f"""
INSERT INTO {REPEAT_COLLECTION} (entry, repeats) SELECT number, ?2 FROM {LEDGER_COLLECTION} WHERE id = ?1
ON CONFLICT (entry) DO UPDATE SET repeats = repeats + excluded.repeats
"""
_RECORDS = f"""
SELECT {_of("e", ENTRY_COLUMNS)}, repeats, {_of("s", SETTLEMENT_COLUMNS)}
FROM {{}} AS e
LEFT JOIN {REPEAT_COLLECTION} AS r ON r.entry = e.number
LEFT JOIN {SETTLEMENT_COLLECTION} AS s ON s.entry = e.number
"""
RECORD = f"{_RECORDS.format(LEDGER_COLLECTION)} WHERE id = ? ORDER BY s.horizon"

FIND = f"SELECT number, closed_ms, timeframe FROM {LEDGER_COLLECTION} WHERE id = ?"
MARK = f"INSERT OR IGNORE INTO {MARK_COLLECTION} (day) VALUES (?)"
SETTLE = f"""
INSERT OR IGNORE INTO {SETTLEMENT_COLLECTION} ({SETTLEMENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
MARKED = f"SELECT day FROM {MARK_COLLECTION} ORDER BY day"
UNMARK = f"DELETE FROM {MARK_COLLECTION} WHERE day = ?"

_LENGTH_MS = f"(iif(s.horizon = 0, {LONGEST_HORIZON}, s.horizon) * ?2)"
_STRETCH_BEGINS = f"closed_ms / {_LENGTH_MS} * {_LENGTH_MS}"
# Values: timeframe and its length, the first moment of the day and of the next, and the times within which settlements
# were made. A stretch that begins in the day is at most as long as the longest one.
SETTLED = f"""
{_RECORDS.format(LEDGER_COLLECTION).replace(f"LEFT JOIN {SETTLEMENT_COLLECTION}", f"JOIN {SETTLEMENT_COLLECTION}")}
WHERE timeframe = ?1 AND closed_ms >= ?3 AND closed_ms < ?4 + {LONGEST_HORIZON} * ?2 AND apart IS NULL
AND s.settled_ms >= ?5 AND s.settled_ms < ?6 AND {_STRETCH_BEGINS} >= ?3 AND {_STRETCH_BEGINS} < ?4
ORDER BY closed_ms, number, s.horizon
"""

DROP_AGGREGATES = f"DELETE FROM {AGGREGATE_COLLECTION} WHERE day = ?"
PUT_AGGREGATE = f"""
INSERT INTO {AGGREGATE_COLLECTION} ({AGGREGATE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
AGGREGATES = f"""
SELECT {AGGREGATE_COLUMNS} FROM {AGGREGATE_COLLECTION} WHERE level = ? AND day BETWEEN ? AND ? ORDER BY day, position
"""

# Those booked in the day of their known time, and late ones.
BOOKED = f"""
SELECT {ENTRY_COLUMNS} FROM {LEDGER_COLLECTION} WHERE known_ms >= ?2 AND known_ms < ?3 AND booked_day IS NULL
UNION ALL SELECT {ENTRY_COLUMNS} FROM {LEDGER_COLLECTION} WHERE booked_day = ?1
"""
COUNT_BOOKED = f"""
SELECT (SELECT count(*) FROM {LEDGER_COLLECTION} WHERE known_ms >= ?2 AND known_ms < ?3 AND booked_day IS NULL)
    + (SELECT count(*) FROM {LEDGER_COLLECTION} WHERE booked_day = ?1)
"""
CLOSE_DAY = f"""
INSERT OR IGNORE INTO {DAY_COLLECTION} (day, entries, root, chained, closed_ms) VALUES (?, ?, ?, ?, ?)
"""
DAY_ROOTS = f"""
SELECT day, entries, root, chained, closed_ms FROM {DAY_COLLECTION}
WHERE ?1 IS NULL OR day < ?1 ORDER BY day DESC LIMIT ?2
"""

COUNT = f"SELECT count(*), coalesce(sum(apart IS NULL), 0) FROM {LEDGER_COLLECTION}"
OLD = f"""
SELECT number FROM {LEDGER_COLLECTION}
WHERE known_ms < ? AND number NOT IN (SELECT entry FROM {LEDGER_DUE_COLLECTION}) ORDER BY known_ms LIMIT ?
"""
REMOVE = (
    f"DELETE FROM {SETTLEMENT_COLLECTION} WHERE entry = ?",
    f"DELETE FROM {REPEAT_COLLECTION} WHERE entry = ?",
    f"DELETE FROM {LEDGER_COLLECTION} WHERE number = ?",
)


def page(names: Names, wanted: EntryFilter, limit: int, before: Position | None) -> tuple[str, list[int | str]] | None:
    """Return the statement of a page of records, the newest known first, and its values; None where none can match."""
    where = _where(names, wanted, before)
    if where is None:
        return None
    condition, values = where
    order = f"ORDER BY known_ms DESC, {ID_TEXT} DESC"
    chosen = f"SELECT * FROM {LEDGER_COLLECTION} WHERE {condition} {order} LIMIT ?"
    return f"{_RECORDS.format(f'({chosen})')} {order}, s.horizon", [*values, limit]


def known_at(names: Names, wanted: EntryFilter, place: int) -> tuple[str, list[int | str]] | None:
    """Return the statement of the known time at a place of all pages, and its values; None where none can match."""
    where = _where(names, wanted)
    if where is None:
        return None
    condition, values = where
    statement = f"SELECT known_ms FROM {LEDGER_COLLECTION} WHERE {condition} ORDER BY known_ms DESC LIMIT 1 OFFSET ?"
    return statement, [*values, place - 1]


def _where(names: Names, wanted: EntryFilter, before: Position | None = None) -> tuple[str, list[int | str]] | None:
    """Return the condition of entries, and its values; None where none can match.

    The plus signs keep SQLite from an index that would bring the entries out of their order.
    """
    conditions, values = list[str](), list[int | str]()

    def add(condition: str, *bound: int | str) -> None:
        conditions.append(condition)
        values.extend(bound)

    for column in ("lane", "lane_id", "symbol", "timeframe", "side", "kind", "origin"):
        if (name := getattr(wanted, column)) is not None:
            if (number := names.find(name)) is None:
                return None
            indexed = column == "symbol" or (column == "lane_id" and wanted.symbol is None)
            add(f"{'' if indexed else '+'}{column} = ?", number)
    if wanted.given is not None:
        add("given = ?", wanted.given)
    if wanted.scored is not None:
        add("(apart IS NULL) = ?", wanted.scored)
    if wanted.since_ms is not None:
        add("known_ms >= ?", wanted.since_ms)
    if wanted.until_ms is not None:
        add("known_ms < ?", wanted.until_ms)
    if before is not None:
        add(f"known_ms <= ? AND (known_ms < ? OR {ID_TEXT} < ?)", before[0], before[0], before[1])
    return " AND ".join(conditions) or "TRUE", values
