"""`cli.py ledger list|show|export|verify|regrade` on a store with settled entries."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from config.settings import StorageSettings
from domain.ledger.entries import PLAN
from domain.market import CandleSeries, Timeframe
from services.broadcast.hub import SignalHub
from services.ledger.proofs.day_closing import DayCloser
from services.ledger.settling.outcomes import MarketCandles, outcomes
from storage.factory import open_ledger
from storage.ledger_ports import Due
from tests.fixtures.candle_files import write_candles
from tests.fixtures.clocks import SettableClock
from tests.fixtures.commands import printed
from tests.fixtures.histories import flat_series
from tests.fixtures.ledger import CLOSED_MS, make_entry
from tests.fixtures.settings import configured
from tests.fixtures.settling import hours

if TYPE_CHECKING:
    from tests.fixtures.small_disk import SmallDisk

pytest_plugins = ["tests.fixtures.small_disk"]

# Open, high, low and close of the hours after the entry, and before it: the target of 104 is reached in the third.
AFTER = [
    (100.0, 101.0, 99.0, 100.5),
    (100.5, 102.0, 100.0, 101.5),
    (101.5, 105.0, 101.0, 104.5),
    (104.5, 106.0, 103.0, 105.0),
]
HOUR_MS = 3_600_000
Command = Callable[..., tuple[int, str, str]]
DAY = "2021-01-04"
CLOSE = datetime(2021, 1, 5, 1, tzinfo=UTC)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Return a function that runs a command of the ledger and gives exit status, stdout and stderr."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/store.db")
    monkeypatch.setenv("STORAGE__SPOOL_PATH", "")
    return partial(printed, capsys, "ledger")


def series() -> CandleSeries:
    """Return a hundred hours at 100, and then those in which the plan ends."""
    rows = [(100.0, 100.5, 99.5, 100.0)] * 100 + AFTER
    return CandleSeries(Timeframe.H1, hours(rows, CLOSED_MS - 100 * HOUR_MS))


@pytest.fixture
def filled(command: Command, tmp_path: Path) -> Path:
    """Fill the ledger with two settled entries of a closed day; return the file of their candles."""
    entries = [make_entry(id="first.rules"), make_entry(id="second.rules", symbol="ETHUSDT", known_ms=CLOSED_MS + 9)]
    market = MarketCandles("BTCUSDT", series(), "stored")
    found = outcomes(market, [Due(entries[0], horizon) for horizon in (1, 4, PLAN)], CLOSED_MS + 5 * HOUR_MS)

    async def write() -> None:
        settings = configured(StorageSettings, url=SecretStr(f"sqlite:///{tmp_path}/store.db"), spool_path="")
        async with open_ledger(settings) as ledger:
            await ledger.append(entries)
            assert await ledger.settle([settlement for settlement in found if settlement]) == 3
            await DayCloser(ledger, SignalHub(1_000), SettableClock(CLOSE), 400).close_days()

    asyncio.run(write())
    return write_candles(tmp_path / "BTCUSDT-1h.csv", series())


def test_entries_are_listed_and_shown(command: Command, filled: Path) -> None:
    status, printed, said = command("list")
    assert (status, "BTCUSDT 1h" in printed, "target +2.00 R" in printed) == (0, True, True)
    status, printed, said = command("list", "--limit", "1", "--json")
    document = json.loads(printed)
    assert [entry["id"] for entry in document["entries"]] == ["first.rules"]
    status, printed, said = command("list", "--cursor", document["next"], "--json")
    assert [entry["id"] for entry in json.loads(printed)["entries"]] == ["second.rules"]
    status, printed, said = command("show", "first.rules")
    assert (status, "stop 98, target 104, 24 candles" in printed) == (0, True)
    status, printed, said = command("show", "third.rules")
    assert (status, "the ledger has no entry third.rules" in said) == (2, True)


@pytest.mark.parametrize("written", ["ETHUSDT", "eth/usdt", "BINANCE:ETHUSDT"])
def test_entries_of_a_market_are_listed_by_any_of_its_spellings(command: Command, filled: Path, written: str) -> None:
    status, printed, _ = command("list", "--symbol", written, "--json")
    assert (status, [entry["id"] for entry in json.loads(printed)["entries"]]) == (0, ["second.rules"])


@pytest.mark.parametrize("name", ["list", "scores"])
def test_what_can_be_no_symbol_is_refused_and_not_listed_as_nothing(command: Command, name: str) -> None:
    status, printed, said = command(name, "--symbol", "../x")
    assert (status, printed) == (2, "")
    assert said.startswith("error: --symbol: a symbol has at most 20 capital letters")


@pytest.fixture
def exported(command: Command, filled: Path, tmp_path: Path) -> Path:
    path = tmp_path / "day.ndjson"
    status, printed, said = command("export", DAY, "--out", str(path), "--json")
    assert (status, json.loads(printed)["entries"]) == (0, 2), said
    return path


def test_an_export_is_verified_with_nothing_but_the_file(command: Command, exported: Path) -> None:
    status, printed, said = command("verify", str(exported), "--json")
    document = json.loads(printed)
    assert (status, document["wrong"]) == (0, [])
    root = document["days"][0]["root"]
    assert command("verify", str(exported), "--root", root)[0] == 0
    status, printed, said = command("verify", str(exported), "--root", "0" * 64)
    assert (status, f"the announced root is {'0' * 64}" in " ".join(said.split())) == (1, True)
    exported.write_bytes(exported.read_bytes().replace(b'"confidence":0.6,', b'"confidence":0.7,', 1))
    status, printed, said = command("verify", str(exported))
    assert (status, "changed" in printed, "something was changed after the export" in " ".join(said.split())) == (
        1,
        True,
        True,
    )


@pytest.mark.usefixtures("filled")
def test_an_export_that_does_not_fit_on_the_disk_leaves_the_earlier_file(
    command: Command, small_disk: SmallDisk
) -> None:
    file = small_disk.folder / "day.ndjson"
    assert command("export", DAY, "--out", str(file))[0] == 0
    before = file.read_bytes()
    with small_disk.full():
        status, _, said = command("export", DAY, "--out", str(file))
    assert (status, "cannot be written: No space left on device" in said) == (2, True)
    assert file.read_bytes() == before


def test_settlements_are_computed_again_by_own_candles(command: Command, exported: Path, filled: Path) -> None:
    status, printed, _ = command("regrade", str(exported), str(filled), "--json")
    document = json.loads(printed)
    assert (status, document["confirmed"], document["unchecked"], document["differing"]) == (0, 3, 0, [])


def test_a_settlement_that_own_candles_deny_is_named(command: Command, exported: Path, tmp_path: Path) -> None:
    lower = hours([(100.0, 100.5, 99.5, 100.0)] * 100 + [(100.0, 101.0, 99.0, 99.5)] * 4, CLOSED_MS - 100 * HOUR_MS)
    (tmp_path / "other").mkdir()
    other = write_candles(tmp_path / "other" / "BTCUSDT-1h.csv", CandleSeries(Timeframe.H1, lower))
    status, printed, said = command("regrade", str(exported), str(other))
    assert status == 1
    assert "of 3 settlements differ from your candles" in " ".join(said.split())
    assert "first.rules" in printed


def test_candles_of_another_market_tell_nothing(command: Command, exported: Path, tmp_path: Path) -> None:
    other = write_candles(tmp_path / "XRPUSDT-1h.csv", flat_series())
    status, _, said = command("regrade", str(exported), str(other))
    assert (status, "these candles tell no settlement" in " ".join(said.split())) == (2, True)


def test_an_export_of_nothing_settled_says_so(command: Command, tmp_path: Path) -> None:
    async def write() -> None:
        settings = configured(StorageSettings, url=SecretStr(f"sqlite:///{tmp_path}/store.db"), spool_path="")
        async with open_ledger(settings) as ledger:
            await ledger.append([make_entry(id="first.rules")])

    asyncio.run(write())
    assert command("export", DAY, "--out", str(tmp_path / "day.ndjson"))[0] == 0
    own = write_candles(tmp_path / "BTCUSDT-1h.csv", series())
    status, _, said = command("regrade", str(tmp_path / "day.ndjson"), str(own))
    assert (status, "the export has no settlements: none of its entries was settled" in said) == (2, True)


def test_a_day_without_entries_has_no_export(command: Command, filled: Path, tmp_path: Path) -> None:
    status, _, said = command("export", "2019-01-01", "--out", str(tmp_path / "none"))
    assert (status, "the ledger has no entries of 2019-01-01" in said) == (2, True)
    assert not (tmp_path / "none").exists()
