"""Settlements of yesterday that today's candles would settle otherwise: they are noted, and never changed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Executor
from datetime import UTC, date, datetime, time, timedelta

from domain.ledger.entries import LedgerEntry
from domain.ledger.settlements import LedgerRecord, Settlement
from domain.values import EPOCH, epoch_ms
from services.ledger.settling.candles import Market, SettlingCandles
from services.ledger.settling.outcomes import MarketCandles, outcomes
from services.ledger.settling.waiting import MISSING
from storage.document_ports import LEDGER_REVIEWED_DAYS, LEDGER_REVISIONS, Document, DocumentStore, DocumentWrite
from storage.ledger_ports import Due, LedgerStore
from utils import metrics
from utils.clock import Clock
from utils.concurrency import run_blocking

# Settlements of a day belong to entries whose stretches began in it or at most this long before.
DAYS_BACK = 31
# A price is a double that was written as one: what differs by more was revised.
_REVISED = 1e-9
_DAY = timedelta(days=1)

_Settled = tuple[LedgerEntry, Settlement]


class SettlementRevisions:
    """Compares, once a day, the settlements of the day before with the stored candles of now.

    Settlements by stored candles are compared, and those without candles, which may have arrived since. Candles of a
    source are not kept, and those of another source are never quite the same.
    """

    def __init__(
        self,
        ledger: LedgerStore,
        documents: DocumentStore,
        candles: SettlingCandles,
        clock: Clock,
        executor: Executor,
    ) -> None:
        """Keep the parts.

        Args:
            ledger: Has the settlements.
            documents: Keeps what is found.
            candles: Of the markets.
            clock: The server's.
            executor: A thread for the numbers.
        """
        self._ledger = ledger
        self._candles = candles
        self._documents = documents
        self._clock = clock
        self._executor = executor
        self._reviewed: date | None = None
        self._counted: tuple[date, int] | None = None

    async def count(self) -> int:
        """Return how many revisions are kept; those that another replica noted show the next day.

        Raises:
            StorageUnavailable: the store does not answer.
        """
        today = self._clock.now().astimezone(UTC).date()
        if self._counted is None or self._counted[0] != today:
            totals = await self._documents.totals(LEDGER_REVISIONS, EPOCH)
            self._counted = today, sum(total.count for total in totals)
        return self._counted[1]

    async def review(self) -> None:
        """Note the revisions of yesterday's settlements, unless that was done.

        Raises:
            StorageUnavailable: a store does not answer; it is done again later, and notes nothing twice.
        """
        yesterday = self._clock.now().astimezone(UTC).date() - _DAY
        if self._reviewed == yesterday:
            return
        if await self._documents.get(LEDGER_REVIEWED_DAYS, yesterday.isoformat()) is None:
            compared, revised = await self._compare(yesterday)
            note = {"created_at": self._clock.now(), "compared": compared, "revised": revised}
            await self._documents.put(LEDGER_REVIEWED_DAYS, yesterday.isoformat(), note)
        self._reviewed = yesterday

    async def _compare(self, day: date) -> tuple[int, int]:
        compared = revised = 0
        made_ms = _begin_ms(day), _begin_ms(day + _DAY)
        for back in range(DAYS_BACK + 1):
            records = await self._ledger.settled(day - back * _DAY, made_ms)
            by_market = await run_blocking(self._executor, _comparable, records)
            for market, settled in by_market.items():
                stored = await self._candles.stored(market, min(entry.closed_ms for entry, _ in settled))
                found = await run_blocking(self._executor, _revised, stored, settled)
                compared += len(settled)
                revised += await self._note(found)
        return compared, revised

    async def _note(self, found: Sequence[tuple[LedgerEntry, Settlement, Settlement]]) -> int:
        """Keep revisions that are not kept yet, and return how many there are."""
        writes = [
            DocumentWrite(f"{entry.id}@{used.horizon}", self._document(entry, used, now), once=True)
            for entry, used, now in found
        ]
        if writes:
            await self._documents.put_many(LEDGER_REVISIONS, writes)
            metrics.LEDGER_REVISIONS.inc(len(writes))
            self._counted = None
        return len(writes)

    def _document(self, entry: LedgerEntry, used: Settlement, now: Settlement) -> Document:
        return {
            "created_at": self._clock.now(),
            "entry_id": entry.id,
            "symbol": entry.symbol,
            "timeframe": entry.timeframe,
            "horizon": used.horizon,
            "ended_ms": used.ended_ms,
            "settled_ms": used.settled_ms,
            "price_used": used.price,
            "price_now": now.price,
            "end_used": used.end,
            "end_now": now.end,
        }


def _begin_ms(day: date) -> int:
    return epoch_ms(datetime.combine(day, time(), UTC))


def _comparable(records: Sequence[LedgerRecord]) -> dict[Market, list[_Settled]]:
    """Return the settlements that can be compared, by market."""
    found: defaultdict[Market, list[_Settled]] = defaultdict(list)
    for record in records:
        for settlement in record.settlements:
            if settlement.source in ("stored", MISSING):
                found[record.entry.symbol, record.entry.timeframe].append((record.entry, settlement))
    return found


def _revised(stored: MarketCandles, settled: Sequence[_Settled]) -> list[tuple[LedgerEntry, Settlement, Settlement]]:
    due = [Due(entry, settlement.horizon) for entry, settlement in settled]
    now = outcomes(stored, due, 0)
    return [
        (entry, used, found)
        for (entry, used), found in zip(settled, now, strict=True)
        if found is not None and _differ(used, found)
    ]


def _differ(used: Settlement, now: Settlement) -> bool:
    if used.price is None or now.price is None:
        return used.price is not now.price
    return used.end is not now.end or not math.isclose(used.price, now.price, rel_tol=_REVISED)
