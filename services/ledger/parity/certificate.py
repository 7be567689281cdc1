"""Certificates: how far the replays of a day are from what was said in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from domain.ledger.entries import LedgerEntry
from services.ledger.replays.comparison import FieldDifference

_BPS = 1e4


class Skipped(StrEnum):
    """Why an entry cannot be compared."""

    REFUSED = "a guard had refused it"
    ARCHIVE = "its analysis is not in the archive"
    CANDLES = "its candles are not known any more"
    LANE = "code, settings, evidence or model of its lane have changed since"
    SILENT = "its lane says nothing in the replay"


# Tolerated differences of a replay: candles before the window and rounding change no figure by as much.
# Stop and target in hundredths of a percent of the price; a side has to be the same.
TOLERANCES: Mapping[str, float] = {
    "side": 0.0,
    "confidence": 0.001,
    "stop": 1.0,
    "target": 1.0,
    "probability_up": 0.001,
}
UNITS: Mapping[str, str] = {
    "side": "side",
    "confidence": "share",
    "stop": "bps",
    "target": "bps",
    "probability_up": "share",
}


@dataclass(frozen=True)
class FieldParity:
    """One field of a day.

    Attributes:
        field: Its name, as of `LedgerEntry`.
        unit: Of `largest` and `tolerance`: side (1: another one), share, or bps of the entry's price.
        tolerance: Greatest difference that counts as equal.
        compared: Entries in which the field was compared.
        above: Of them, those above the tolerance, or with a figure on one side alone.
        largest: Greatest difference; None where no two figures were compared.
        entry_id: Of the entry that is furthest away; None without any.
        recorded, replayed: In that entry.
    """

    field: str
    unit: str
    tolerance: float
    compared: int = 0
    above: int = 0
    largest: float | None = None
    entry_id: str | None = None
    recorded: float | str | None = None
    replayed: float | str | None = None


@dataclass(frozen=True)
class ParityCertificate:
    """The replays of a day beside what was said.

    Attributes:
        day: UTC day in which it was said.
        created_at: When it was replayed, aware UTC.
        entries: Scored entries of rules, model and blend, of analyses on request and of the loop.
        answers: Analyses in which they were said.
        replayed: Analyses that were drawn, evenly spread over the day.
        compared: Entries of these that were compared.
        equal: Of these, those that are the same in every field.
        skipped: Number of the others by reason.
        fields: By field, in a fixed order.
    """

    day: date
    created_at: datetime
    entries: int
    answers: int
    replayed: int
    compared: int
    equal: int
    skipped: Mapping[Skipped, int]
    fields: tuple[FieldParity, ...]

    @property
    def above(self) -> tuple[FieldParity, ...]:
        """The fields that are further away than their tolerance."""
        return tuple(one for one in self.fields if one.above)

    def document(self) -> dict[str, Any]:
        """Return the certificate as the store keeps it."""
        return {
            "created_at": self.created_at,
            "day": self.day.isoformat(),
            "entries": self.entries,
            "answers": self.answers,
            "replayed": self.replayed,
            "compared": self.compared,
            "equal": self.equal,
            "skipped": [{"reason": reason.value, "entries": count} for reason, count in self.skipped.items()],
            "fields": [dict(vars(one)) for one in self.fields],
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> ParityCertificate:
        """Return the certificate of a document."""
        return cls(
            day=date.fromisoformat(document["day"]),
            created_at=document["created_at"],
            skipped={Skipped(one["reason"]): one["entries"] for one in document["skipped"]},
            fields=tuple(FieldParity(**one) for one in document["fields"]),
            **{name: document[name] for name in ("entries", "answers", "replayed", "compared", "equal")},
        )


@dataclass
class ParityTally:
    """Comparisons of a day, as they are made."""

    compared: int = 0
    equal: int = 0
    skipped: Counter[Skipped] = field(default_factory=Counter)
    fields: dict[str, FieldParity] = field(
        default_factory=lambda: {name: FieldParity(name, UNITS[name], TOLERANCES[name]) for name in TOLERANCES}
    )

    def add(self, entry: LedgerEntry, differences: Iterable[FieldDifference]) -> None:
        """Count an entry that was compared; the price is no finding, since the replay is given it."""
        self.compared += 1
        found = [one for one in differences if one.field in TOLERANCES]
        self.equal += all(one.equal for one in found)
        for one in found:
            if one.recorded is not None or one.replayed is not None:
                self.fields[one.field] = _with(self.fields[one.field], entry, one)


def _with(known: FieldParity, entry: LedgerEntry, one: FieldDifference) -> FieldParity:
    size = _size(entry, one)
    above = not one.equal and (size is None or size > known.tolerance)
    larger = size is not None and (known.largest is None or size > known.largest)
    first = above and not known.above
    shown = first or (larger and (above or not known.above))
    return FieldParity(
        field=known.field,
        unit=known.unit,
        tolerance=known.tolerance,
        compared=known.compared + 1,
        above=known.above + above,
        largest=size if larger else known.largest,
        entry_id=entry.id if shown else known.entry_id,
        recorded=one.recorded if shown else known.recorded,
        replayed=one.replayed if shown else known.replayed,
    )


def _size(entry: LedgerEntry, one: FieldDifference) -> float | None:
    """Return how large a difference is, in the unit of its field; None where one side has no figure."""
    if one.field == "side":
        return 0.0 if one.equal else 1.0
    if one.difference is None:
        return None
    return abs(one.difference) * (_BPS / entry.price if UNITS[one.field] == "bps" else 1.0)
