"""Bands of prices that were given out, each held against the close that it speaks of."""

from __future__ import annotations

import asyncio

from loguru import logger

from domain.analysis import DataSource
from domain.errors import StorageUnavailable
from domain.ledger.entries import EntryKind, LedgerEntry, LedgerLane, Origin
from domain.market import Timeframe
from domain.values import Signal, epoch_ms
from services.leases import Lease
from services.ledger.bands.given import BEYOND, HELD, MISSING, WAITING
from services.ledger.settling.candles import SettlingCandles
from services.ledger.settling.closing import Closing
from storage.document_ports import PRICE_BANDS, Document, DocumentStore, DocumentWrite
from storage.ledger_ports import Due
from utils.clock import Clock

# Bands that wait for their close and are looked at, the newest: those of forty requests an hour.
MAX_WAITING = 4_000


class BandSettling:
    """Settles bands once their candles are there, on one replica at a time."""

    def __init__(
        self, documents: DocumentStore, candles: SettlingCandles, closing: Closing, lease: Lease, clock: Clock
    ) -> None:
        """Keep the parts; `closing` reads `candles`."""
        self._documents = documents
        self._candles = candles
        self._closing = closing
        self._lease = lease
        self._clock = clock

    async def run(self, seconds: float) -> None:
        """Settle what is due at every interval until canceled, and then let another replica settle at once."""
        async with self._lease.given_up_after():
            while True:
                try:
                    await self.settle_due()
                except StorageUnavailable as failure:
                    logger.bind(reason=failure.message).info("bands of prices cannot be settled now")
                except Exception:  # noqa: BLE001 - a defect must not end the loop
                    logger.exception("settling bands of prices failed unexpectedly")
                await asyncio.sleep(seconds)

    async def settle_due(self) -> int:
        """Settle the bands that are due, if this replica may, and return how many were.

        A close is found as that of an entry of the ledger: candles of the market are counted, and what does not come is
        `missing` in the end.

        Raises:
            StorageUnavailable: the store of bands, its lease or the stored candles do not answer.
        """
        if not await self._lease.take():
            return 0
        now_ms = epoch_ms(self._clock.now())
        waiting = await self._documents.newest(PRICE_BANDS, MAX_WAITING, {"state": WAITING})
        due = {of["band_id"]: of for of in waiting if _due_ms(of) <= now_ms}
        self._candles.forget()
        closed = await self._closing.close([Due(_entry(of), int(of["horizon"])) for of in due.values()], now_ms)
        writes = [
            DocumentWrite(settled.entry_id, _settled(due[settled.entry_id], settled.price), once=False)
            for settled in closed.settlements
        ]
        if writes:
            await self._documents.put_many(PRICE_BANDS, writes)
        return len(writes)


def _due_ms(band: Document) -> int:
    return int(band["closed_ms"]) + int(band["horizon"]) * Timeframe(band["timeframe"]).ms


def _settled(band: Document, price: float | None) -> Document:
    known = {name: value for name, value in band.items() if name != "band_id"}
    if price is None:
        return {**known, "state": MISSING}
    return {**known, "state": HELD if band["lower"] <= price <= band["upper"] else BEYOND, "close": price}


def _entry(band: Document) -> LedgerEntry:
    """Return a band as the entry that its close is found for."""
    return LedgerEntry(
        id=band["band_id"],
        lane=LedgerLane.MODEL,
        lane_id="",
        origin=Origin.PREDICT,
        symbol=band["symbol"],
        timeframe=Timeframe(band["timeframe"]),
        closed_ms=band["closed_ms"],
        known_ms=epoch_ms(band["created_at"]),
        kind=EntryKind.NO_EDGE,
        side=Signal.NEUTRAL,
        price=band["price"],
        stop=None,
        target=None,
        horizon_candles=None,
        target_first=None,
        probability_up=None,
        confidence=0.0,
        cost_bps=0.0,
        given=True,
        cost_usd=None,
        source_data=DataSource(band["source_data"]),
        apart=None,
        request_id=None,
    )
