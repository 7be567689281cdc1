"""Days of the ledger are closed once, in order, and announced; each is chained to the day before."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime, timedelta

import pytest

from domain.errors import Conflict, InvalidRequest, NotFound, StorageUnavailable
from domain.ledger.entries import LedgerEntry
from services.broadcast.hub import SignalHub
from services.ledger.proofs.chain import BEGINNING, chain
from services.ledger.proofs.day_closing import DayCloser
from services.ledger.proofs.published import entry_hash
from services.ledger.reader import LedgerReader
from storage.ledger_ports import EntryFilter
from tests.fixtures.clocks import SettableClock
from tests.fixtures.ledger import CLOSED_MS, MemoryLedger, make_entry
from tests.fixtures.merkle_proofs import root_of_path

DAY_MS = 86_400_000
FIRST = date(2021, 1, 4)


def entries(days: int = 3, per_day: int = 5) -> list[LedgerEntry]:
    """Return entries of days that follow one another; the second has none."""
    return [
        make_entry(id=f"d{day}n{number}.rules", known_ms=CLOSED_MS + day * DAY_MS + number)
        for day in range(days)
        if day != 1
        for number in range(per_day)
    ]


def closer(store: MemoryLedger, clock: SettableClock, hub: SignalHub | None = None) -> DayCloser:
    return DayCloser(store, hub or SignalHub(1_000_000), clock, retention_days=30)


@pytest.fixture
async def store() -> MemoryLedger:
    """Return a ledger of three days."""
    ledger = MemoryLedger()
    await ledger.append(entries())
    return ledger


async def test_days_are_closed_after_their_end_with_the_empty_one_between(store: MemoryLedger) -> None:
    clock = SettableClock(datetime(2021, 1, 5, 0, 9, tzinfo=UTC))
    closing = closer(store, clock)
    assert await closing.close_days() == []  # entries of the last minutes may be on their way
    clock.moment = datetime(2021, 1, 7, 0, 11, tzinfo=UTC)
    closed = await closing.close_days()
    assert [(root.day, root.entries) for root in closed] == [
        (FIRST, 5),
        (FIRST + timedelta(days=1), 0),
        (FIRST + timedelta(days=2), 5),
    ]
    previous = BEGINNING
    for root in closed:
        assert root.chained == chain(previous, root.day, root.root)
        previous = root.chained
    assert await closing.close_days() == []
    assert await closer(store, clock).close_days() == []  # nor does a process that starts later


async def test_late_entry_is_booked_in_the_open_day_and_the_closed_one_stays(store: MemoryLedger) -> None:
    clock = SettableClock(datetime(2021, 1, 5, 0, 11, tzinfo=UTC))
    (first,) = await closer(store, clock).close_days()
    late = make_entry(id="late.rules", known_ms=CLOSED_MS + 2)
    await store.append([late])
    clock.moment += timedelta(days=1)
    (second,) = await closer(store, clock).close_days()
    assert (first.entries, second.entries) == (5, 1)
    proof = await LedgerReader(store, clock).proof("late.rules")
    assert (proof.root, proof.previous) == (second, first.chained)


async def test_closed_day_is_announced_once(store: MemoryLedger) -> None:
    hub = SignalHub(1_000_000)
    subscription = hub.subscribe()
    clock = SettableClock(datetime(2021, 1, 5, 1, tzinfo=UTC))
    (root,) = await closer(store, clock, hub).close_days()
    await closer(store, clock, hub).close_days()
    hub.publish(None, lambda: '"end"')
    event = json.loads(await anext(subscription))
    assert event["type"] == "LedgerDayClosed"
    assert event["data"] == {"day": "2021-01-04", "entries": 5, "root": root.root, "chained": root.chained}
    assert json.loads(await anext(subscription)) == "end"


async def test_every_entry_of_a_closed_day_has_a_path_to_its_root(store: MemoryLedger) -> None:
    clock = SettableClock(datetime(2021, 1, 5, 1, tzinfo=UTC))
    (root,) = await closer(store, clock).close_days()
    reader = LedgerReader(store, clock)
    for entry in entries(days=1):
        proof = await reader.proof(entry.id)
        path = [bytes.fromhex(node) for node in proof.path]
        assert proof.leaf == entry_hash(entry).hex()
        assert root_of_path(bytes.fromhex(proof.leaf), proof.index, root.entries, path).hex() == root.root
    with pytest.raises(Conflict, match="2021-01-06 is not closed yet"):
        await LedgerReader(store, SettableClock(datetime(2021, 1, 6, 13, tzinfo=UTC))).proof("d2n0.rules")
    with pytest.raises(NotFound, match="no entry"):
        await reader.proof("unknown")


async def test_request_id_is_no_part_of_the_proof() -> None:
    assert entry_hash(make_entry(request_id="r-1")) == entry_hash(make_entry(request_id=None))
    assert entry_hash(make_entry(confidence=0.61)) != entry_hash(make_entry())


async def test_pages_follow_one_another_without_gap_or_repetition(store: MemoryLedger) -> None:
    reader, found, cursor = LedgerReader(store, SettableClock()), [], None
    while True:
        page = await reader.page(EntryFilter(), 3, cursor)
        found += [record.entry.id for record in page.records]
        cursor = page.next
        if cursor is None:
            break
    assert found == [entry.id for entry in reversed(entries())]
    with pytest.raises(InvalidRequest, match="take `next` of the page before"):
        await reader.page(EntryFilter(), 3, "yesterday")


async def test_closing_goes_on_after_an_outage(store: MemoryLedger) -> None:
    clock, waits = SettableClock(datetime(2021, 1, 5, 1, tzinfo=UTC)), []
    down = True

    def step() -> None:
        if down:
            raise StorageUnavailable("the store is down")

    async def sleep(seconds: float) -> None:
        nonlocal down
        waits.append(seconds)
        if len(waits) > 1:
            raise asyncio.CancelledError
        down = False

    store.step = step
    with pytest.raises(asyncio.CancelledError):
        await DayCloser(store, SignalHub(1_000), clock, 30, sleep).run()
    assert [root.entries for root in await store.day_roots(5)] == [5]
