"""The horizons of entries that are not settled yet: one row for all of an entry, gone with the last of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from domain.ledger.entries import HORIZONS, PLAN, LedgerEntry
from domain.market import Timeframe
from storage.ledger_ports import LEDGER_COLLECTION, LEDGER_DUE_COLLECTION, Due
from storage.ledger_values import due_ms, first_due
from storage.sqlite.ledger.rows import ENTRY_COLUMNS, ENTRY_WIDTH, Names, Row, read_entry

# The table names are constants; every value is bound.
_OWE = f"INSERT INTO {LEDGER_DUE_COLLECTION} (entry, due_ms, waiting, postponed) VALUES (?, ?, ?, ?)"
_CHANGE = f"UPDATE {LEDGER_DUE_COLLECTION} SET due_ms = ?2, waiting = ?3, postponed = ?4 WHERE entry = ?1"
_FORGET = f"DELETE FROM {LEDGER_DUE_COLLECTION} WHERE entry = ?"
_WAITING = f"SELECT waiting, postponed FROM {LEDGER_DUE_COLLECTION} WHERE entry = ?"
_DUE = f"""
SELECT {ENTRY_COLUMNS}, waiting, postponed FROM {LEDGER_DUE_COLLECTION}
JOIN {LEDGER_COLLECTION} ON number = entry WHERE due_ms <= ? ORDER BY due_ms LIMIT ?
"""
_BITS = " + ".join(f"(waiting >> {horizon} & 1)" for horizon in (PLAN, *HORIZONS))
COUNT_WAITING = f"SELECT coalesce(sum({_BITS}), 0), min(due_ms) FROM {LEDGER_DUE_COLLECTION}"


class Market(NamedTuple):
    """What the due times of an entry follow from."""

    closed_ms: int
    timeframe: Timeframe


def owe(connection: sqlite3.Connection, entries: Iterable[tuple[int, LedgerEntry]]) -> None:
    """Put every horizon of new entries on the list of due ones; the entries come with their numbers."""
    rows = (
        _row(number, Market(entry.closed_ms, entry.timeframe), entry.horizons, {})
        for number, entry in entries
        if entry.horizons
    )
    connection.executemany(_OWE, rows)


def due(connection: sqlite3.Connection, now_ms: int, limit: int) -> list[Due]:
    """Return the horizons that are due, the first due first.

    The first `limit` of all are among those of the `limit` entries with the first due times.
    """
    rows = connection.execute(_DUE, (now_ms, limit))
    return first_due(_waiting(rows, Names(connection)), now_ms, limit)


def _waiting(rows: Iterable[Row], names: Names) -> Iterator[tuple[LedgerEntry, dict[int, int]]]:
    for row in rows:
        entry = read_entry(row, names)
        yield entry, _times(Market(entry.closed_ms, entry.timeframe), *row[ENTRY_WIDTH:])


def change(
    connection: sqlite3.Connection, number: int, market: Market, settled: Iterable[int], postponed: dict[int, int]
) -> None:
    """Take settled horizons of an entry off the list, and give others a later due time; what is not due stays so."""
    found = connection.execute(_WAITING, (number,)).fetchone()
    if found is None:
        return
    horizons = [horizon for horizon in _horizons(found[0]) if horizon not in set(settled)]
    if not horizons:
        connection.execute(_FORGET, (number,))
        return
    later = _postponed(found[1]) | postponed
    row = _row(number, market, horizons, {horizon: later[horizon] for horizon in horizons if horizon in later})
    connection.execute(_CHANGE, row)


def _row(
    number: int, market: Market, horizons: Iterable[int], postponed: dict[int, int]
) -> tuple[int, int, int, str | None]:
    bits = sum(1 << horizon for horizon in horizons)
    text = json.dumps(postponed, separators=(",", ":")) if postponed else None
    return number, min(_times(market, bits, text).values()), bits, text


def _times(market: Market, bits: int, postponed: str | None) -> dict[int, int]:
    """Return the due times of the horizons that wait."""
    return {horizon: due_ms(*market, horizon) for horizon in _horizons(bits)} | _postponed(postponed)


def _postponed(text: str | None) -> dict[int, int]:
    return {} if text is None else {int(horizon): time_ms for horizon, time_ms in json.loads(text).items()}


def _horizons(bits: int) -> Iterator[int]:
    return (horizon for horizon in range(bits.bit_length()) if bits >> horizon & 1)
