"""The sums of the days that settlements change."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import date

from domain.ledger.days import Aggregate
from domain.ledger.settlements import LedgerRecord
from services.leases import Lease
from storage.ledger_ports import LedgerStore
from utils.concurrency import run_blocking

# The sums of a day rest on all of its settlements: a day of thousands, which changes at every look, is added up again
# after as many times the seconds that it took, if these are more than a few.
_REST = 50.0
_QUICK_SECONDS = 0.5

AddUp = Callable[[Sequence[LedgerRecord], date], list[Aggregate]]


class DaySums:
    """Adds up the marked days of the ledger; days that rest keep their marks."""

    def __init__(
        self,
        ledger: LedgerStore,
        add_up: AddUp,
        lease: Lease,
        executor: Executor,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep the parts.

        Args:
            ledger: Has the entries, and keeps the sums.
            add_up: Makes the sums of a day of its records.
            lease: Held by the replica that settles.
            executor: A thread for the numbers.
            monotonic: Seconds that never jump back.
        """
        self._ledger = ledger
        self._add_up = add_up
        self._lease = lease
        self._executor = executor
        self._monotonic = monotonic
        self._rests: dict[date, float] = {}

    async def add_up_days(self) -> None:
        """Add up the days, until another replica holds the lease.

        Raises:
            StorageUnavailable: the ledger or its lease does not answer.
        """
        self._rests = {day: until for day, until in self._rests.items() if until > self._monotonic()}
        for day in await self._ledger.days_to_add_up():
            if day in self._rests:
                continue
            begun = self._monotonic()
            records = await self._ledger.settled(day)
            sums = await run_blocking(self._executor, self._add_up, records, day)
            if not await self._lease.take():
                return
            await self._ledger.put_aggregates(day, sums)
            ended = self._monotonic()
            if ended - begun > _QUICK_SECONDS:
                self._rests[day] = ended + _REST * (ended - begun)
