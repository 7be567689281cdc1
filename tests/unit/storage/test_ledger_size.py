"""An entry of the ledger takes at most 400 bytes of the disk, indexes and due rows included."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing
from pathlib import Path
from random import Random

from domain.ledger.entries import LedgerEntry, LedgerLane
from domain.ledger.settlements import PlanEnd, Settlement
from domain.market import Timeframe
from storage.ledger_ports import EntryFilter
from storage.sqlite.ledger.ledger import SqliteLedger
from tests.fixtures.ledger import CLOSED_MS, make_entry

ENTRIES = 6_000
MAX_ENTRY_BYTES = 400
MAX_SETTLEMENT_BYTES = 60
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT", "DOGEUSDT", "BNBUSDT", "AVAXUSDT")


def typical(count: int) -> list[LedgerEntry]:
    """Return answers of three lanes on 8 symbols, every field filled, 10,000 entries a day."""
    random = Random(1)  # noqa: S311 - no secret
    entries = []
    for number in range(count // 3):
        timeframe = (Timeframe.M15, Timeframe.H1, Timeframe.H4)[number % 3]
        known_ms = CLOSED_MS + number * 26_000 + random.randrange(1_000)
        answer, request = (uuid.UUID(int=random.getrandbits(128)).hex for _ in range(2))
        for lane in (LedgerLane.RULES, LedgerLane.MODEL, LedgerLane.LLM):
            price = random.uniform(1, 60_000)
            entry = make_entry(
                id=f"{answer}.{lane}",
                lane=lane,
                lane_id=f"{lane:b<12}",
                symbol=SYMBOLS[number % len(SYMBOLS)],
                timeframe=timeframe,
                closed_ms=known_ms // timeframe.ms * timeframe.ms,
                known_ms=known_ms,
                price=price,
                stop=price * 0.98,
                target=price * 1.04,
                target_first=random.random(),
                probability_up=random.random(),
                confidence=random.random(),
                cost_bps=random.uniform(1, 20),
                cost_usd=random.random() / 100,
                request_id=request,
            )
            entries.append(entry)
    return entries


def checkpointed_bytes(path: Path) -> int:
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    return path.stat().st_size


async def test_entry_takes_at_most_400_bytes_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    ledger = SqliteLedger(path)
    await ledger.open()
    empty = checkpointed_bytes(path)
    entries = typical(ENTRIES)
    for start in range(0, ENTRIES, 120):
        await ledger.append(entries[start : start + 120])
    of_entries = checkpointed_bytes(path) - empty
    assert of_entries / ENTRIES <= MAX_ENTRY_BYTES
    newest = await ledger.entries(EntryFilter(), 3)
    assert [record.entry for record in newest] == sorted(entries[-3:], key=lambda entry: entry.id, reverse=True)

    random = Random(2)  # noqa: S311 - no secret
    count, now_ms = 0, entries[-1].known_ms + 99 * Timeframe.D1.ms
    while due := await ledger.due(now_ms, 10_000):
        count += await ledger.settle(
            [
                Settlement(
                    entry_id=settlement.entry.id,
                    horizon=settlement.horizon,
                    price=random.uniform(1, 60_000),
                    move=random.random(),
                    end=None if settlement.horizon else PlanEnd.TARGET,
                    r=None if settlement.horizon else random.random(),
                    ended_ms=settlement.entry.closed_ms + (settlement.horizon or 24) * settlement.entry.timeframe.ms,
                    settled_ms=now_ms,
                    source="stored",
                )
                for settlement in due
            ]
        )
    assert count == 5 * ENTRIES
    assert (checkpointed_bytes(path) - empty - of_entries) / count <= MAX_SETTLEMENT_BYTES
    await ledger.close()
