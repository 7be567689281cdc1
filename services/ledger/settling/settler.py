"""The loop that settles the ledger, on one replica at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace

from loguru import logger

from domain.errors import StorageUnavailable
from domain.ledger.settlements import Settlement
from domain.values import epoch_ms
from services.health.degraded import Degraded
from services.leases import Lease
from services.ledger.settling.closing import Closing
from services.ledger.settling.day_sums import DaySums
from services.ledger.settling.revisions import SettlementRevisions
from services.ledger.settling.state import SettlerState
from storage.ledger_ports import LedgerStore
from utils import metrics
from utils.clock import Clock

# Horizons that are read, compared and written at once.
BATCH = 5_000
# The smallest batch, for a store that does not take more in time.
_LEAST_BATCH = 50


class Settler:
    """Settles every horizon once its candles are there, and adds up the days that it changes.

    What is settled is kept by the store in one step with taking the horizon off its list, so that a process that ends
    anywhere leaves nothing out and settles nothing twice.
    """

    def __init__(
        self,
        ledger: LedgerStore,
        closing: Closing,
        revisions: SettlementRevisions,
        sums: DaySums,
        lease: Lease,
        clock: Clock,
        *,
        settle_seconds: float,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        batch: int = BATCH,
    ) -> None:
        """Keep the parts.

        Args:
            ledger: Has the entries.
            closing: Settles what is due.
            revisions: Compares yesterday's settlements with the candles of today.
            sums: Adds up the days that change.
            lease: Held by the replica that settles.
            clock: The server's.
            settle_seconds: Between two looks.
            sleep: Waits for seconds.
            batch: Horizons that are settled at once.
        """
        self._ledger = ledger
        self._closing = closing
        self._revisions = revisions
        self._sums = sums
        self._lease = lease
        self._clock = clock
        self._settle_seconds = settle_seconds
        self._sleep = sleep
        self._batch = self._at_once = batch
        self._state = SettlerState()

    @property
    def state(self) -> SettlerState:
        """What was known after the last look."""
        return self._state

    def degraded(self) -> Iterator[Degraded]:
        """Yield what does not work, without waiting."""
        yield from self._state.degraded(epoch_ms(self._clock.now()))

    async def run(self) -> None:
        """Settle what is due at every interval until canceled, and then let another replica settle at once."""
        async with self._lease.given_up_after():
            while True:
                await self._look()
                await self._sleep(self._settle_seconds)

    async def settle_due(self) -> int:
        """Settle what is due, if this replica may, and return how many horizons were settled.

        Raises:
            StorageUnavailable: the ledger, its lease or the stored candles do not answer.
        """
        settled = 0
        if await self._lease.take():
            self._closing.candles.forget()
            settled = await self._settle_until(epoch_ms(self._clock.now()))
            await self._sums.add_up_days()
            if self._lease.held:
                await self._revisions.review()
        await self._note()
        return settled

    async def _look(self) -> None:
        try:
            await self.settle_due()
            self._at_once = self._batch
        except StorageUnavailable as failure:
            # A store that is slow takes fewer at once.
            self._at_once = max(min(_LEAST_BATCH, self._batch), self._at_once // 2)
            self._failed(failure.message)
            logger.bind(reason=failure.message).info("the ledger cannot be settled now")
        except Exception as failure:  # noqa: BLE001 - a defect must not end the loop
            self._failed(f"{type(failure).__name__}, see the log")
            logger.exception("settling the ledger failed unexpectedly")

    def _failed(self, reason: str) -> None:
        since_ms = self._state.failing_since_ms or epoch_ms(self._clock.now())
        self._state = replace(self._state, failure=reason, failing_since_ms=since_ms)

    async def _settle_until(self, now_ms: int) -> int:
        """Settle what was due at a time: what is put off is due later, so that this comes to an end."""
        settled = 0
        while due := await self._ledger.due(now_ms, self._at_once):
            closed = await self._closing.close(due, now_ms)
            # Reading may have taken longer than the lease lasts.
            if not await self._lease.take():
                break
            settled += await self._ledger.settle(closed.settlements, closed.postponed)
            _count(closed.settlements)
            if len(due) < self._at_once:
                break
        return settled

    async def _note(self) -> None:
        """Keep what is known of the ledger, for /health and the metrics."""
        size = await self._ledger.size()
        now_ms = epoch_ms(self._clock.now())
        revised = await self._revisions.count()
        self._state = SettlerState(size.waiting, size.oldest_due_ms, now_ms, self._lease.held, revised)
        metrics.LEDGER_WAITING.set(size.waiting)
        metrics.LEDGER_LAG_SECONDS.set(self._state.lag_ms(now_ms) / 1000)


def _count(settlements: Sequence[Settlement]) -> None:
    for source, count in Counter(settlement.source for settlement in settlements).items():
        metrics.LEDGER_SETTLEMENTS.labels(source).inc(count)
