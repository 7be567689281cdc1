"""A ledger of twenty days in the file of a service that is yet to start: each lane with another record.

The rules have another version in the second half of the days.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from domain.analysis import DataSource
from domain.ledger.entries import Apart, LedgerLane, Origin
from domain.ledger.settlements import LedgerRecord
from domain.values import Signal, epoch_ms
from services.broadcast.hub import SignalHub
from services.ledger.proofs.day_closing import DayCloser
from storage.document_ports import LEDGER_LANES
from storage.sqlite.documents import SqliteDocumentStore
from storage.sqlite.ledger.ledger import SqliteLedger
from tests.fixtures.settled import ALL_HORIZONS, DAY_MS, HOUR_MS, keep, settled
from tests.fixtures.settled_bands import keep_bands
from utils.clock import SystemClock

DAYS = 20
HOURS = DAYS * 24
FEW = 12
# Versions of the rules, the present one last, by the day of the ledger that they begin with.
EARLIER, PRESENT = "ba9876543210", "0123456789ab"
VERSIONS = {EARLIER: 0, PRESENT: DAYS // 2}
# Share of the hours in which a lane has the side of the next move.
RIGHT = {LedgerLane.RULES: 0.68, LedgerLane.MODEL: 0.5, LedgerLane.LLM: 0.34}


def fill_ledger_file(path: Path) -> None:
    """Keep the calls in a SQLite file and close their days."""

    async def fill() -> None:
        ledger = SqliteLedger(path)
        await ledger.open()
        now_ms = epoch_ms(datetime.now(UTC))
        await keep(ledger, [*past_calls(now_ms), *calls_of_today(now_ms)])
        await DayCloser(ledger, SignalHub(1), SystemClock(), retention_days=30).close_days()
        await ledger.close()
        documents = SqliteDocumentStore(path)
        await documents.open()
        for number, (lane_id, day) in enumerate(VERSIONS.items()):
            parts = {"service": "1.0.0", "indicators": {"rsi_period": 14 - number}}
            begin = datetime.fromtimestamp(_first_ms(now_ms) / 1000, UTC) + timedelta(days=day)
            document = {"created_at": begin, "lane": LedgerLane.RULES.value, "parts": parts}
            await documents.insert(LEDGER_LANES, lane_id, document)
        await keep_bands(documents, datetime.now(UTC))
        await documents.close()

    # Playwright's loop may run in this thread.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(fill())).result()


def past_calls(now_ms: int) -> Iterator[LedgerRecord]:
    """Yield settled calls: rules mostly right, model as chance, LLM mostly wrong at a cent each, few of a blend."""
    begin_ms = _first_ms(now_ms)
    chance = random.Random(16)  # noqa: S311 - invented moves, the same each time
    for hour in range(HOURS):
        move = chance.choice([0.012, -0.011])
        for lane, right in RIGHT.items():
            came_right, stated = chance.random() < right, chance.uniform(0.3, 0.7)
            version = _version_at(hour // 24) if lane is LedgerLane.RULES else PRESENT
            yield _call(lane, begin_ms + hour * HOUR_MS, move, came_right, stated, lane_id=version)
        if hour >= HOURS - FEW:
            yield _call(LedgerLane.BLEND, begin_ms + hour * HOUR_MS, move, right=True, stated=0.5, symbol="ETHUSDT")


def calls_of_today(now_ms: int) -> Iterator[LedgerRecord]:
    """Yield calls whose day is open, none of them settled: one that counts, one of invented candles."""
    known = {"closed_ms": now_ms // HOUR_MS * HOUR_MS, "known_ms": now_ms}
    yield settled(horizons=(), id="today.rules", **known)
    yield settled(horizons=(), id="today.synthetic", source_data=DataSource.SYNTHETIC, apart=Apart.SYNTHETIC, **known)


def _first_ms(now_ms: int) -> int:
    return now_ms // DAY_MS * DAY_MS - DAYS * DAY_MS


def _version_at(day: int) -> str:
    *_, lane_id = (lane_id for lane_id, begin in VERSIONS.items() if begin <= day)
    return lane_id


def _call(
    lane: LedgerLane,
    closed_ms: int,
    move: float,
    right: bool,
    stated: float,
    symbol: str = "BTCUSDT",
    lane_id: str = PRESENT,
) -> LedgerRecord:
    up = (move > 0) is right
    known: dict[str, Any] = {
        "id": f"{closed_ms}.{symbol}.{lane}",
        "symbol": symbol,
        "lane_id": lane_id,
        "closed_ms": closed_ms,
        "known_ms": closed_ms + 1_500,
        "side": Signal.LONG if up else Signal.SHORT,
        "origin": Origin.LOOP,
        "source_data": DataSource.STORED,
        "given": lane is LedgerLane.LLM,
        "cost_usd": 0.01 if lane is LedgerLane.LLM else None,
        "target_first": round(stated, 3),
        "probability_up": round(stated, 3) if lane is LedgerLane.MODEL else None,
    }
    return settled(move, ALL_HORIZONS, lane=lane, **known)
