"""A ledger that takes entries through outages and kills, counts repeats in memory, and answers readers in time."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from domain.errors import StorageUnavailable
from domain.ledger.days import DayRoot
from domain.ledger.entries import Apart, LedgerEntry
from storage.ledger_ports import EntryFilter
from storage.resilience.ledger import ResilientLedger, decode, encode
from storage.resilience.spool import Spool
from storage.sqlite.ledger.ledger import SqliteLedger
from tests.fixtures.ledger import make_entry
from tests.fixtures.patience import PATIENCE_SECONDS, eventually
from tests.fixtures.stores import PACE

pytest_plugins = ["tests.fixtures.logs"]

DOWN = "WARNING ledger is down; its entries wait, and what reads it says so"
BACK = "INFO ledger is back"
ROOT = Path(__file__).parents[3]
PROCESS = """
import asyncio, sys
from pathlib import Path
from tests.unit.storage.test_resilient_ledger import entries, resilient

async def main():
    ledger = resilient(Path(sys.argv[1]))
    await ledger.open()
    ledger.put(entries(300))
    await ledger.append(entries(301)[300:])
    print("kept", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def entries(count: int) -> list[LedgerEntry]:
    return [make_entry(id=f"{number:032x}.rules", known_ms=10**12 + number) for number in range(count)]


def resilient(folder: Path, repeat_seconds: float = 60.0) -> ResilientLedger:
    """Return a ledger that fails as long as the file `store` stands in the folder where its own should be."""
    ledger = SqliteLedger(folder / "store" / "store.db", busy_seconds=0.1)
    spool = Spool(folder / "spool", "ledger", 10_000_000)
    return ResilientLedger(ledger, pace=PACE, spool=spool, repeat_seconds=repeat_seconds)


async def ids(ledger: ResilientLedger) -> list[str]:
    return [record.entry.id for record in reversed(await ledger.entries(EntryFilter(), 9_999))]


@pytest.mark.parametrize(
    "entry",
    [
        make_entry(),
        make_entry(stop=None, target=None, price=0.1 + 0.2, apart=Apart.STRANGER, request_id="ключ\n", cost_usd=1e-9),
    ],
)
def test_text_of_an_entry_gives_it_back(entry: LedgerEntry) -> None:
    assert decode(encode(entry)) == entry


def test_text_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="oracle"):
        decode(encode(make_entry()).replace('"rules"', '"oracle"'))
    with pytest.raises(ValueError, match="surrogate"):
        encode(make_entry(id="\ud800"))


async def test_entries_are_read_as_soon_as_they_are_put(tmp_path: Path) -> None:
    ledger = resilient(tmp_path)
    await ledger.open()
    ledger.put(entries(5))
    assert await ids(ledger) == [entry.id for entry in entries(5)]
    ledger.put(entries(7))
    ledger.put([replace(entries(7)[6], price=7.0)])
    assert len(await ledger.due(10**13, 99)) == 35
    assert (await ledger.entries(EntryFilter(), 1))[0].entry == entries(7)[6]
    await ledger.close()


async def test_entry_that_a_ledger_with_stuck_writes_has_not_taken_yet_is_not_missing(tmp_path: Path) -> None:
    goes_on = asyncio.Event()

    class Stuck(SqliteLedger):
        async def append(self, entries: Sequence[LedgerEntry]) -> None:
            await goes_on.wait()
            await super().append(entries)

    pace = replace(PACE, call_seconds=float(PATIENCE_SECONDS), flush_seconds=0.05)
    ledger = ResilientLedger(Stuck(tmp_path / "store.db"), pace=pace, spool=Spool(tmp_path / "spool", "ledger", 10_000))
    await ledger.open()
    (entry,) = entries(1)
    assert await ledger.entry(entry.id) is None
    await ledger.append([entry])
    with pytest.raises(StorageUnavailable, match="has not taken yet"):
        await ledger.entry(entry.id)
    goes_on.set()
    await eventually(lambda: ledger.state.waiting == 0)
    record = await ledger.entry(entry.id)
    assert record is not None
    assert record.entry == entry
    await ledger.close()


async def test_entries_of_an_outage_are_kept_in_the_spool_and_written_after_it(
    tmp_path: Path, log_lines: list[str]
) -> None:
    (tmp_path / "store").touch()
    ledger = resilient(tmp_path)
    await ledger.open()
    ledger.put(entries(2_500))
    await ledger.append(entries(2_600)[2_500:])
    assert ledger.state.spooled == 2_600
    for call in (ledger.entry("x"), ledger.due(0, 1), ledger.settle([]), ledger.size(), ledger.prune_ledger(0)):
        with pytest.raises(StorageUnavailable, match="the sqlite store is not available now"):
            await call
    (tmp_path / "store").unlink()
    await eventually(lambda: ledger.state.available and ledger.state.waiting == 0)
    assert await ids(ledger) == [entry.id for entry in entries(2_600)]
    assert list((tmp_path / "spool").iterdir()) == []
    await ledger.close()
    assert log_lines == [DOWN, BACK]


