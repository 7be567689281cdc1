"""Closing of days: a root for each UTC day that is over, and its announcement."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import NoReturn

from loguru import logger

from domain.ledger.days import DayRoot
from domain.ledger.entries import LedgerEntry
from domain.values import epoch_ms, utc_time
from services.broadcast.events import render_day_closed
from services.broadcast.hub import SignalHub
from services.ledger.proofs.chain import BEGINNING, root_of_day
from storage.ledger_ports import EntryFilter, LedgerStore
from utils.clock import Clock
from utils.concurrency import look_again

# Entries of the last seconds may still be on their way to the store.
GRACE = timedelta(minutes=10)
CHECK_SECONDS = 60.0
_DAY = timedelta(days=1)


class DayCloser:
    """Closes every day that is over, in order, also those of a standstill; several processes may do it at once."""

    def __init__(
        self,
        store: LedgerStore,
        hub: SignalHub,
        clock: Clock,
        retention_days: int,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Keep the parts; entries are kept for `retention_days`, and `sleep` waits a number of seconds."""
        self._store = store
        self._hub = hub
        self._clock = clock
        self._retention = timedelta(days=retention_days)
        self._sleep = sleep

    async def run(self) -> NoReturn:
        """Close days now and every minute, until canceled; while the store is down, try again."""
        await look_again(self.close_days, partial(self._sleep, CHECK_SECONDS), "closing days of the ledger")

    async def close_days(self) -> list[DayRoot]:
        """Close every day that is over by ten minutes and has no root yet; return the new roots.

        Days without entries are closed too, after the first one that has some.

        Raises:
            StorageUnavailable: the store is down.
        """
        last = (self._clock.now() - GRACE).date() - _DAY
        newest = await self._store.day_roots(1)
        if newest and newest[0].day >= last:
            return []
        previous = newest[0].chained if newest else BEGINNING
        day = newest[0].day + _DAY if newest else await self._first_day(last)
        closed: list[DayRoot] = []
        while day is not None and day <= last:
            entries = await self._store.booked(day)
            root = await asyncio.to_thread(root_of_day, day, entries, previous, epoch_ms(self._clock.now()))
            if not await self._store.close_day(root):
                return closed  # another process is at it
            logger.bind(day=day.isoformat(), entries=root.entries, root=root.root).info("a day of the ledger is closed")
            self._announce(root)
            closed.append(root)
            previous, day = root.chained, day + _DAY
        return closed

    def _announce(self, root: DayRoot) -> None:
        self._hub.publish(None, lambda: render_day_closed(root))

    async def _first_day(self, last: date) -> date | None:
        """Return the first day of a ledger without roots; None where it has no entry that old."""
        # One question, where a look at every day would be hundreds each minute of the first day.
        end = datetime.combine(last + _DAY, time(), UTC)
        if not await self._store.entries(EntryFilter(until_ms=epoch_ms(end)), 1):
            return None
        day = last - self._retention
        while day <= last:
            if await self._store.booked(day):
                return day
            day += _DAY
        return None


async def find_booked(store: LedgerStore, entry: LedgerEntry, today: date) -> tuple[date, list[LedgerEntry]] | None:
    """Return the day in which an entry is booked, that of its time or a later one, with all entries of it.

    Raises:
        StorageUnavailable: the store is down.
    """
    day = utc_time(entry.known_ms).date()
    while day <= today:
        booked = await store.booked(day)
        if any(other.id == entry.id for other in booked):
            return day, booked
        day += _DAY
    return None
