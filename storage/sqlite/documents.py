"""The embedded document store: one table per collection, in the same file as the analyses."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from storage.document_ports import COLLECTIONS, Collection, Document, DocumentWrite, Total, Where
from storage.document_values import check_fields, checked, from_json, to_json, whole_ms
from storage.sqlite.database import SqliteDatabase


def _value(field: str) -> str:
    return f"json_extract(document, '$.{field}')"


def _table(collection: Collection) -> str:
    name = collection.name
    indexes = [f"CREATE INDEX IF NOT EXISTS {name}_newest ON {name} (created_at);"] + [
        f"CREATE INDEX IF NOT EXISTS {name}_by_{field} ON {name} ({_value(field)}, created_at);"
        for field in collection.filters
    ]
    columns = (
        "number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL, document TEXT NOT NULL"
    )
    return "\n".join([f"CREATE TABLE IF NOT EXISTS {name} ({columns});", *indexes])


SCHEMA = "\n".join(["BEGIN IMMEDIATE;", *map(_table, COLLECTIONS), "COMMIT;"])


class SqliteDocumentStore(SqliteDatabase):
    """Keeps documents as JSON text; times are epoch milliseconds.

    Names of tables and fields come from the closed table of collections; every value is bound.
    """

    @staticmethod
    def _prepare(connection: sqlite3.Connection) -> None:
        connection.executescript(SCHEMA)

    async def put(self, collection: Collection, key: str, document: Document) -> None:
        """Insert the document or replace the one of its key."""
        await self._write("put", collection, [DocumentWrite(key, document, once=False)])

    async def insert(self, collection: Collection, key: str, document: Document) -> bool:
        """Insert the document unless its key is there; return whether it was inserted."""
        return await self._write("insert", collection, [DocumentWrite(key, document, once=True)]) == 1

    async def replace(self, collection: Collection, key: str, document: Document, where: Where) -> bool:
        """Update the row of the key, if its document has these values."""
        check_fields(collection, where)
        stored = checked(collection, key, document)
        query = f"""
            UPDATE {collection.name} SET created_at = ?, document = ? WHERE key = ? AND {_conditions(where)}
        """
        values = whole_ms(stored["created_at"]), to_json(stored), key, *where.values()
        return await self._file.write("replace", lambda connection: connection.execute(query, values).rowcount) == 1

    async def put_many(self, collection: Collection, writes: Sequence[DocumentWrite]) -> None:
        """Keep all in one transaction; none is kept where one is refused."""
        await self._write("put_many", collection, writes)

    async def discard(self, collection: Collection, keys: Sequence[str]) -> None:
        """Remove the documents of these keys."""
        check_fields(collection)
        query = f"DELETE FROM {collection.name} WHERE key = ?"
        rows = [(key,) for key in keys]
        await self._file.write("discard", lambda connection: connection.executemany(query, rows))

    async def get(self, collection: Collection, key: str) -> Document | None:
        """Return the document of the key."""
        check_fields(collection)
        query = f"SELECT document FROM {collection.name} WHERE key = ?"
        rows = await self._file.read("get", lambda connection: connection.execute(query, (key,)).fetchall())
        return from_json(rows[0][0]) if rows else None

    async def newest(self, collection: Collection, limit: int, where: Where | None = None) -> list[Document]:
        """Return the newest documents with these values."""
        where = where or {}
        check_fields(collection, where)
        query = f"""
            SELECT document FROM {collection.name} WHERE {_conditions(where)}
            ORDER BY created_at DESC, number DESC LIMIT ?
        """
        values = (*where.values(), limit)
        rows = await self._file.read("newest", lambda connection: connection.execute(query, values).fetchall())
        return [from_json(text) for (text,) in rows]

    async def totals(
        self,
        collection: Collection,
        since: datetime,
        sums: Sequence[str] = (),
        *,
        by: Sequence[str] = (),
        where: Where | None = None,
    ) -> list[Total]:
        """Count and add up by group."""
        where = where or {}
        check_fields(collection, where, by)
        group = ", ".join(map(_value, by)) or "NULL"
        added = ", coalesce(sum(json_extract(document, ?)), 0)" * len(sums)
        query = f"""
            SELECT count(*){added}, {group} FROM {collection.name}
            WHERE created_at >= ? AND {_conditions(where)} GROUP BY {group} ORDER BY {group}
        """
        values = (*(f'$."{field}"' for field in sums), whole_ms(since), *where.values())
        rows = await self._file.read("totals", lambda connection: connection.execute(query, values).fetchall())
        at = 1 + len(sums)
        return [Total(row[at : at + len(by)], row[0], dict(zip(sums, row[1:at], strict=True))) for row in rows]

    async def remove(self, collection: Collection, older_than: datetime) -> int:
        """Remove the documents created before `older_than`."""
        check_fields(collection)
        query = f"DELETE FROM {collection.name} WHERE created_at < ?"
        before = (whole_ms(older_than),)
        return await self._file.write("remove", lambda connection: connection.execute(query, before).rowcount)

    async def _write(self, operation: str, collection: Collection, writes: Sequence[DocumentWrite]) -> int:
        """Return how many rows were inserted or replaced."""
        check_fields(collection)
        stored = [(write, checked(collection, write.key, write.document)) for write in writes]

        def write_rows(connection: sqlite3.Connection) -> int:
            changed = 0
            for write, document in stored:
                row = write.key, whole_ms(document["created_at"]), to_json(document)
                changed += connection.execute(_insert(collection, once=write.once), row).rowcount
            return changed

        return await self._file.write(operation, write_rows)


def _insert(collection: Collection, *, once: bool) -> str:
    replace = "UPDATE SET created_at = excluded.created_at, document = excluded.document"
    if collection.newest_stays:
        replace += f" WHERE excluded.created_at >= {collection.name}.created_at"
    conflict = "NOTHING" if once else replace
    return f"""
        INSERT INTO {collection.name} (key, created_at, document) VALUES (?, ?, ?) ON CONFLICT (key) DO {conflict}
    """


def _conditions(where: Where) -> str:
    return " AND ".join(f"{_value(field)} = ?" for field in where) or "TRUE"
