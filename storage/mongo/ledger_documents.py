"""Entries, settlements and sums as documents of MongoDB, and back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from datetime import date
from typing import Any

from domain.errors import StorageUnavailable
from domain.ledger.days import Aggregate, DayRoot
from domain.ledger.entries import ENUMERATIONS, HORIZONS, PLAN, LedgerEntry
from domain.ledger.settlements import PlanEnd, Settlement
from storage.ledger_ports import EntryFilter
from storage.ledger_values import stretch_day
from storage.mongo.connection import Document

_ENTRY_FIELDS = tuple(field.name for field in fields(LedgerEntry) if field.name != "id")
_GROUP_FIELDS = ("lane", "lane_id", "timeframe", "horizon", "symbol", "side", "bin")
_EQUAL = ("lane", "lane_id", "symbol", "timeframe", "side", "kind", "origin", "given")


def entry_document(entry: LedgerEntry, day: date) -> Document:
    """Return the document of an entry that is booked in a day; what is None is left out, to save space."""
    values = ((name, getattr(entry, name)) for name in _ENTRY_FIELDS)
    known = {name: str(value) if name in ENUMERATIONS else value for name, value in values if value is not None}
    return {"_id": entry.id, **known, "day": day.isoformat()}


def read_entry_document(document: Document) -> LedgerEntry:
    """Return the entry of a document.

    Raises:
        StorageUnavailable: it is damaged, or another version of the service wrote it.
    """
    values: dict[str, Any] = {name: document.get(name) for name in _ENTRY_FIELDS}
    try:
        members = {name: kind(values[name]) for name, kind in ENUMERATIONS.items() if values[name] is not None}
    except ValueError as error:
        raise StorageUnavailable(f"an entry of the ledger cannot be read: {error}") from error
    return LedgerEntry(id=document["_id"], **(values | members))


def settlement_keys(entry_ids: Iterable[str]) -> list[str]:
    """Return the keys that settlements of these entries may have."""
    return [_key(entry_id, horizon) for entry_id in entry_ids for horizon in (PLAN, *HORIZONS)]


def _key(entry_id: str, horizon: int) -> str:
    return f"{entry_id}|{horizon}"


def settlement_document(settlement: Settlement, entry: LedgerEntry) -> Document:
    """Return the document of a settlement; `day` is that of its stretch where the entry counts."""
    document = {
        "_id": _key(settlement.entry_id, settlement.horizon),
        "price": settlement.price,
        "move": settlement.move,
        "end": None if settlement.end is None else settlement.end.value,
        "r": settlement.r,
        "ended_ms": settlement.ended_ms,
        "settled_ms": settlement.settled_ms,
        "source": settlement.source,
    }
    if entry.scored:
        document["day"] = stretch_day(entry.closed_ms, entry.timeframe, settlement.horizon).isoformat()
    return {name: value for name, value in document.items() if value is not None}


def read_settlement(document: Document) -> Settlement:
    """Return the settlement of a document; raises as `read_entry_document`."""
    entry_id, _, horizon = document["_id"].rpartition("|")
    try:
        end = None if document.get("end") is None else PlanEnd(document["end"])
    except ValueError as error:
        raise StorageUnavailable(f"a settlement of the ledger cannot be read: {error}") from error
    return Settlement(
        entry_id=entry_id,
        horizon=int(horizon),
        price=document.get("price"),
        move=document.get("move"),
        end=end,
        r=document.get("r"),
        ended_ms=document["ended_ms"],
        settled_ms=document["settled_ms"],
        source=document["source"],
    )


def by_entry(rows: Iterable[Document]) -> dict[str, tuple[Settlement, ...]]:
    """Return the settlements of documents by entry, each by horizon; raises as `read_settlement`."""
    found: dict[str, list[Settlement]] = {}
    for settlement in map(read_settlement, rows):
        found.setdefault(settlement.entry_id, []).append(settlement)
    return {entry_id: tuple(sorted(own, key=lambda s: s.horizon)) for entry_id, own in found.items()}


def level_documents(day: date, aggregates: Iterable[Aggregate]) -> list[Document]:
    """Return one document per level with all its groups, which is replaced as a whole."""
    levels: dict[str, list[Document]] = {}
    for sums in aggregates:
        group = {name: getattr(sums, name) for name in _GROUP_FIELDS} | {"sums": dict(sums.sums)}
        levels.setdefault(sums.level, []).append(group)
    return [
        {"_id": f"{day}|{level}", "day": day.isoformat(), "level": level, "groups": groups}
        for level, groups in levels.items()
    ]


def read_level(document: Document) -> list[Aggregate]:
    """Return the sums of a document by `level_documents`."""
    day, level = date.fromisoformat(document["day"]), document["level"]
    return [Aggregate(day=day, level=level, **group) for group in document["groups"]]


def root_document(root: DayRoot) -> Document:
    """Return the document of a day's root."""
    return {
        "_id": root.day.isoformat(),
        "entries": root.entries,
        "root": root.root,
        "chained": root.chained,
        "closed_ms": root.closed_ms,
    }


def read_root(document: Document) -> DayRoot:
    """Return the root of a document."""
    return DayRoot(
        day=date.fromisoformat(document["_id"]),
        entries=document["entries"],
        root=document["root"],
        chained=document["chained"],
        closed_ms=document["closed_ms"],
    )


def query_of(wanted: EntryFilter, before: tuple[int, str] | None) -> Document:
    """Return the query of the entries that are wanted; $eq: a value is never read as an operator."""
    query: dict[str, Any] = {name: {"$eq": value} for name in _EQUAL if (value := getattr(wanted, name)) is not None}
    if wanted.scored is not None:
        query["apart"] = {"$exists": not wanted.scored}
    known = {"$gte": wanted.since_ms, "$lt": wanted.until_ms}
    if bounds := {operator: time_ms for operator, time_ms in known.items() if time_ms is not None}:
        query["known_ms"] = bounds
    if before is None:
        return query
    earlier = [{"known_ms": {"$lt": before[0]}}, {"known_ms": before[0], "_id": {"$lt": before[1]}}]
    # The first bound keeps the server in the index by known time.
    return {"$and": [query, {"known_ms": {"$lte": before[0]}}, {"$or": earlier}]}
