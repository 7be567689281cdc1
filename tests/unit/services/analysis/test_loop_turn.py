"""Which of several processes runs the periodic loop: one at a time, also without the store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.analysis.loop_turn import LoopTurn
from services.analysis.periodic import PeriodicAnalysis
from services.leases import Lease
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.clocks import SettableClock

SECONDS = 15.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteDocumentStore]:
    documents = SqliteDocumentStore(tmp_path / "store.db")
    await documents.open()
    yield documents
    await documents.close()


def turn(store: SqliteDocumentStore, clock: SettableClock) -> LoopTurn:
    return LoopTurn(Lease(store, "periodic", SECONDS, clock, monotonic=clock.monotonic), SECONDS)


async def test_one_runs_the_loop_and_the_other_when_it_is_gone_for_as_long_as_the_lease(
    store: SqliteDocumentStore,
) -> None:
    clock = SettableClock()
    one, other = turn(store, clock), turn(store, clock)
    await one.look()
    await other.look()
    assert (one.held, other.held) == (True, False)
    clock.advance(SECONDS - 1)
    await other.look()
    assert not other.held
    clock.advance(1)
    await other.look()
    assert other.held
    await one.look()
    assert not one.held


async def test_the_others_look_when_the_lease_ends(store: SqliteDocumentStore) -> None:
    clock, sleeps = SettableClock(), list[float]()

    async def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        clock.advance(seconds)
        if len(sleeps) == 4:
            raise asyncio.CancelledError

    await turn(store, clock).look()
    clock.advance(SECONDS - 8)
    other = LoopTurn(Lease(store, "periodic", SECONDS, clock, monotonic=clock.monotonic), SECONDS, sleep)
    async with other.kept():
        await other.begun()
    # A third of the lease, what was left of it, and from then on as its holder.
    assert sleeps[:2] == [5.0, 3.0]


async def test_the_end_of_a_process_lets_another_begin_at_once(store: SqliteDocumentStore) -> None:
    clock = SettableClock()
    one, other = turn(store, clock), turn(store, clock)
    async with one.kept():
        await one.begun()
        await other.look()
        assert not other.held
    await other.look()
    assert other.held


async def test_without_the_store_a_loop_goes_on_and_begins_unless_another_is_known(store: SqliteDocumentStore) -> None:
    clock = SettableClock()
    runs, waits, new = turn(store, clock), turn(store, clock), turn(store, clock)
    await runs.look()
    await waits.look()
    await store.close()
    clock.advance(10 * SECONDS)
    for one in (runs, waits, new):
        await one.look()
    assert (runs.held, waits.held, new.held) == (True, False, True)


async def test_a_cycle_ends_where_another_process_takes_over(store: SqliteDocumentStore) -> None:
    clock, analyzed = SettableClock(), list[str]()
    one, other = turn(store, clock), turn(store, clock)
    await one.look()

    async def analyze(symbol: str) -> None:
        analyzed.append(symbol)
        if symbol == "ETHUSDT":
            clock.advance(SECONDS)
            await other.look()
            await one.look()

    symbols = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    loop = PeriodicAnalysis(analyze, symbols, interval_seconds=300, pause_seconds=0, turn=one, clock=clock)
    await loop.run_once()
    assert analyzed == ["BTCUSDT", "ETHUSDT"]
    assert other.held
