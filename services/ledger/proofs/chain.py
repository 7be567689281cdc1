"""Roots of days, each chained to the day before: nothing said can be changed or left out later without notice."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date

from domain.ledger.days import DayRoot
from domain.ledger.entries import LedgerEntry
from services.ledger.proofs.merkle import HASH_BYTES, merkle_root
from services.ledger.proofs.published import entry_hash
from storage.ledger_ports import LedgerStore

# What the first day is chained to.
BEGINNING = "0" * 2 * HASH_BYTES


def root_of_day(day: date, entries: Sequence[LedgerEntry], previous: str, closed_ms: int) -> DayRoot:
    """Return the root of a day.

    Args:
        day: UTC day.
        entries: All that are booked in it, by known time and id in ascending order.
        previous: `chained` of the day before, BEGINNING of the first.
        closed_ms: Now, in epoch ms.
    """
    root = merkle_root([entry_hash(entry) for entry in entries]).hex()
    return DayRoot(day, len(entries), root, chain(previous, day, root), closed_ms)


def chain(previous: str, day: date, root: str) -> str:
    """Return the SHA-256 over the day before's, the day as YYYY-MM-DD and its root, 64 hex digits."""
    return hashlib.sha256(bytes.fromhex(previous) + day.isoformat().encode() + bytes.fromhex(root)).hexdigest()


async def read_root(store: LedgerStore, day: date) -> tuple[DayRoot | None, str]:
    """Return the root of a day, None while it is open, and `chained` of the day before.

    Raises:
        StorageUnavailable: the store is down.
    """
    roots = await store.day_roots(2, before=date.fromordinal(day.toordinal() + 1))
    root = next((root for root in roots if root.day == day), None)
    return root, next((root.chained for root in roots if root.day < day), BEGINNING)
