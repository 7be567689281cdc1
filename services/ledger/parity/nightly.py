"""The nightly certificate: yesterday's answers replayed, on one replica at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

from loguru import logger

from services.health.degraded import Degraded
from services.leases import Lease
from services.ledger.parity.certificate import FieldParity, ParityCertificate
from services.ledger.parity.day_replays import DayReplays
from storage.document_ports import LEDGER_PARITY, DocumentStore
from utils.clock import Clock
from utils.concurrency import look_again

# Entries of the last seconds of a day may still be on their way to the store.
GRACE = timedelta(minutes=15)
CHECK_SECONDS = 600.0
_DAY = timedelta(days=1)


class NightlyParity:
    """Certifies each day once, after its end; a day that ended in a standstill has no certificate.

    Attributes:
        days: Certifies any day, and keeps nothing.
    """

    def __init__(
        self,
        days: DayReplays,
        documents: DocumentStore,
        lease: Lease,
        clock: Clock,
    ) -> None:
        """Keep the parts.

        Args:
            days: Replays a day.
            documents: Keeps the certificates.
            lease: Held by the replica that certifies.
            clock: The server's.
        """
        self.days = days
        self._documents = documents
        self._lease = lease
        self._clock = clock
        self._last: ParityCertificate | None = None

    def degraded(self) -> Iterator[Degraded]:
        """Yield that a field of the newest certificate is above its tolerance, without waiting."""
        if self._last is None or not self._last.above:
            return
        day = self._last.day.isoformat()
        words = "; ".join(map(_words, self._last.above))
        yield Degraded(
            "ledger_parity",
            f"replays of {day} differ from what was said: {words}",
            "compare POST /ai/replay with the entry: its candles were revised since, or the code has a defect",
        )

    async def run(self) -> None:
        """Read the newest certificate for /health at every look until canceled; jobs certify."""
        await look_again(self._look, partial(asyncio.sleep, CHECK_SECONDS), "reading certificates of the ledger")

    async def certify_yesterday(self) -> ParityCertificate | None:
        """Certify the day before, unless it has its certificate or another replica is at it; return the new one.

        Raises:
            StorageUnavailable: ledger, archive or documents do not answer.
        """
        day = (self._clock.now() - GRACE).date() - _DAY
        known = await self._documents.get(LEDGER_PARITY, day.isoformat())
        if known is not None:
            self._last = ParityCertificate.of(known)
            return None
        if not await self._lease.take():
            return None
        certificate = await self.days.certify(day)
        if await self._lease.take():
            await self._documents.put(LEDGER_PARITY, day.isoformat(), certificate.document())
        self._last = certificate
        logger.bind(
            day=day.isoformat(),
            compared=certificate.compared,
            equal=certificate.equal,
            above=[one.field for one in certificate.above],
        ).info("a day of the ledger was replayed")
        return certificate

    async def newest(self, limit: int) -> list[ParityCertificate]:
        """Return at most `limit` certificates, the newest first.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        return [ParityCertificate.of(document) for document in await self._documents.newest(LEDGER_PARITY, limit)]

    async def _look(self) -> None:
        newest = await self.newest(1)
        self._last = newest[0] if newest else None


def _words(one: FieldParity) -> str:
    entry = f"entry {one.entry_id} said {one.recorded}, its replay {one.replayed}"
    size = "" if one.largest is None or one.unit == "side" else f" by up to {one.largest:.3g} {one.unit}"
    limit = "" if one.unit == "side" else f", tolerance {one.tolerance:g}"
    return f"{one.field}{size} in {one.above} of {one.compared}{limit} ({entry})"
