"""Entries, settlements and sums as rows of SQLite, and back."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar

from domain.analysis import DataSource
from domain.errors import StorageUnavailable
from domain.ledger.entries import Apart, EntryKind, LedgerEntry, LedgerLane, Origin
from domain.ledger.settlements import LedgerRecord, PlanEnd, Settlement
from domain.market import Timeframe
from domain.values import Signal
from storage.ledger_ports import NAME_COLLECTION

E = TypeVar("E", bound=StrEnum)
Row = tuple[Any, ...]

ENTRY_COLUMNS = (
    "number, id, lane, lane_id, origin, symbol, timeframe, closed_ms, known_ms, kind, side, price, stop, target, "
    "horizon_candles, target_first, probability_up, confidence, cost_bps, given, cost_usd, source_data, apart, "
    "request_id"
)
ENTRY_WIDTH = ENTRY_COLUMNS.count(",") + 1
SETTLEMENT_COLUMNS = "entry, horizon, price, move, ended, r, ended_ms, settled_ms, source"
# The text of a packed id, for SQL that has to compare it.
ID_TEXT = "iif(typeof(id) = 'blob', lower(hex(substr(id, 1, 16))) || CAST(substr(id, 17) AS TEXT), id)"

_UUID_FIRST = re.compile(r"[0-9a-f]{32}")
_UUID_BYTES = 16


def packed(text: str) -> bytes | str:
    """Return a text that begins with a UUID in 32 hex digits as bytes, 16 shorter; any other as it is."""
    if not _UUID_FIRST.match(text):
        return text
    return bytes.fromhex(text[: 2 * _UUID_BYTES]) + text[2 * _UUID_BYTES :].encode()


def unpacked(stored: bytes | str) -> str:
    """Return the text of what `packed` made."""
    if isinstance(stored, str):
        return stored
    return stored[:_UUID_BYTES].hex() + stored[_UUID_BYTES:].decode(errors="replace")


class Names:
    """Texts that rows share, by number; for the time of one transaction, after which a number may be gone."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Read and write the table of this connection."""
        self._connection = connection
        self._numbers: dict[str, int] = {}
        self._texts: dict[int, str] = {}
        self._members: dict[tuple[type[StrEnum], int], Any] = {}

    def find(self, name: str) -> int | None:
        """Return the number of a text, None where no row has it."""
        query = f"SELECT number FROM {NAME_COLLECTION} WHERE name = ?"
        found = self._connection.execute(query, (name,)).fetchone()
        return None if found is None else int(found[0])

    def number(self, name: str) -> int:
        """Return the number of a text, a new one if it has none."""
        known = self._numbers.get(name)
        if known is None:
            known = self.find(name)
            if known is None:
                query = f"INSERT INTO {NAME_COLLECTION} (name) VALUES (?)"
                known = int(self._connection.execute(query, (str(name),)).lastrowid or 0)
            self._numbers[str(name)] = known
        return known

    def text(self, number: int) -> str:
        """Return the text of a number.

        Raises:
            ValueError: there is none.
        """
        if number not in self._texts:
            query = f"SELECT name FROM {NAME_COLLECTION} WHERE number = ?"
            found = self._connection.execute(query, (number,)).fetchone()
            if found is None:
                raise ValueError(f"{NAME_COLLECTION} has no number {number}")
            self._texts[number] = found[0]
        return self._texts[number]

    def member(self, kind: type[E], number: int) -> E:
        """Return the member of an enumeration whose text has this number; raises as `text`, also for another text."""
        found: E | None = self._members.get((kind, number))
        if found is None:
            found = self._members[kind, number] = kind(self.text(number))
        return found


def entry_row(entry: LedgerEntry, names: Names) -> Row:
    """Return the values of `ENTRY_COLUMNS` without the number."""
    return (
        packed(entry.id),
        names.number(entry.lane),
        names.number(entry.lane_id),
        names.number(entry.origin),
        names.number(entry.symbol),
        names.number(entry.timeframe),
        entry.closed_ms,
        entry.known_ms,
        names.number(entry.kind),
        names.number(entry.side),
        entry.price,
        entry.stop,
        entry.target,
        entry.horizon_candles,
        entry.target_first,
        entry.probability_up,
        entry.confidence,
        entry.cost_bps,
        entry.given,
        entry.cost_usd,
        names.number(entry.source_data),
        None if entry.apart is None else names.number(entry.apart),
        None if entry.request_id is None else packed(entry.request_id),
    )


def read_entry(row: Row, names: Names) -> LedgerEntry:
    """Return the entry of a row that begins with `ENTRY_COLUMNS`.

    Raises:
        StorageUnavailable: it is damaged, or another version of the service wrote it.
    """
    try:
        return LedgerEntry(
            id=unpacked(row[1]),
            lane=names.member(LedgerLane, row[2]),
            lane_id=names.text(row[3]),
            origin=names.member(Origin, row[4]),
            symbol=names.text(row[5]),
            timeframe=names.member(Timeframe, row[6]),
            closed_ms=row[7],
            known_ms=row[8],
            kind=names.member(EntryKind, row[9]),
            side=names.member(Signal, row[10]),
            price=row[11],
            stop=row[12],
            target=row[13],
            horizon_candles=row[14],
            target_first=row[15],
            probability_up=row[16],
            confidence=row[17],
            cost_bps=row[18],
            given=bool(row[19]),
            cost_usd=row[20],
            source_data=names.member(DataSource, row[21]),
            apart=None if row[22] is None else names.member(Apart, row[22]),
            request_id=None if row[23] is None else unpacked(row[23]),
        )
    except ValueError as error:
        raise StorageUnavailable(f"an entry of the ledger cannot be read: {error}") from error


def settlement_row(settlement: Settlement, entry: int, names: Names) -> Row:
    """Return the values of `SETTLEMENT_COLUMNS`."""
    return (
        entry,
        settlement.horizon,
        settlement.price,
        settlement.move,
        None if settlement.end is None else names.number(settlement.end),
        settlement.r,
        settlement.ended_ms,
        settlement.settled_ms,
        names.number(settlement.source),
    )


def _read_settlement(row: Row, entry_id: str, names: Names) -> Settlement:
    """Return the settlement that ends a row of `read_records`."""
    _, horizon, price, move, end, r, ended_ms, settled_ms, source = row[ENTRY_WIDTH + 1 :]
    ended = None if end is None else names.member(PlanEnd, end)
    return Settlement(entry_id, horizon, price, move, ended, r, ended_ms, settled_ms, names.text(source))


def read_records(rows: Iterable[Row], names: Names) -> Iterator[LedgerRecord]:
    """Yield the entries of rows with `ENTRY_COLUMNS`, repeats, and `SETTLEMENT_COLUMNS`, which are null without one.

    The rows of an entry follow each other, by horizon; raises as `read_entry`.
    """
    for _, of_entry in groupby(rows, key=itemgetter(0)):
        group = list(of_entry)
        entry = read_entry(group[0], names)
        try:
            settlements = [_read_settlement(row, entry.id, names) for row in group if row[ENTRY_WIDTH + 1] is not None]
        except ValueError as error:
            raise StorageUnavailable(f"a settlement of the ledger cannot be read: {error}") from error
        yield LedgerRecord(entry, tuple(settlements), group[0][ENTRY_WIDTH] or 0)
