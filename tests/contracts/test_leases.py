"""Leases of replicas that share one database, on SQLite and on a real MongoDB."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import StorageUnavailable
from services.leases import Lease
from storage.adapter_ports import DocumentDatabase
from storage.document_ports import LEASES
from storage.sqlite.documents import SqliteDocumentStore
from tests.fixtures.clocks import SettableClock

pytest_plugins = ["tests.fixtures.mongod"]

SECONDS = 60.0


@pytest.fixture(params=["sqlite", pytest.param("mongodb", marks=pytest.mark.realserver)])
async def replicas(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[list[DocumentDatabase]]:
    """Return the stores of three processes on one database."""
    build: Callable[[], DocumentDatabase]
    if request.param == "sqlite":
        build = lambda: SqliteDocumentStore(tmp_path / "store.db")  # noqa: E731
    else:
        url = request.getfixturevalue("common_mongo_url")
        from storage.mongo.documents import MongoDocumentStore

        build = lambda: MongoDocumentStore(url)  # noqa: E731
    stores: list[DocumentDatabase] = [build() for _ in range(3)]
    for store in stores:
        await store.open()
    yield stores
    for store in stores:
        await store.close()


def lease(store: DocumentDatabase, clock: SettableClock, name: str = "settling") -> Lease:
    return Lease(store, name, SECONDS, clock, monotonic=clock.monotonic)


async def test_one_replica_holds_it_as_long_as_it_takes_it_again(replicas: list[DocumentDatabase]) -> None:
    clock = SettableClock()
    first, second = lease(replicas[0], clock), lease(replicas[1], clock)
    assert await first.take()
    for _ in range(5):
        clock.advance(SECONDS * 0.9)
        assert not await second.take()
        assert await first.take()
        assert first.held
        assert not second.held
    assert (first.fence, second.fence) == (1, 0)


async def test_another_takes_over_what_has_expired_with_a_higher_number(replicas: list[DocumentDatabase]) -> None:
    clock = SettableClock()
    first, second = lease(replicas[0], clock), lease(replicas[1], clock)
    assert await first.take()
    clock.advance(SECONDS)
    assert not first.held
    assert await second.take()
    assert second.fence == 2
    assert not await first.take()
    clock.advance(SECONDS)
    assert await first.take()
    assert first.fence == 3


async def test_of_replicas_that_take_it_at_once_one_gets_it(replicas: list[DocumentDatabase]) -> None:
    clock = SettableClock()
    leases = [lease(store, clock) for store in replicas for _ in range(4)]
    for _ in range(3):  # the first time there is none, later it has expired
        assert (await asyncio.gather(*(one.take() for one in leases))).count(True) == 1
        assert [one.held for one in leases].count(True) == 1
        clock.advance(SECONDS * 2)


async def test_it_can_be_given_up_and_is_then_free_at_once(replicas: list[DocumentDatabase]) -> None:
    clock = SettableClock()
    first, second = lease(replicas[0], clock), lease(replicas[1], clock)
    await first.take()
    await second.give_up()  # of another: nothing happens
    assert not await second.take()
    await first.give_up()
    assert not first.held
    assert await second.take()


async def test_leases_of_other_work_are_independent(replicas: list[DocumentDatabase]) -> None:
    clock = SettableClock()
    assert await lease(replicas[0], clock, "settling").take()
    assert await lease(replicas[1], clock, "loop").take()


async def test_a_lease_of_a_clock_that_ran_a_year_ahead_keeps_no_replica_out(replicas: list[DocumentDatabase]) -> None:
    clock, ahead = SettableClock(), SettableClock()
    ahead.advance(timedelta(days=365).total_seconds())
    assert await lease(replicas[0], ahead).take()
    assert await lease(replicas[1], clock).take()


async def test_while_the_store_is_down_it_is_held_until_it_expires(replicas: list[DocumentDatabase]) -> None:
    clock = SettableClock()
    held = lease(replicas[0], clock)
    assert await held.take()
    await replicas[0].close()
    with pytest.raises(StorageUnavailable):
        await held.take()
    assert held.held
    clock.advance(SECONDS)
    assert not held.held
    assert await replicas[1].get(LEASES, "settling") is not None
