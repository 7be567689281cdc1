"""Times of the ledger that every store works out alike: days, stretches and due times."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from domain.hours.clocks import DAY_MS
from domain.ledger.entries import NEXT_CANDLE, LedgerEntry, stretch_candles
from domain.market import Timeframe
from storage.ledger_ports import Due

# Entries are removed in steps of as many.
ENTRIES_AT_ONCE = 1_000
_FIRST_DAY = date(1970, 1, 1)


def day_of(time_ms: int) -> date:
    """Return the UTC day of a time in epoch ms.

    Raises:
        OverflowError: no calendar has it.
    """
    return _FIRST_DAY + timedelta(days=time_ms // DAY_MS)


def first_ms(day: date) -> int:
    """Return the first moment of a UTC day in epoch ms."""
    return (day - _FIRST_DAY).days * DAY_MS


def booked_day(known_ms: int, closed: date | None) -> date:
    """Return the day in which an entry is booked: that of its known time, or the first that is not closed.

    Args:
        known_ms: Of the entry.
        closed: Newest day that is closed, None where none is.
    """
    known = day_of(known_ms)
    return known if closed is None else max(known, closed + timedelta(days=1))


def stretch_day(closed_ms: int, timeframe: Timeframe, horizon: int) -> date:
    """Return the UTC day in which the stretch of an entry with this close begins."""
    length_ms = stretch_candles(horizon) * timeframe.ms
    return day_of(closed_ms // length_ms * length_ms)


def due_ms(closed_ms: int, timeframe: Timeframe, horizon: int) -> int:
    """Return when a horizon is due first; a plan is looked at after one candle."""
    return closed_ms + (horizon or NEXT_CANDLE) * timeframe.ms


def first_due(waiting: Iterable[tuple[LedgerEntry, Mapping[int, int]]], now_ms: int, limit: int) -> list[Due]:
    """Return the horizons that are due, the first due first.

    Args:
        waiting: Entries with the due times of their horizons that are not settled, in epoch ms, by the first of these;
            no more of them are read than are needed.
        now_ms: Those due later are left out.
        limit: How many at most.
    """
    due_horizons, open_times = list[tuple[int, str, int, LedgerEntry]](), list[int]()
    earlier = 0
    for entry, horizons in waiting:
        first = min(horizons.values())
        while open_times and open_times[0] < first:
            heapq.heappop(open_times)
            earlier += 1
        if earlier >= limit:  # all that follow are due later
            break
        for horizon, time_ms in horizons.items():
            if time_ms <= now_ms:
                due_horizons.append((time_ms, entry.id, horizon, entry))
                heapq.heappush(open_times, time_ms)
    due_horizons.sort(key=lambda due: due[:3])
    return [Due(entry, horizon) for _, _, horizon, entry in due_horizons[:limit]]
