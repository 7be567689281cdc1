"""A settler that is killed anywhere leaves nothing out, settles nothing twice, and its sums are right."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from storage.ledger_ports import LedgerStore
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.ledger import CLOSED_MS, make_entry, stretch_day
from tests.fixtures.settling import HOUR_MS, LEASE_SECONDS, Workshop, count_and_add, flat

BEFORE_MS = CLOSED_MS - 30 * HOUR_MS
ENTRIES = [
    make_entry(
        id=f"e{number}",
        symbol=("BTCUSDT", "ETHUSDT")[number % 2],
        closed_ms=CLOSED_MS + number * 5 * HOUR_MS,
        known_ms=CLOSED_MS + number * 5 * HOUR_MS + 5_000,
        horizon_candles=30,
    )
    for number in range(8)
]
HOURS = 120


class Killed(BaseException):
    """The end of the process."""


async def settled_by(kills: list[int], batch: int) -> tuple[LedgerStore, int]:
    """Return the ledger after processes that end after `kills` steps each and one that does not, and how many ended."""
    with tempfile.TemporaryDirectory() as folder:
        documents = SqliteDocumentStore(Path(folder) / "store.db")
        await documents.open()
        try:
            return await _settled_by(Workshop(documents), kills, batch)
        finally:
            await documents.close()


async def _settled_by(workshop: Workshop, kills: list[int], batch: int) -> tuple[LedgerStore, int]:
    await workshop.ledger.append(ENTRIES)
    for symbol in ("BTCUSDT", "ETHUSDT"):
        workshop.store(flat(30 + HOURS, BEFORE_MS), symbol)
    # Once in between, so that plans are put off, and at the end.
    ended, ends = 0, iter(kills)
    for hours in (20, HOURS - 20):
        workshop.pass_hours(hours)
        while (steps := next(ends, None)) is not None:
            left = [steps]

            def step(left: list[int] = left) -> None:
                left[0] -= 1
                if left[0] < 0:
                    raise Killed

            workshop.step = step
            try:
                await workshop.settler(batch).settle_due()
            except Killed:
                ended += 1
            finally:
                workshop.step = lambda: None
            workshop.clock.advance(LEASE_SECONDS)
            if hours == 20 and ended >= len(kills) // 2:
                break
        await workshop.settler(batch).settle_due()
        workshop.clock.advance(LEASE_SECONDS)
    return workshop.ledger, ended


async def _result(ledger: LedgerStore) -> tuple[object, ...]:
    records = [await ledger.entry(entry.id) for entry in ENTRIES]
    days = sorted({stretch_day(entry, horizon) for entry in ENTRIES for horizon in entry.horizons})
    outcome = [
        (record.entry.id, s.horizon, s.price, s.end, s.r, s.ended_ms, s.source)
        for record in records
        if record is not None
        for s in record.settlements
    ]
    assert len(outcome) == sum(len(entry.horizons) for entry in ENTRIES)
    for day in days:
        sums = await ledger.aggregates("symbol", day, day)
        assert sums == count_and_add(await ledger.settled(day), day)
    assert await ledger.days_to_add_up() == []
    assert (await ledger.size()).waiting == 0
    return tuple(outcome)


@settings(max_examples=15)
@given(kills=st.lists(st.integers(0, 90), max_size=8), batch=st.integers(1, 60))
def test_a_settler_killed_at_any_step_settles_each_horizon_once_with_right_sums(kills: list[int], batch: int) -> None:
    async def compare() -> None:
        untouched, _ = await settled_by([], 1_000)
        killed, _ = await settled_by(kills, batch)
        assert await _result(killed) == await _result(untouched)

    asyncio.run(compare())


async def test_the_kills_of_the_property_do_end_processes() -> None:
    _, ended = await settled_by([0, 3, 20, 30, 40], 10)
    assert ended == 5
