"""Documents about a later close, such as bands of prices: each is settled once that close is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from domain.market import Timeframe
from domain.values import epoch_ms
from services.leases import Lease
from services.ledger.settling.closing import Closing
from storage.document_ports import Collection, Document, DocumentStore, DocumentWrite
from storage.ledger_ports import Due
from utils.clock import Clock
from utils.concurrency import look_again

# Documents that wait for their close and are looked at, the newest: the bands of forty requests an hour.
MAX_WAITING = 4_000
# The state of a document whose close has not come, and of one whose candle never came.
WAITING, MISSING = "waiting", "missing"

# Gives what changes in a document by its close.
Settle = Callable[[Document, float], Document]


@dataclass(frozen=True)
class _SaidPrice:
    """The close at which something was said of a later one; it has no plan."""

    id: str
    symbol: str
    timeframe: Timeframe
    closed_ms: int
    known_ms: int
    price: float
    horizon_candles: None = None


class DocumentSettling:
    """Settles the documents of a collection once their candles are there, on one replica at a time.

    Each has `symbol, timeframe, closed_ms, price`, its `horizon` in candles and a `state`.
    """

    def __init__(
        self,
        collection: Collection,
        settle: Settle,
        documents: DocumentStore,
        closing: Closing,
        lease: Lease,
        clock: Clock,
    ) -> None:
        self._collection = collection
        self._settle = settle
        self._documents = documents
        self._closing = closing
        self._lease = lease
        self._clock = clock

    async def run(self, seconds: float) -> None:
        """Settle what is due at every interval until canceled, and then let another replica settle at once."""
        async with self._lease.given_up_after():
            await look_again(self.settle_due, partial(asyncio.sleep, seconds), f"settling {self._collection.name}")

    async def settle_due(self) -> int:
        """Settle the documents that are due, if this replica may, and return how many were.

        A close is found as that of an entry of the ledger: candles of the market are counted, and what does not come is
        `missing` in the end.

        Raises:
            StorageUnavailable: the store of documents, its lease or the stored candles do not answer.
        """
        if not await self._lease.take():
            return 0
        now_ms, key_field = epoch_ms(self._clock.now()), self._collection.key_field
        waiting = await self._documents.newest(self._collection, MAX_WAITING, {"state": WAITING})
        due = {document[key_field]: document for document in waiting if _due_ms(document) <= now_ms}
        self._closing.candles.forget()
        asked = [Due(_said(key, document), int(document["horizon"])) for key, document in due.items()]
        closed = await self._closing.close(asked, now_ms)
        writes = []
        for one in closed.settlements:
            known = {name: value for name, value in due[one.entry_id].items() if name != key_field}
            settled = {"state": MISSING} if one.price is None else self._settle(known, one.price)
            writes.append(DocumentWrite(one.entry_id, known | settled, once=False))
        if writes:
            await self._documents.put_many(self._collection, writes)
        return len(writes)


def _due_ms(document: Document) -> int:
    return int(document["closed_ms"]) + int(document["horizon"]) * Timeframe(document["timeframe"]).ms


def _said(key: str, document: Document) -> _SaidPrice:
    timeframe, known_ms = Timeframe(document["timeframe"]), epoch_ms(document["created_at"])
    return _SaidPrice(key, document["symbol"], timeframe, int(document["closed_ms"]), known_ms, document["price"])
