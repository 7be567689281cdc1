"""The export of a day: its entries, their settlements, and the proof, as lines of JSON or as a Parquet file."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from domain.ledger.days import DayRoot, ExportForm
from domain.ledger.entries import LedgerEntry
from domain.ledger.settlements import LedgerRecord, Settlement
from services.ledger.proofs.chain import read_root
from services.ledger.proofs.published import canonical, published, published_settlement
from storage.ledger_ports import EntryFilter, LedgerStore

if TYPE_CHECKING:
    import pandas as pd

# What a line is: the key `record`.
ENTRY, SETTLEMENT, DAY = "entry", "settlement", "day"
# Name of the last line among the metadata of a Parquet file.
METADATA = "ledger_day"
# Columns of the Parquet file beside `json`, which alone counts.
TYPED = (
    "record",
    "id",
    "lane",
    "symbol",
    "timeframe",
    "side",
    "known_ms",
    "price",
    "confidence",
    "horizon",
    "move",
    "r",
)
_PAGE = 1_000


@dataclass(frozen=True)
class DayExport:
    """A day of the ledger.

    Attributes:
        entries: Booked in it, by known time and id in ascending order.
        settlements: Of these entries so far, by entry and horizon.
        root: Proof of the day, None while it is open.
        previous: `chained` of the day before, BEGINNING of the first.
    """

    day: date
    entries: Sequence[LedgerEntry]
    settlements: Sequence[Settlement]
    root: DayRoot | None
    previous: str

    def lines(self) -> Iterator[bytes]:
        """Yield the lines without line ends: entries, settlements, and last the day with a digest over all of it."""
        digest = hashlib.sha256()
        for line in lines_of(self.entries, self.settlements):
            digest.update(line + b"\n")
            yield line
        yield canonical(sealed(self._day(), digest))

    def ndjson(self) -> bytes:
        """Return the lines as one text."""
        return b"".join(line + b"\n" for line in self.lines())

    def content(self, form: ExportForm) -> bytes:
        """Return the file of a form."""
        return self.parquet() if form is ExportForm.PARQUET else self.ndjson()

    def parquet(self) -> bytes:
        """Return the lines as a Parquet file: the text of each, with some of its fields as columns."""
        import fastparquet  # a tenth of a second that only this format needs

        *lines, last = self.lines()
        written = _KeptBuffer()
        fastparquet.write(
            "export", frame_of(lines), open_with=lambda *_: written, custom_metadata={METADATA: last.decode()}
        )
        return written.getvalue()

    def _day(self) -> dict[str, Any]:
        root = self.root
        return {
            "record": DAY,
            "day": self.day.isoformat(),
            "entries": len(self.entries),
            "settlements": len(self.settlements),
            "root": root.root if root else None,
            "chained": root.chained if root else None,
            "previous": self.previous if root else None,
            "closed_ms": root.closed_ms if root else None,
        }


async def export_day(store: LedgerStore, day: date) -> DayExport:
    """Read a day.

    Raises:
        StorageUnavailable: the store is down.
    """
    entries = await store.booked(day)
    records = await _records(store, entries)
    root, previous = await read_root(store, day)
    settlements = [settlement for entry in entries for settlement in records[entry.id].settlements]
    return DayExport(day, entries, settlements, root, previous)


def lines_of(entries: Iterable[LedgerEntry], settlements: Iterable[Settlement]) -> Iterator[bytes]:
    """Yield the line of each, without line ends."""
    for record, rows in ((ENTRY, map(published, entries)), (SETTLEMENT, map(published_settlement, settlements))):
        for row in rows:
            yield canonical({"record": record, **row})


def sealed(day: dict[str, Any], digest: hashlib._Hash) -> dict[str, Any]:
    """Return the day with the SHA-256 over the lines before it and itself."""
    digest = digest.copy()
    digest.update(canonical(day))
    return {**day, "digest": digest.hexdigest()}


def frame_of(lines: Sequence[bytes]) -> pd.DataFrame:
    """Return the lines, and some of their fields as columns; missing ones are null."""
    import pandas as pd

    rows = [json.loads(line) for line in lines]
    for row in rows:
        row.setdefault("id", row.get("entry_id"))
    columns = {name: [row.get(name) for row in rows] for name in TYPED}
    return pd.DataFrame({**columns, "json": [line.decode() for line in lines]}).astype(
        {"known_ms": "Int64", "price": float, "confidence": float, "horizon": "Int64", "r": float}
    )


async def _records(store: LedgerStore, entries: Sequence[LedgerEntry]) -> dict[str, LedgerRecord]:
    """Return the entries with their settlements, by id."""
    found: dict[str, LedgerRecord] = {}
    if not entries:
        return found
    wanted = EntryFilter(since_ms=entries[0].known_ms, until_ms=entries[-1].known_ms + 1)
    before: tuple[int, str] | None = None
    while page := await store.entries(wanted, _PAGE, before):
        found |= {record.entry.id: record for record in page}
        before = page[-1].entry.known_ms, page[-1].entry.id
    return found


class _KeptBuffer(io.BytesIO):
    """Bytes in memory that outlive the writer's `close`."""

    def close(self) -> None:
        """Keep the bytes."""
