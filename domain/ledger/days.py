"""Days of the ledger: closed by a root over their entries, each chained to the day before; and their figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class DayRoot:
    """The proof of one UTC day.

    Attributes:
        day: UTC day in which the entries were booked.
        entries: Number of entries.
        root: Merkle root over the entries by known time and id, 64 hex digits.
        chained: Hash over the day before's `chained` and this root, 64 hex digits.
        closed_ms: When the day was closed, in epoch ms.
    """

    day: date
    entries: int
    root: str
    chained: str
    closed_ms: int


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Sums over the settled entries of one day and group, kept for good.

    Attributes:
        day: UTC day in which the stretches of the entries began (`LedgerEntry.slot`).
        level: Which of the fields below tell the group apart, for example `all`, `side`, `symbol`; others are "".
        lane, lane_id, timeframe: Always given.
        horizon: In candles, or PLAN.
        symbol, side, bin: "" where the level does not have them; bin is a range of confidence or probability.
        sums: Additive figures by name.
    """

    day: date
    level: str
    lane: str
    lane_id: str
    timeframe: str
    horizon: int
    symbol: str
    side: str
    bin: str
    sums: Mapping[str, float]


class ExportForm(StrEnum):
    """Forms of the export of a day."""

    NDJSON = "ndjson"
    PARQUET = "parquet"
