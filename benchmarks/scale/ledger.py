"""A ledger of 30 days of eight symbols, three lanes and 207,360 entries: `python -m benchmarks.scale.ledger`.

It takes some five minutes: the entries are made, settled and summed by the drill, in a store that a server then opens.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.http_client import HttpConnection, request_bytes
from benchmarks.processes import serve
from benchmarks.report import Row, markdown_table, verdict
from config.sources import load_settings
from domain.market import Timeframe
from services.evidence.file import open_weigher
from services.ledger.drill.parameters import DrillParameters, DrillSettings, SimulatedWalk
from services.ledger.drill.result import DrillResult
from services.ledger.drill.running import Drill
from storage.ledger_ports import LEDGER_COLLECTION, SETTLEMENT_COLLECTION
from storage.sqlite.documents import SqliteDocumentStore
from storage.sqlite.ledger.ledger import SqliteLedger
from utils.concurrency import worker_threads

DAYS, SYMBOLS = 30, 8
QUESTIONS = {
    "/ai/track-record": "/ai/track-record",
    "/ai/track-record, one lane and symbol": "/ai/track-record?lane=rules&symbol=DRILL1USDT",
    "/ai/track-record.svg": "/ai/track-record.svg",
    "/ai/lanes": "/ai/lanes",
    "/ai/performance": "/ai/performance",
    "/ai/signal-quality": "/ai/signal-quality",
}
ROUNDS = 9


def measure(days: int = DAYS) -> list[Row]:
    """Return a row per question of a server on the settled ledger: of its first time after a start, and of later ones.

    Times are those of the whole request. The last row has what an entry takes on disk.
    """
    with TemporaryDirectory(prefix="ledger-") as folder:
        database = Path(folder) / "ledger.db"
        result = asyncio.run(_build(database, days))
        entries = sum(lane.entries for lane in result.lanes.values())
        rows: list[Row] = []
        for name, path in QUESTIONS.items():
            # A start for each: its first answer is not helped by what another question has read.
            with serve(
                "main.py", DATABASE_URL=f"sqlite:///{database}", STORAGE__SPOOL_PATH=f"{folder}/spool"
            ) as server:
                before = server.cpu_seconds()
                first, *later = asyncio.run(_ask(server.port, path))
                cpu_ms = 1000 * (server.cpu_seconds() - before) / (1 + ROUNDS)
            rows.append(
                {"question": name, "first after a start, ms": first, "later, ms": median(later), "CPU, ms": cpu_ms}
            )
        return [*rows, {"entries": entries, "settled": result.settled, **_bytes(database)}]


def targets(rows: Sequence[Mapping[str, str | float]]) -> list[Row]:
    """Return the slowest answer, and the bytes of an entry, with their targets.

    The first question within a second of a start has none: it shares the cores with what the start has to do.
    """
    *asked, kept = rows
    return [
        verdict(
            f"slowest of {len(asked)} questions of a ledger of {kept['entries']:,} entries, ms",
            max(float(row["later, ms"]) for row in asked),
            100.0,
        ),
        verdict("an entry of the ledger on disk, bytes", float(kept["an entry with its indexes, bytes"]), 400.0),
    ]


async def _build(database: Path, days: int) -> DrillResult:
    """Make the ledger so that its last plans have ended before today."""
    settings = load_settings(environment={})
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    first_day = midnight - timedelta(days + 3)
    parameters = DrillParameters(days, SYMBOLS, Timeframe.M5, SimulatedWalk(0.0, 0.5, 1))
    # The plain stores: a disk that stands still for a moment ends nothing here.
    writing = asyncio.Lock()
    ledger, documents = SqliteLedger(database, writing=writing), SqliteDocumentStore(database, writing=writing)
    await ledger.open()
    await documents.open()
    try:
        with worker_threads(1, "drill") as executor:
            weigher = open_weigher(settings.trading)
            drill = Drill(
                parameters,
                DrillSettings.of(settings),
                weigher,
                ledger,
                documents,
                executor,
                lambda *_: None,
                first_day=first_day,
            )
            return await drill.run()
    finally:
        await documents.close()
        await ledger.close()


async def _ask(port: int, path: str) -> list[float]:
    """Return what the question took in ms, the first time and the times after it."""
    connection, times = await HttpConnection.open(port), []
    for _ in range(1 + ROUNDS):
        started = time.perf_counter()
        await connection.send(request_bytes("GET", path))
        times.append(1000 * (time.perf_counter() - started))
    connection.close()
    return times


def _bytes(database: Path) -> dict[str, float]:
    """Return what an entry and a settled horizon of one take on disk, each with its indexes, and the file in all."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages = """SELECT sum(pgsize) FROM dbstat
            WHERE name IN (SELECT name FROM sqlite_schema WHERE tbl_name = :table)"""
        table_bytes = {
            table: connection.execute(pages, {"table": table}).fetchone()[0]
            / connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - a name of ours
            for table in (LEDGER_COLLECTION, SETTLEMENT_COLLECTION)
        }
        (entries,) = connection.execute(f"SELECT count(*) FROM {LEDGER_COLLECTION}").fetchone()  # noqa: S608
    return {
        "an entry with its indexes, bytes": table_bytes[LEDGER_COLLECTION],
        "a settled horizon with its indexes, bytes": table_bytes[SETTLEMENT_COLLECTION],
        "the file by entries, bytes": database.stat().st_size / entries,
    }


def main() -> None:
    """Print the rows and the targets."""
    rows = measure()
    print(markdown_table(rows[:-1]), markdown_table(rows[-1:]), markdown_table(targets(rows)), sep="\n\n")


if __name__ == "__main__":
    main()
