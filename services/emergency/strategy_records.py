"""Live records of the strategies: results after they leaned to a side, in answers of the newest days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

import numpy as np
from cachetools import LRUCache

from domain.ledger.entries import HORIZONS, LedgerEntry
from domain.market import Timeframe
from rules.strategies import LEAN, NO_VIEW, STRATEGY_NAMES
from services.ledger.scoring.clusters import RecordGroup, write_clusters
from services.ledger.scoring.counted_settlements import BPS
from services.ledger.scoring.records import Record, RecordKey, records_of
from storage.ledger_ports import LedgerStore
from storage.ports import SignalArchive
from utils.clock import Clock

# Four candles, as in the record of the evidence.
HORIZON = HORIZONS[1]
# By now every entry of a day is settled at this horizon, but those of a week's candles.
_COMPLETE_AFTER = timedelta(days=10)
_LONGEST_DAYS = 400
_LANE = "strategy"
_DaySums = Mapping[RecordKey, Mapping[str, float]]


class LiveStrategies:
    """Adds up days; those in which nothing will change any more are read once."""

    def __init__(self, ledger: LedgerStore, archive: SignalArchive, clock: Clock) -> None:
        """Keep the ledger, which has the results, and the archive, which has the scores."""
        self._ledger = ledger
        self._archive = archive
        self._clock = clock
        self._complete: LRUCache[date, _DaySums] = LRUCache(_LONGEST_DAYS)

    async def read(self, days: int) -> dict[date, _DaySums]:
        """Return the sums of the newest UTC days, today included.

        Raises:
            StorageUnavailable: a store does not answer.
        """
        today = self._clock.now().date()
        return {day: await self._day(day, today) for day in (today - timedelta(days=ago) for ago in range(days))}

    async def _day(self, day: date, today: date) -> _DaySums:
        known = self._complete.get(day)
        if known is None:
            known = await self._sums(day)
            if today - day > _COMPLETE_AFTER:
                self._complete[day] = known
        return known

    async def _sums(self, day: date) -> _DaySums:
        """Return the sums of a day, by strategy and timeframe; of each market and stretch, the first answer counts."""
        first: dict[tuple[str, Timeframe, int], tuple[LedgerEntry, float]] = {}
        settled = await self._ledger.settled(day)
        for record in sorted(settled, key=lambda record: (record.entry.known_ms, record.entry.id)):
            entry = record.entry
            move = next((settlement.move for settlement in record.settlements if settlement.horizon == HORIZON), None)
            if move is not None and entry.origin.of_analysis:  # archived with the scores of its strategies
                first.setdefault((entry.symbol, entry.timeframe, entry.slot(HORIZON)), (entry, move))
        rows: list[tuple[str, Timeframe, int, float, float]] = []
        for (_, timeframe, slot), (entry, move) in first.items():
            archived = await self._archive.archived_analysis(entry.answer_id)
            if archived is None:
                continue
            for name, score in (archived.rules or archived).strategy_scores.items():
                lean = score - NO_VIEW
                if abs(lean) >= LEAN and name in STRATEGY_NAMES:
                    rows.append((name, timeframe, slot, 1.0 if lean > 0 else -1.0, move))
        return _added(rows)


def _added(rows: Iterable[tuple[str, Timeframe, int, float, float]]) -> _DaySums:
    known: dict[tuple[str, Timeframe], int] = {}
    table = [(known.setdefault((name, timeframe), len(known)), *rest) for name, timeframe, *rest in rows]
    if not table:
        return {}
    codes, slots, sides, moves = (np.array(column) for column in zip(*table, strict=True))
    hits = np.asarray(sides * moves > 0, dtype=float)
    sums = write_clusters(
        codes.astype(np.int64),
        slots.astype(np.int64),
        np.ones_like(hits),
        {"hits": hits, "bps": sides * moves * BPS},
        len(known),
    )
    rises = np.bincount(codes, moves > 0, len(known))
    falls = np.bincount(codes, moves < 0, len(known))
    return {
        RecordKey(_LANE, timeframe, HORIZON, bin=name): {
            **{column: float(values[at]) for column, values in sums.items()},
            "rises": float(rises[at]),
            "falls": float(falls[at]),
        }
        for (name, timeframe), at in known.items()
    }


def records_since(days: Mapping[date, _DaySums], since: date, strategy: str) -> list[Record]:
    """Return the records of a strategy from a UTC day on, by timeframe."""
    groups: dict[RecordKey, RecordGroup] = {}
    for day, of_day in days.items():
        for key, sums in of_day.items():
            if day >= since and key.bin == strategy:
                groups.setdefault(key, RecordGroup(day, day, {})).add(day, sums)
    return records_of(groups, {})
