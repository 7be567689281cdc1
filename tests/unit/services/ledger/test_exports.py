"""Exports of days: whoever has one can check it, and every change shows."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import InvalidRequest
from domain.ledger.entries import PLAN
from domain.ledger.settlements import PlanEnd, Settlement
from services.broadcast.hub import SignalHub
from services.ledger.proofs.checking import check_chain, check_export
from services.ledger.proofs.day_closing import DayCloser
from services.ledger.proofs.export import export_day, sealed
from services.ledger.proofs.published import canonical
from tests.fixtures.clocks import SettableClock
from tests.fixtures.ledger import CLOSED_MS, MemoryLedger, make_entry

DAY_MS = 86_400_000
FIRST, SECOND = date(2021, 1, 4), date(2021, 1, 5)


def settlement(entry_id: str, horizon: int = 1) -> Settlement:
    plan = horizon == PLAN
    return Settlement(
        entry_id,
        horizon,
        price=101.0,
        move=0.01,
        end=PlanEnd.TIME if plan else None,
        r=0.5 if plan else None,
        ended_ms=CLOSED_MS + 3_600_000,
        settled_ms=CLOSED_MS + 3_700_000,
        source="stored",
    )


@pytest.fixture
async def ledger() -> MemoryLedger:
    """Return a ledger of two closed days."""
    store = MemoryLedger()
    await store.append(
        [make_entry(id=f"{day}{n}.rules", known_ms=CLOSED_MS + day * DAY_MS + n) for day in (0, 1) for n in range(4)]
    )
    await store.settle([settlement("00.rules"), settlement("00.rules", PLAN), settlement("01.rules")])
    await DayCloser(store, SignalHub(1_000), SettableClock(datetime(2021, 1, 6, 1, tzinfo=UTC)), 30).close_days()
    return store


async def written(ledger: MemoryLedger, day: date, path: Path) -> Path:
    await asyncio.to_thread(path.write_bytes, (await export_day(ledger, day)).ndjson())
    return path


async def test_export_is_read_back_whole(ledger: MemoryLedger, tmp_path: Path) -> None:
    checked = check_export(await written(ledger, FIRST, tmp_path / "day.ndjson"))
    exported = await export_day(ledger, FIRST)
    assert checked.wrong == ()
    assert (checked.day, checked.entries) == (FIRST, tuple(exported.entries))
    assert checked.settlements == tuple(exported.settlements)
    assert exported.root is not None
    assert (checked.root, checked.chained) == (exported.root.root, exported.root.chained)


async def test_parquet_holds_the_same(ledger: MemoryLedger, tmp_path: Path) -> None:
    path = tmp_path / "day.parquet"
    path.write_bytes((await export_day(ledger, FIRST)).parquet())
    assert check_export(path) == check_export(await written(ledger, FIRST, tmp_path / "day.ndjson"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_one_changed_byte_is_found(exported: bytes, tmp_path: Path, place: int, bit: int) -> None:
    changed = bytearray(exported)
    changed[place % len(changed)] ^= 1 << bit
    path = tmp_path / "changed.ndjson"
    path.write_bytes(bytes(changed))
    try:
        wrong = check_export(path).wrong
    except InvalidRequest:
        return
    assert wrong


@pytest.fixture
async def exported(ledger: MemoryLedger) -> bytes:
    """Return the export of the first day."""
    return (await export_day(ledger, FIRST)).ndjson()


@pytest.mark.parametrize("left_out", [0, 2])
async def test_entry_that_is_left_out_is_found_though_digest_and_count_fit(
    ledger: MemoryLedger, tmp_path: Path, left_out: int
) -> None:
    exported = await export_day(ledger, FIRST)
    fewer = [entry for place, entry in enumerate(exported.entries) if place != left_out]
    path = tmp_path / "day.ndjson"
    path.write_bytes(replace(exported, entries=fewer).ndjson())
    wrong = check_export(path).wrong
    assert any("the entries have the root" in sentence for sentence in wrong)


Forge = Callable[[list[bytes]], list[bytes]]


def resealed(lines: list[bytes], **changes: Any) -> bytes:
    """Return the lines as a file whose digest fits, its last line with other values."""
    *rows, last = lines
    day = {name: value for name, value in json.loads(last).items() if name != "digest"} | changes
    digest = hashlib.sha256(b"".join(row + b"\n" for row in rows))
    return b"".join(line + b"\n" for line in (*rows, canonical(sealed(day, digest))))


def in_line(number: int, old: bytes, new: bytes) -> Forge:
    return lambda lines: [line.replace(old, new) if n == number else line for n, line in enumerate(lines)]


@pytest.mark.parametrize(
    ("forge", "message"),
    [
        (lambda lines: [b'{"record":"note"}', *lines], "line 1 is not as an export has it"),
        (lambda lines: [*lines[4:7], *lines[:4], *lines[7:]], "line 1 is not as an export has it"),
        (lambda lines: [lines[0], lines[-1], *lines[1:]], "line 2 is not as an export has it"),
        (in_line(1, b'"side":"Long"', b'"side":"Short","side":"Long"'), "line 2 is not as an export has it"),
        (in_line(0, b'"price":100.0', b'"price":1e2'), "line 1 is not as an export has it"),
        (lambda lines: [*lines[:6], *lines[7:]], "2 settlements, and the day states 3"),
        (in_line(6, b"01.rules", b"other.rules"), "a settlement is of other.rules, which is no entry of the day"),
        (in_line(6, b"01.rules", b"00.rules"), "the settlements are not in their order, or one stands twice"),
        (in_line(3, b'"known_ms":1609', b'"known_ms":1809'), "entry 03.rules became known after the end of the day"),
    ],
)
def test_what_does_not_belong_into_an_export_is_found_though_its_digest_fits(
    exported: bytes, tmp_path: Path, forge: Forge, message: str
) -> None:
    path = tmp_path / "forged.ndjson"
    path.write_bytes(resealed(forge(exported.splitlines())))
    assert any(message in sentence for sentence in check_export(path).wrong)


@pytest.mark.parametrize(
    ("forge", "changes", "message"),
    [
        (in_line(0, b'"confidence":0.6', b'"confidence":NaN'), {}, "entry '00.rules': Out of range float"),
        (in_line(0, b"00.rules", b"\\ud800"), {}, r"entry '\\ud800'"),
        (in_line(0, b'"id":"00.rules"', b'"id":["00.rules"]'), {}, "id: needs a text"),
        (in_line(0, b'"known_ms":1609', b'"known_ms":"1609",'), {}, "no JSON"),
        (in_line(0, b'"given":true', b'"given":"yes"'), {}, "entry '00.rules': given: needs true or false"),
        (in_line(4, b'"horizon":0', b'"horizon":[0]'), {}, "settlement of '00.rules': horizon: needs a whole number"),
        (list, {"root": 5}, "its last line: root: needs a text"),
        (list, {"chained": None}, "its last line: root, chained, previous and closed_ms go together"),
        (list, {"entries": "4"}, "its last line: entries: needs a whole number"),
        (list, {"note": 1}, "its last line: note: is no key"),
    ],
)
def test_values_that_no_export_has_are_refused_by_name(
    exported: bytes, tmp_path: Path, forge: Forge, changes: dict[str, Any], message: str
) -> None:
    path = tmp_path / "forged.ndjson"
    path.write_bytes(resealed(forge(exported.splitlines()), **changes))
    with pytest.raises(InvalidRequest, match=message):
        check_export(path)


async def test_a_day_stands_once_and_is_closed_before_the_next(ledger: MemoryLedger, tmp_path: Path) -> None:
    first, second = [check_export(await written(ledger, day, tmp_path / f"{day}.ndjson")) for day in (FIRST, SECOND)]
    assert check_chain([first, first, second, second]) == []
    opened = replace(first, root=None, chained=None, previous=None)
    assert check_chain([first, opened]) == []
    (wrong,) = check_chain([opened, second])
    assert wrong.startswith("2021-01-04 has no root, though 2021-01-05 has one")
    (wrong,) = check_chain([replace(first, chained="0" * 64), first])
    assert wrong.startswith("2021-01-04 stands twice, once with 000")


async def test_days_are_chained(ledger: MemoryLedger, tmp_path: Path) -> None:
    days = [check_export(await written(ledger, day, tmp_path / f"{day}.ndjson")) for day in (SECOND, FIRST)]
    assert check_chain(days) == []
    other = MemoryLedger()
    await other.append([make_entry(id="other.rules", known_ms=CLOSED_MS)])
    await DayCloser(other, SignalHub(1_000), SettableClock(datetime(2021, 1, 5, 1, tzinfo=UTC)), 30).close_days()
    stranger = check_export(await written(other, FIRST, tmp_path / "other.ndjson"))
    (wrong,) = check_chain([days[0], stranger])
    assert wrong.startswith("2021-01-05 is chained to")


async def test_open_day_says_that_it_has_no_proof_yet(ledger: MemoryLedger, tmp_path: Path) -> None:
    await ledger.append([make_entry(id="open.rules", known_ms=CLOSED_MS + 2 * DAY_MS)])
    checked = check_export(await written(ledger, date(2021, 1, 6), tmp_path / "open.ndjson"))
    assert (len(checked.entries), checked.root, checked.wrong) == (1, None, ())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"{}", "cut off"),
        (b"{}\n", "its last line has no day"),
        (b"timestamp,open\n1,2\n", "no JSON"),
        (b"[1]\n", "no object"),
        (b"PAR1 and nothing else", "is damaged"),
        (
            json.dumps({"record": "day", "day": "yesterday"}).encode() + b"\n",
            "its last line: day: needs a date such as",
        ),
        (b"[" * 200_000 + b"\n{}\n", "no JSON"),
        (b'{"record":"entry","id":"a"}\n{"record":"day","day":"2021-01-04"}\n', "lacks"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "other.ndjson"
    path.write_bytes(content)
    with pytest.raises(InvalidRequest, match=message):
        check_export(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read: No such file"):
        check_export(tmp_path / "none.ndjson")