async def test_entries_that_were_put_outlive_a_kill(tmp_path: Path) -> None:
    (tmp_path / "store").touch()
    command = (sys.executable, "-c", PROCESS, str(tmp_path))
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"kept\n"
    process.kill()
    await process.wait()
    (tmp_path / "store").unlink()
    ledger = resilient(tmp_path)
    await ledger.open()
    await eventually(lambda: ledger.state.available and ledger.state.waiting == 0)
    assert await ids(ledger) == [entry.id for entry in entries(301)]
    await ledger.close()


async def test_repeats_are_counted_in_memory_and_written_in_groups(tmp_path: Path) -> None:
    groups: list[dict[str, int]] = []
    written = asyncio.Event()

    class Watched(SqliteLedger):
        async def repeat(self, counts: Mapping[str, int]) -> None:
            await super().repeat(counts)
            groups.append(dict(counts))
            written.set()

    ledger = ResilientLedger(Watched(tmp_path / "store.db"), pace=PACE, repeat_seconds=0.01)
    await ledger.open()
    first, second = entries(2)
    ledger.put([first, second])
    for _ in range(3):
        ledger.put_repeat(first.id)
    ledger.put_repeat(second.id)
    await written.wait()
    assert groups == [{first.id: 3, second.id: 1}]
    await ledger.repeat({second.id: 4})
    await eventually(lambda: len(groups) == 2)
    assert [record.repeats for record in await ledger.entries(EntryFilter(), 9)] == [5, 3]
    await ledger.close()


async def test_repeats_are_written_at_the_end(tmp_path: Path) -> None:
    ledger = resilient(tmp_path)
    await ledger.open()
    ledger.put(entries(1))
    for _ in range(9):
        ledger.put_repeat(entries(1)[0].id)
    await ledger.close()
    await ledger.open()
    assert [record.repeats for record in await ledger.entries(EntryFilter(), 9)] == [9]
    await ledger.close()


async def test_repeats_wait_through_an_outage_for_their_entries(tmp_path: Path) -> None:
    (tmp_path / "store").touch()
    ledger = resilient(tmp_path, repeat_seconds=0.01)
    await ledger.open()
    (entry,) = entries(1)
    ledger.put_repeat(entry.id)
    await ledger.append([entry])
    ledger.put_repeat(entry.id)
    (tmp_path / "store").unlink()
    await eventually(lambda: ledger.state.available and not ledger._repeats)
    assert [record.repeats for record in await ledger.entries(EntryFilter(), 9)] == [2]
    await ledger.close()


async def test_repeats_in_memory_are_bounded_and_those_lost_at_the_end_are_named(
    tmp_path: Path, log_facts: list[str]
) -> None:
    (tmp_path / "store").touch()
    ledger = ResilientLedger(SqliteLedger(tmp_path / "store" / "x.db"), pace=PACE, max_waiting=2)
    await ledger.open()
    for name in ("a", "b", "c", "a"):
        ledger.put_repeat(name)
    await ledger.close()
    assert "WARNING repeats of ledger entries are not counted {'repeats': 3}\n" in log_facts


async def test_entry_that_the_ledger_refuses_is_given_up_alone(tmp_path: Path, log_lines: list[str]) -> None:
    ledger = resilient(tmp_path)
    await ledger.open()
    good = entries(5)
    ledger.put([*good[:2], make_entry(id="refused", known_ms=2**70), *good[2:]])
    assert await ids(ledger) == [entry.id for entry in good]
    assert ledger.state.dropped == 1
    await ledger.close()
    assert [line for line in log_lines if line.startswith("ERROR")] == [
        "ERROR store refuses a write; it is given up",
    ]


async def test_reader_of_a_ledger_that_hangs_is_told_in_time(tmp_path: Path) -> None:
    hangs = asyncio.Event()

    class Hanging(SqliteLedger):
        async def day_roots(self, limit: int, before: date | None = None) -> list[DayRoot]:
            hangs.set()
            await asyncio.Event().wait()
            return await super().day_roots(limit, before)

    ledger = ResilientLedger(Hanging(tmp_path / "store.db"), pace=replace(PACE, query_seconds=0.1))
    await ledger.open()
    with pytest.raises(StorageUnavailable):
        await ledger.day_roots(1)
    assert hangs.is_set()
    assert ledger.state.available  # others go on
    assert await ledger.days_to_add_up() == []
    await ledger.close()
