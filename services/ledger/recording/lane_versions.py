"""Versions of a lane: since when each of them answers, and what tells it from the one before."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from domain.ledger.entries import LedgerLane
from storage.document_ports import LEDGER_LANES, DocumentStore

MAX_VERSIONS = 20


@dataclass(frozen=True)
class ChangedPart:
    """A part that two versions differ in, such as `indicators.rsi_period`; JSON texts, None where it is not there."""

    part: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class LaneVersion:
    """One identity of a lane.

    Attributes:
        lane_id: Of the entries that it made.
        since: When it was first written down.
        changes: Against the version that began before it, by name; empty of the first.
    """

    lane_id: str
    since: datetime
    changes: tuple[ChangedPart, ...]


class LaneVersions:
    """Reads the stored identities of the lanes."""

    def __init__(self, documents: DocumentStore) -> None:
        self._documents = documents

    async def of(self, lane: LedgerLane) -> list[LaneVersion]:
        """Return the newest versions of a lane, at most 20, that which began last first.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        found = await self._documents.newest(LEDGER_LANES, MAX_VERSIONS + 1, {"lane": lane.value})
        versions = [
            LaneVersion(one["lane_id"], one["created_at"], tuple(_changes(before["parts"], one["parts"])))
            for one, before in pairwise(found)
        ]
        if found and len(found) <= MAX_VERSIONS:
            versions.append(LaneVersion(found[-1]["lane_id"], found[-1]["created_at"], ()))
        return versions


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[ChangedPart]:
    one, other = dict(_flat(before)), dict(_flat(after))
    for part in sorted({*one, *other}):
        if one.get(part) != other.get(part):
            yield ChangedPart(part, one.get(part), other.get(part))


def _flat(parts: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for name, value in parts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", json.dumps(value)
