"""The embedded ledger: tables of their own in the file of the analyses."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from domain.ledger.days import Aggregate, DayRoot
from domain.ledger.entries import LedgerEntry
from domain.ledger.settlements import LedgerRecord, Settlement
from domain.market import Timeframe
from storage.ledger_ports import EVER_MS, Due, EntryFilter, LedgerSize, Position, Postponed
from storage.ledger_values import ENTRIES_AT_ONCE, booked_day, day_of, first_ms, stretch_day
from storage.sqlite.database import SqliteDatabase
from storage.sqlite.ledger import due as ledger_due
from storage.sqlite.ledger import statements as sql
from storage.sqlite.ledger.due import Market
from storage.sqlite.ledger.rows import Names, entry_row, packed, read_entry, read_records, settlement_row
from storage.sqlite.ledger.schema import prepare_ledger
from storage.sqlite.ledger.sums import aggregate_row, read_aggregate


class SqliteLedger(SqliteDatabase):
    """Keeps the ledger; every call is one transaction, so that nothing is kept by halves."""

    _prepare = staticmethod(prepare_ledger)

    async def append(self, entries: Sequence[LedgerEntry]) -> None:
        """Keep the entries in one transaction; none is kept where one is refused."""

        def append(connection: sqlite3.Connection) -> None:
            connection.execute(sql.BEGIN)
            names = Names(connection)
            (newest,) = connection.execute(sql.NEWEST_CLOSED).fetchone()
            closed = None if newest is None else date.fromisoformat(newest)
            new = []
            for entry in entries:
                day = booked_day(entry.known_ms, closed)
                late = None if day == day_of(entry.known_ms) else day.isoformat()
                if connection.execute(sql.IS_KNOWN, (packed(entry.id),)).fetchone() is None:
                    inserted = connection.execute(sql.APPEND, (*entry_row(entry, names), late))
                    new.append((int(inserted.lastrowid or 0), entry))
            ledger_due.owe(connection, new)

        await self._file.write("append", append)

    async def repeat(self, counts: Mapping[str, int]) -> None:
        """Count entries that were given again; an id without an entry counts nothing."""
        rows = [(packed(entry_id), count) for entry_id, count in counts.items()]
        await self._file.write("repeat", lambda connection: connection.executemany(sql.REPEAT, rows))

    async def entry(self, entry_id: str) -> LedgerRecord | None:
        """Return an entry with its settlements."""

        def find(connection: sqlite3.Connection) -> LedgerRecord | None:
            rows = connection.execute(sql.RECORD, (packed(entry_id),))
            return next(read_records(rows, Names(connection)), None)

        return await self._file.read("entry", find)

    async def entries(self, wanted: EntryFilter, limit: int, before: Position | None = None) -> list[LedgerRecord]:
        """Return a page of entries, the newest known first."""

        def find(connection: sqlite3.Connection) -> list[LedgerRecord]:
            names = Names(connection)
            page = sql.page(names, wanted, limit, before)
            return [] if page is None else list(read_records(connection.execute(*page), names))

        return await self._file.read("entries", find)

    async def known_at(self, wanted: EntryFilter, place: int) -> int | None:
        """Return when the entry at a place was known, the newest at 1."""

        def find(connection: sqlite3.Connection) -> int | None:
            statement = sql.known_at(Names(connection), wanted, place)
            row = None if statement is None else connection.execute(*statement).fetchone()
            return None if row is None else int(row[0])

        return await self._file.read("known_at", find)

    async def due(self, now_ms: int, limit: int) -> list[Due]:
        """Return horizons that are due, the first due first."""
        return await self._file.read("due", lambda connection: ledger_due.due(connection, now_ms, limit))

    async def settle(self, settlements: Sequence[Settlement], postponed: Sequence[Postponed] = ()) -> int:
        """Keep settlements, with the marks of their days, in one transaction."""

        def settle(connection: sqlite3.Connection) -> int:
            connection.execute(sql.BEGIN)
            names = Names(connection)
            found = _found(connection, names, {e.entry_id for e in settlements} | {e.entry_id for e in postponed})
            settled, later = defaultdict[str, set[int]](set), defaultdict[str, dict[int, int]](dict)
            rows, days = [], set()
            for settlement in settlements:
                if settlement.entry_id in found:
                    number, market = found[settlement.entry_id]
                    rows.append(settlement_row(settlement, number, names))
                    days.add((stretch_day(*market, settlement.horizon).isoformat(),))
                    settled[settlement.entry_id].add(settlement.horizon)
            for wait in postponed:
                later[wait.entry_id][wait.horizon] = wait.due_ms
            connection.executemany(sql.MARK, days)
            new = connection.executemany(sql.SETTLE, rows).rowcount if rows else 0
            for entry_id, (number, market) in found.items():
                ledger_due.change(connection, number, market, settled[entry_id], later[entry_id])
            return new

        return await self._file.write("settle", settle)

    async def days_to_add_up(self) -> list[date]:
        """Return the days that are marked."""
        rows = await self._file.read("days_to_add_up", lambda connection: connection.execute(sql.MARKED).fetchall())
        return [date.fromisoformat(day) for (day,) in rows]

    async def settled(self, day: date, made_ms: tuple[int, int] = EVER_MS) -> list[LedgerRecord]:
        """Return the scored entries with settlements whose stretches begin in this day."""

        def settled(connection: sqlite3.Connection) -> list[LedgerRecord]:
            names = Names(connection)
            bounds = first_ms(day), first_ms(day + timedelta(days=1)), *made_ms
            values = [(names.find(timeframe), timeframe.ms, *bounds) for timeframe in Timeframe]
            return [
                record
                for of_timeframe in values
                for record in read_records(connection.execute(sql.SETTLED, of_timeframe), names)
            ]

        return await self._file.scan("settled", settled)

    async def put_aggregates(self, day: date, aggregates: Sequence[Aggregate]) -> None:
        """Replace the sums of the day and take its mark away, in one transaction."""

        def put(connection: sqlite3.Connection) -> None:
            connection.execute(sql.BEGIN)
            names = Names(connection)
            connection.execute(sql.DROP_AGGREGATES, (day.isoformat(),))
            rows = [aggregate_row(sums, position, names) for position, sums in enumerate(aggregates)]
            connection.executemany(sql.PUT_AGGREGATE, rows)
            connection.execute(sql.UNMARK, (day.isoformat(),))

        await self._file.write("put_aggregates", put)

    async def aggregates(self, level: str, since: date, until: date) -> list[Aggregate]:
        """Return the sums of a level, by day."""

        def find(connection: sqlite3.Connection) -> list[Aggregate]:
            names = Names(connection)
            values = names.find(level), since.isoformat(), until.isoformat()
            return [read_aggregate(row, names) for row in connection.execute(sql.AGGREGATES, values)]

        return await self._file.read("aggregates", find)

    async def booked(self, day: date) -> list[LedgerEntry]:
        """Return the entries of a day by known time and id."""

        def find(connection: sqlite3.Connection) -> list[LedgerEntry]:
            names = Names(connection)
            entries = [read_entry(row, names) for row in connection.execute(sql.BOOKED, _of_day(day))]
            return sorted(entries, key=lambda entry: (entry.known_ms, entry.id))

        return await self._file.scan("booked", find)

    async def close_day(self, root: DayRoot) -> bool:
        """Keep the root of a day once, if its entries are those that are booked in it."""
        row = root.day.isoformat(), root.entries, root.root, root.chained, root.closed_ms

        def close(connection: sqlite3.Connection) -> bool:
            connection.execute(sql.BEGIN)
            (booked,) = connection.execute(sql.COUNT_BOOKED, _of_day(root.day)).fetchone()
            return bool(booked == root.entries and connection.execute(sql.CLOSE_DAY, row).rowcount == 1)

        return await self._file.write("close_day", close)

    async def day_roots(self, limit: int, before: date | None = None) -> list[DayRoot]:
        """Return roots, the newest day first."""
        values = None if before is None else before.isoformat(), limit
        rows = await self._file.read("day_roots", lambda c: c.execute(sql.DAY_ROOTS, values).fetchall())
        return [DayRoot(date.fromisoformat(day), *root) for day, *root in rows]

    async def size(self) -> LedgerSize:
        """Count the ledger."""

        def count(connection: sqlite3.Connection) -> LedgerSize:
            counts = connection.execute(sql.COUNT).fetchone()
            return LedgerSize(*counts, *connection.execute(ledger_due.COUNT_WAITING).fetchone())

        return await self._file.read("ledger_size", count)

    async def prune_ledger(self, before_ms: int) -> int:
        """Remove settled entries known before that, in one transaction."""

        def prune(connection: sqlite3.Connection) -> int:
            connection.execute(sql.BEGIN)
            old = connection.execute(sql.OLD, (before_ms, ENTRIES_AT_ONCE)).fetchall()
            for statement in sql.REMOVE:
                connection.executemany(statement, old)
            return len(old)

        return await self._file.write("prune_ledger", prune)


def _of_day(day: date) -> tuple[str, int, int]:
    return day.isoformat(), first_ms(day), first_ms(day + timedelta(days=1))


def _found(connection: sqlite3.Connection, names: Names, ids: set[str]) -> dict[str, tuple[int, Market]]:
    """Return number and market of the entries of these ids that there are."""
    rows = ((entry_id, connection.execute(sql.FIND, (packed(entry_id),)).fetchone()) for entry_id in ids)
    return {
        entry_id: (number, Market(closed_ms, names.member(Timeframe, timeframe)))
        for entry_id, row in rows
        if row is not None
        for number, closed_ms, timeframe in [row]
    }
