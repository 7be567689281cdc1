"""A settler on SQLite whose process is killed in the midst of its work, again and again."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from domain.ledger.settlements import Settlement
from services.ledger.scoring.sums import add_up
from storage.ledger_ports import Postponed
from storage.sqlite.documents import SqliteDocumentStore
from storage.sqlite.ledger.ledger import SqliteLedger
from tests.fixtures.ledger import CLOSED_MS, make_entry, stretch_day
from tests.fixtures.settling import HOUR_MS, Workshop, flat

ENTRIES = [
    make_entry(id=f"e{n}", closed_ms=CLOSED_MS + n * HOUR_MS, known_ms=CLOSED_MS + n * HOUR_MS + 5_000)
    for n in range(60)
]
# Settles a few horizons at a time, and tells of each time before it goes on.
_PROCESS = """
import asyncio, sys
from tests.integration.test_settler_killed import settle_and_tell
asyncio.run(settle_and_tell(sys.argv[1], int(sys.argv[2])))
"""


def workshop_at(documents: SqliteDocumentStore, ledger: SqliteLedger, hours: int) -> Workshop:
    """Return a workshop on these stores, hours after the entries' first close, with all candles."""
    workshop = Workshop(documents)
    workshop.ledger = ledger
    workshop.store(flat(30 + 90, CLOSED_MS - 30 * HOUR_MS))
    workshop.pass_hours(hours)
    return workshop


async def settle_and_tell(path: str, hours: int) -> None:
    """Settle what is due in small steps, and print a line before and after each write."""
    documents, ledger = SqliteDocumentStore(path), SqliteLedger(path)
    await documents.open()
    await ledger.open()
    workshop = workshop_at(documents, ledger, hours)
    settle = ledger.settle

    async def told(settlements: Sequence[Settlement], postponed: Sequence[Postponed] = ()) -> int:
        print("writes", flush=True)
        settled = await settle(settlements, postponed)
        print("wrote", flush=True)
        return settled

    ledger.settle = told  # type: ignore[method-assign]  # tells what was settled
    await workshop.settler(batch=7, add_up=add_up).settle_due()
    await ledger.close()
    await documents.close()


async def test_kill_9_in_the_settler_loses_and_doubles_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    documents, ledger = SqliteDocumentStore(path), SqliteLedger(path)
    await documents.open()
    await ledger.open()
    await ledger.append(ENTRIES)
    # Two in a write, one right after it; the lease of each has ended for the next.
    for number, lines in enumerate((3, 8, 21)):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _PROCESS, str(path), str(88 + number), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        for _ in range(lines):
            assert await process.stdout.readline()
        process.kill()
        await process.wait()
    size = await ledger.size()
    owed = sum(len(entry.horizons) for entry in ENTRIES)
    done = sum([len(record.settlements) for entry in ENTRIES if (record := await ledger.entry(entry.id))])
    assert 0 < done < owed
    assert done + size.waiting == owed
    last = workshop_at(documents, ledger, 91).settler(add_up=add_up)
    assert await last.settle_due() == owed - done
    assert last.state.waiting == 0
    for day in {stretch_day(entry, horizon) for entry in ENTRIES for horizon in entry.horizons}:
        expected = [sums for sums in add_up(await ledger.settled(day), day) if sums.level == "all"]
        found = await ledger.aggregates("all", day, day)
        assert sorted(found, key=lambda sums: sums.horizon) == sorted(expected, key=lambda sums: sums.horizon)
    await ledger.close()
    await documents.close()
