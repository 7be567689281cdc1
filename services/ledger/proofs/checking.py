"""Checks of exports, with nothing but the file: digest, root, chain."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from domain.errors import InvalidRequest
from domain.ledger.entries import LedgerEntry
from domain.ledger.settlements import Settlement
from services.ledger.proofs.chain import BEGINNING, chain
from services.ledger.proofs.export import DAY, ENTRY, METADATA, SETTLEMENT, frame_of, sealed
from services.ledger.proofs.merkle import merkle_root
from services.ledger.proofs.published import canonical, entry_hash, entry_of, settlement_of

MAX_BYTES = 500_000_000
_PARQUET = b"PAR1"


@dataclass(frozen=True)
class CheckedExport:
    """What an export holds, and what is wrong with it.

    Attributes:
        root, chained, previous: As the export states them; None of a day that is not closed.
        wrong: What does not fit, a sentence each; none where all is well.
    """

    day: date
    entries: tuple[LedgerEntry, ...]
    settlements: tuple[Settlement, ...]
    root: str | None
    chained: str | None
    previous: str | None
    wrong: tuple[str, ...]


def check_export(path: Path) -> CheckedExport:
    """Read an export and compute its digest and its root again.

    Raises:
        InvalidRequest: the file cannot be read, or is no export of a day.
    """
    *lines, last = _lines(path)
    rows, day = [_object(line, path) for line in lines], _object(last, path)
    if day.get("record") != DAY:
        raise InvalidRequest(f"{path.name} is no export of the ledger, or its end is missing: its last line has no day")
    entries = tuple(entry_of(_without_record(row)) for row in rows if row.get("record") == ENTRY)
    settlements = tuple(settlement_of(_without_record(row)) for row in rows if row.get("record") == SETTLEMENT)
    return CheckedExport(
        day=_day(day, path),
        entries=entries,
        settlements=settlements,
        root=day.get("root"),
        chained=day.get("chained"),
        previous=day.get("previous"),
        wrong=tuple(_wrong(lines, last, day, entries)),
    )


def check_chain(exports: Sequence[CheckedExport]) -> list[str]:
    """Return what does not fit between exports of days that follow one another."""
    closed = sorted((export for export in exports if export.chained), key=lambda export: export.day)
    return [
        f"{later.day} is chained to {later.previous}, and {earlier.day} ends with {earlier.chained}"
        for earlier, later in pairwise(closed)
        if (later.day - earlier.day).days == 1 and later.previous != earlier.chained
    ]


def _wrong(lines: Sequence[bytes], last: bytes, day: dict[str, Any], entries: Sequence[LedgerEntry]) -> list[str]:
    wrong = []
    digest = hashlib.sha256(b"".join(line + b"\n" for line in lines))
    if canonical(sealed({name: value for name, value in day.items() if name != "digest"}, digest)) != last:
        wrong.append("the digest does not fit the lines: something was changed after the export")
    if len(entries) != day.get("entries"):
        wrong.append(f"{len(entries)} entries, and the day states {day.get('entries')}")
    order = [(entry.known_ms, entry.id) for entry in entries]
    if order != sorted(set(order)):
        wrong.append("the entries are not in their order, or one stands twice")
    if day.get("root") is not None:
        root = merkle_root([entry_hash(entry) for entry in entries]).hex()
        if root != day["root"]:
            wrong.append(f"the entries have the root {root}, and the day states {day['root']}")
        if _chained(day, root) != day.get("chained"):
            wrong.append("the chain from the day before does not lead to the stated hash")
    return wrong


def _chained(day: dict[str, Any], root: str) -> str | None:
    try:
        return chain(day.get("previous") or BEGINNING, date.fromisoformat(day["day"]), root)
    except (TypeError, ValueError):
        return None  # `previous` is no hash


def _lines(path: Path) -> list[bytes]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidRequest(f"{path.name} has more than {MAX_BYTES / 1e6:.0f} MB: no day is that large")
        content = path.read_bytes()
    except OSError as error:
        raise InvalidRequest(f"{path} cannot be read: {error.strerror or error}") from error
    if content.startswith(_PARQUET):
        return _parquet_lines(path)
    *lines, rest = content.split(b"\n")
    if rest or not lines:
        raise InvalidRequest(f"{path.name} is empty, or its last line is cut off: export the day again")
    return lines


def _parquet_lines(path: Path) -> list[bytes]:
    """Return the lines of a Parquet file, read by another process: a file damaged inside may end the one that reads."""
    try:
        with ProcessPoolExecutor(1, get_context("spawn")) as reader:
            lines, last, fits = reader.submit(_read_parquet, path).result()
    # A damaged file may raise any error in the library.
    except Exception as error:
        raise InvalidRequest(f"{path.name} is damaged, or no Parquet export of the ledger ({error})") from error
    if not fits:
        raise InvalidRequest(f"{path.name}: a column differs from the text of its line: the file was changed")
    return [*lines, last]


def _read_parquet(path: Path) -> tuple[list[bytes], bytes, bool]:
    """Return the lines, the last one apart, and whether the columns say the same as the lines."""
    import fastparquet  # a tenth of a second that only this format needs

    file = fastparquet.ParquetFile(str(path))
    frame, last = file.to_pandas(), file.key_value_metadata[METADATA].encode()
    lines = [str(text).encode() for text in frame["json"]]
    expected = frame_of(lines)
    fits = all(expected[name].equals(frame[name].astype(expected[name].dtype)) for name in expected)
    return lines, last, fits


def _object(line: bytes, path: Path) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise InvalidRequest(f"{path.name} has a line that is no JSON: {line[:60]!r}") from error
    if not isinstance(value, dict):
        raise InvalidRequest(f"{path.name} has a line that is no object: {line[:60]!r}")
    return value


def _without_record(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "record"}


def _day(day: dict[str, Any], path: Path) -> date:
    try:
        return date.fromisoformat(str(day["day"]))
    except (KeyError, ValueError) as error:
        raise InvalidRequest(f"{path.name}: its last line has no day of the form YYYY-MM-DD") from error
