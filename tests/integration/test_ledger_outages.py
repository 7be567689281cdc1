"""The ledger while MongoDB is killed or refuses writes: nothing that was put is lost, nothing is kept by halves."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pymongo import MongoClient

from domain.errors import StorageUnavailable
from domain.ledger.days import DayRoot
from domain.ledger.entries import LedgerEntry
from domain.ledger.settlements import Settlement
from storage.ledger_ports import LEDGER_COLLECTION, EntryFilter, LedgerSize
from storage.ledger_values import day_of
from storage.mongo.ledger import MongoLedger
from storage.resilience.ledger import ResilientLedger
from storage.resilience.spool import Spool
from tests.fixtures.ledger import CLOSED_MS, make_entry
from tests.fixtures.patience import eventually
from tests.fixtures.stores import PACE

if TYPE_CHECKING:
    from tests.fixtures.mongod import Mongod

pytest_plugins = ["tests.fixtures.mongod"]
pytestmark = pytest.mark.realserver

WRITES = ["insert", "update", "delete", "findAndModify"]
DAY = day_of(CLOSED_MS)


@pytest.fixture
async def ledger(refusing_mongod: Mongod) -> AsyncIterator[MongoLedger]:
    ledger = MongoLedger(refusing_mongod.fresh_url())
    await ledger.open()
    yield ledger
    await ledger.close()


def entries(first: int, last: int) -> list[LedgerEntry]:
    return [make_entry(id=f"{number:032x}.rules", known_ms=CLOSED_MS + number) for number in range(first, last)]


def settlement(entry_id: str) -> Settlement:
    return Settlement(entry_id, 1, 1.0, 0.0, None, None, CLOSED_MS + 3_600_000, CLOSED_MS + 3_700_000, "stored")


async def test_entries_that_were_put_while_the_server_is_killed_are_all_written_once(
    own_mongod: Mongod, tmp_path: Path
) -> None:
    await asyncio.to_thread(own_mongod.start)
    ledger = ResilientLedger(MongoLedger(own_mongod.fresh_url()), pace=PACE, spool=Spool(tmp_path / "s", "l", 10**7))
    await ledger.open()
    for start in range(0, 3_000, 100):
        ledger.put(entries(start, start + 100))
        await asyncio.sleep(0)
        if start == 1_500:
            await ledger.flush()
            own_mongod.send(signal.SIGKILL)
    await ledger.append(entries(3_000, 3_001))
    await asyncio.to_thread(own_mongod.kill)
    await asyncio.to_thread(own_mongod.start)
    await eventually(lambda: ledger.state.available and ledger.state.waiting == 0)
    assert await ledger.size() == LedgerSize(3_001, 3_001, 5 * 3_001, CLOSED_MS + 3_600_000)
    assert await ledger.booked(DAY) == entries(0, 3_001)
    await ledger.close()


async def test_server_that_takes_no_writes_is_an_outage_with_a_cause(
    ledger: MongoLedger, refusing_mongod: Mongod
) -> None:
    (entry,) = entries(0, 1)
    await ledger.append([entry])
    await asyncio.to_thread(refusing_mongod.refuse, WRITES, errorCode=14031)
    for call in (
        ledger.ping(),
        ledger.append(entries(1, 3)),
        ledger.repeat({entry.id: 1}),
        ledger.settle([settlement(entry.id)]),
        ledger.put_aggregates(DAY, []),
        ledger.close_day(DayRoot(DAY, 1, "0", "0", 1)),
    ):
        with pytest.raises(StorageUnavailable, match="the disk of the MongoDB server is full"):
            await call
    assert [record.entry for record in await ledger.entries(EntryFilter(), 9)] == [entry]
    await asyncio.to_thread(refusing_mongod.refuse, [])
    assert await ledger.settle([settlement(entry.id)]) == 1


async def test_settlement_without_its_horizon_taken_off_the_list_is_finished_by_the_next(
    ledger: MongoLedger, refusing_mongod: Mongod
) -> None:
    (entry,) = entries(0, 1)
    await ledger.append([entry])
    await asyncio.to_thread(refusing_mongod.refuse, ["update", "delete"], closeConnection=True)
    with pytest.raises(StorageUnavailable):
        await ledger.settle([settlement(entry.id)])  # kept, but still due: as if the settler had died in between
    await asyncio.to_thread(refusing_mongod.refuse, [])
    assert await ledger.days_to_add_up() == [DAY]
    assert [record.settlements for record in await ledger.settled(DAY)] == [(settlement(entry.id),)]
    assert (entry.id, 1) in [(due.entry.id, due.horizon) for due in await ledger.due(CLOSED_MS + 3_600_000, 9)]
    assert await ledger.settle([settlement(entry.id)]) == 0
    assert (entry.id, 1) not in [(due.entry.id, due.horizon) for due in await ledger.due(CLOSED_MS + 3_600_000, 9)]


async def test_due_times_without_their_entry_do_not_hide_others(ledger: MongoLedger) -> None:
    kept, lost = make_entry(), make_entry(id="lost", closed_ms=CLOSED_MS - 3_600_000)
    await ledger.append([lost, kept])
    with MongoClient[dict[str, Any]](ledger._connection._url) as client:
        collection = client.get_default_database()[LEDGER_COLLECTION]
        await asyncio.to_thread(collection.delete_one, {"_id": lost.id})
    week_later = CLOSED_MS + 7 * 86_400_000
    assert await ledger.due(week_later, 1) == []
    assert {due.entry.id for due in await ledger.due(week_later, 1)} == {kept.id}
    assert (await ledger.size()).waiting == 5


async def test_entry_takes_at_most_400_bytes_of_the_server(ledger: MongoLedger) -> None:
    from tests.unit.storage.test_ledger_size import typical

    some = typical(9_000)
    for start in range(0, len(some), 1_000):
        await ledger.append(some[start : start + 1_000])
    with MongoClient[dict[str, Any]](ledger._connection._url) as client:
        await asyncio.to_thread(client.admin.command, "fsync")  # a checkpoint: sizes are those of the files
        database = client.get_default_database()
        sizes = [database.command("collStats", name)["totalSize"] for name in ("ledger_entries", "ledger_due")]
    assert sum(sizes) > 9_000 * 100
    assert sum(sizes) <= 9_000 * 400
