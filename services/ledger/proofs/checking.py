"""Checks of exports, with nothing but the file: digest, root, chain."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise, zip_longest
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from config.errors.needs import named_need_of
from config.files import read_at_most
from domain.errors import InvalidRequest
from domain.ledger.entries import LedgerEntry
from domain.ledger.settlements import Settlement
from domain.values import Frozen, epoch_ms
from services.ledger.proofs.chain import BEGINNING, chain
from services.ledger.proofs.export import DAY, ENTRY, METADATA, SETTLEMENT, frame_of, lines_of, sealed
from services.ledger.proofs.merkle import merkle_root
from services.ledger.proofs.published import canonical, entry_hash, entry_of, settlement_of

# No day is that large.
MAX_BYTES = 500_000_000
_PARQUET = b"PAR1"


_Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _StatedDay(Frozen):
    """The last line of an export; what belongs to the root is null as long as the day is open."""

    record: Literal["day"]
    day: date
    entries: int
    settlements: int
    root: _Hash | None
    chained: _Hash | None
    previous: _Hash | None
    closed_ms: int | None
    digest: _Hash

    @model_validator(mode="after")
    def _has_all_of_a_root_or_nothing(self) -> Self:
        if len({value is None for value in (self.root, self.chained, self.previous, self.closed_ms)}) > 1:
            raise ValueError("root, chained, previous and closed_ms go together")
        return self


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
    rows, end = [_object(line, path) for line in lines], _object(last, path)
    if end.get("record") != DAY:
        raise InvalidRequest(f"{path.name} is no export of the ledger, or its end is missing: its last line has no day")
    entries = tuple(entry_of(_without_record(row)) for row in rows if row.get("record") == ENTRY)
    settlements = tuple(settlement_of(_without_record(row)) for row in rows if row.get("record") == SETTLEMENT)
    day = _day(last, path)
    return CheckedExport(
        day=day.day,
        entries=entries,
        settlements=settlements,
        root=day.root,
        chained=day.chained,
        previous=day.previous,
        wrong=(
            *_wrong_lines(lines, last, day, entries, settlements),
            *_wrong_entries(day, entries),
            *_wrong_settlements(day, entries, settlements),
        ),
    )


def check_chain(exports: Sequence[CheckedExport]) -> list[str]:
    """Return what does not fit between exports of the same day, and of days that follow one another."""
    wrong = []
    ordered = sorted(exports, key=lambda export: (export.day, export.chained is None))
    for earlier, later in pairwise(ordered):
        if later.chained is None:
            continue
        if earlier.day == later.day:
            if earlier.chained != later.chained:
                wrong.append(f"{later.day} stands twice, once with {earlier.chained}, once with {later.chained}")
        elif earlier.chained is None:
            wrong.append(f"{earlier.day} has no root, though {later.day} has one: days are closed in their order")
        elif (later.day - earlier.day).days == 1 and later.previous != earlier.chained:
            wrong.append(f"{later.day} is chained to {later.previous}, and {earlier.day} ends with {earlier.chained}")
    return wrong


def _wrong_lines(
    lines: Sequence[bytes],
    last: bytes,
    day: _StatedDay,
    entries: Sequence[LedgerEntry],
    settlements: Sequence[Settlement],
) -> Iterator[str]:
    """Yield where the file is not what the service makes of what it says; JSON has many forms for one value."""
    digest = hashlib.sha256(b"".join(line + b"\n" for line in lines))
    if canonical(sealed(day.model_dump(mode="json", exclude={"digest"}), digest)) != last:
        yield "the digest does not fit the lines: something was changed after the export"
    for number, (line, expected) in enumerate(zip_longest(lines, lines_of(entries, settlements)), 1):
        if line != expected:
            yield f"line {number} is not as an export has it: entries come first, then settlements, each in one form"
            return


def _wrong_entries(day: _StatedDay, entries: Sequence[LedgerEntry]) -> Iterator[str]:
    if len(entries) != day.entries:
        yield f"{len(entries)} entries, and the day states {day.entries}"
    order = [(entry.known_ms, entry.id) for entry in entries]
    if order != sorted(set(order)):
        yield "the entries are not in their order, or one stands twice"
    end_ms = epoch_ms(datetime.combine(day.day + timedelta(days=1), time(), UTC))
    if late := next((entry.id for entry in entries if entry.known_ms >= end_ms), None):
        yield f"entry {late} became known after the end of the day"
    if day.root is not None:
        root = merkle_root([entry_hash(entry) for entry in entries]).hex()
        if root != day.root:
            yield f"the entries have the root {root}, and the day states {day.root}"
        if chain(day.previous or BEGINNING, day.day, root) != day.chained:
            yield "the chain from the day before does not lead to the stated hash"


def _wrong_settlements(
    day: _StatedDay, entries: Sequence[LedgerEntry], settlements: Sequence[Settlement]
) -> Iterator[str]:
    if len(settlements) != day.settlements:
        yield f"{len(settlements)} settlements, and the day states {day.settlements}"
    places = {entry.id: place for place, entry in enumerate(entries)}
    if stray := next((one.entry_id for one in settlements if one.entry_id not in places), None):
        yield f"a settlement is of {stray}, which is no entry of the day"
        return
    order = [(places[one.entry_id], one.horizon) for one in settlements]
    if order != sorted(set(order)):
        yield "the settlements are not in their order, or one stands twice"


def _lines(path: Path) -> list[bytes]:
    try:
        content = read_at_most(path, MAX_BYTES)
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
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{path.name} has a line that is no JSON: {line[:60]!r}") from error
    if not isinstance(value, dict):
        raise InvalidRequest(f"{path.name} has a line that is no object: {line[:60]!r}")
    return value


def _without_record(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "record"}


def _day(line: bytes, path: Path) -> _StatedDay:
    try:
        return _StatedDay.model_validate_json(line, strict=True)
    except ValidationError as error:
        raise InvalidRequest(f"{path.name}: its last line: {named_need_of(error.errors()[0])}") from error
