"""The port of the services to the ledger's store: entries, settlements, sums by day, roots of days.

Every adapter passes the suite in `tests/contracts/test_ledger_store.py`. Every method raises `StorageUnavailable` when
the store fails or does not answer in time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from domain.ledger.days import Aggregate, DayRoot
from domain.ledger.entries import LedgerEntry, Settleable
from domain.ledger.settlements import LedgerRecord, Settlement

# Tables or collections.
LEDGER_COLLECTION = "ledger_entries"
LEDGER_DUE_COLLECTION = "ledger_due"
SETTLEMENT_COLLECTION = "ledger_settlements"
REPEAT_COLLECTION = "ledger_repeats"
AGGREGATE_COLLECTION = "ledger_aggregates"
DAY_COLLECTION = "ledger_days"
# Days that have to be added up again; and, in SQLite alone, the texts that rows share.
MARK_COLLECTION = "ledger_marks"
NAME_COLLECTION = "ledger_names"
LEDGER_COLLECTIONS = (
    LEDGER_COLLECTION,
    LEDGER_DUE_COLLECTION,
    SETTLEMENT_COLLECTION,
    REPEAT_COLLECTION,
    AGGREGATE_COLLECTION,
    DAY_COLLECTION,
    MARK_COLLECTION,
    NAME_COLLECTION,
)


# `known_ms` and id of an entry, by which entries are ordered.
Position = tuple[int, str]

# From the first time that is told, and before the last that every store takes.
EVER_MS = (0, 2**62)


@dataclass(frozen=True)
class EntryFilter:
    """Which entries; None: any. Times are epoch ms, `until_ms` excluded."""

    lane: str | None = None
    lane_id: str | None = None
    symbol: str | None = None
    timeframe: str | None = None
    side: str | None = None
    kind: str | None = None
    origin: str | None = None
    given: bool | None = None
    scored: bool | None = None
    since_ms: int | None = None
    until_ms: int | None = None


@dataclass(frozen=True)
class Due:
    """A horizon that is due, of an entry or of anything else that is settled like one."""

    entry: Settleable
    horizon: int


@dataclass(frozen=True)
class Postponed:
    """A horizon that cannot be settled yet: it is due again at `due_ms`."""

    entry_id: str
    horizon: int
    due_ms: int


@dataclass(frozen=True)
class LedgerSize:
    """Counts of the ledger, for operators.

    Attributes:
        entries: In the store now; older ones are pruned, and their sums stay.
        scored: Of them, those that count.
        waiting: Horizons that are not settled yet.
        oldest_due_ms: When the first of these was due, None without any.
    """

    entries: int
    scored: int
    waiting: int
    oldest_due_ms: int | None


class LedgerStore(Protocol):
    """Keeps the ledger."""

    async def append(self, entries: Sequence[LedgerEntry]) -> None:
        """Keep the entries, each with one due time per horizon; an entry whose id is known changes nothing.

        Each is booked in the UTC day of its `known_ms`, or in the first day that is not closed, if that is later. The
        due time of a horizon is `closed_ms` and that many candles; of a plan, the first of its check points.
        """

    async def repeat(self, counts: Mapping[str, int]) -> None:
        """Add to the number of times that entries were given again; an id without an entry counts nothing."""

    async def entry(self, entry_id: str) -> LedgerRecord | None:
        """Return an entry with its settlements."""

    async def entries(self, wanted: EntryFilter, limit: int, before: Position | None = None) -> list[LedgerRecord]:
        """Return at most `limit` entries, the newest known first, of one moment by id in descending order.

        Args:
            before: Of the last entry of the page before.
        """

    async def known_at(self, wanted: EntryFilter, place: int) -> int | None:
        """Return `known_ms` of the entry at a place, 1 for the newest, in the order of `entries`; None where it ends.

        It is quick where at most one of `symbol` and `lane_id`, and times, are wanted.
        """

    async def due(self, now_ms: int, limit: int) -> list[Due]:
        """Return at most `limit` horizons whose due time is not after `now_ms`, the first due first."""

    async def settle(self, settlements: Sequence[Settlement], postponed: Sequence[Postponed] = ()) -> int:
        """Keep settlements and take their horizons off the list of due ones; return how many are new.

        A settlement whose entry and horizon have one already changes nothing. The days of their stretches are marked
        for new sums before anything else, so that a process that dies in between leaves none out.
        """

    async def days_to_add_up(self) -> list[date]:
        """Return the days that are marked, in ascending order."""

    async def settled(self, day: date, made_ms: tuple[int, int] = EVER_MS) -> list[LedgerRecord]:
        """Return the scored entries with at least one settlement of a stretch that begins in this UTC day.

        Settlements of stretches that begin in other days are left out.

        Args:
            day: UTC day.
            made_ms: Settlements that were made (`settled_ms`) from the first time on and before the second count alone.
        """

    async def put_aggregates(self, day: date, aggregates: Sequence[Aggregate]) -> None:
        """Put these sums in the place of all of the day, and take its mark away."""

    async def aggregates(self, level: str, since: date, until: date) -> list[Aggregate]:
        """Return the sums of a level and of days from `since` to `until`, both included."""

    async def booked(self, day: date) -> list[LedgerEntry]:
        """Return the entries that are booked in a day, by `known_ms` and id in ascending order."""

    async def close_day(self, root: DayRoot) -> bool:
        """Keep the root of a day; no entry is booked in it, or before it, any more.

        Returns:
            False, and the day stays as it is, where it has a root, or where another number of entries than
            `root.entries` is booked in it by now: one came while the root was made.
        """

    async def day_roots(self, limit: int, before: date | None = None) -> list[DayRoot]:
        """Return at most `limit` roots, the newest day first, of days before `before` if it is given."""

    async def size(self) -> LedgerSize:
        """Count the ledger."""

    async def prune_ledger(self, before_ms: int) -> int:
        """Remove entries known before that, with settlements, that have no horizon due; sums and roots stay.

        Returns:
            Number of entries removed; at most some thousands in one step, so call again until it is 0.
        """
