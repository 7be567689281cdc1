"""`cli.py ledger scores` and `bands` on SQLite and on a real MongoDB."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from config.settings import StorageSettings
from domain.ledger.entries import PLAN
from domain.ledger.settlements import LedgerRecord
from domain.values import Signal, epoch_ms
from storage.factory import open_documents, open_ledger
from tests.fixtures.commands import exit_status
from tests.fixtures.settings import configured
from tests.fixtures.settled import DAY_MS, HOUR_MS, keep, settled
from tests.fixtures.settled_bands import COVERAGE, HELD_SHARE, SETTLED, STILL_WAITING, keep_bands

pytest_plugins = ["tests.fixtures.mongod"]

Command = Callable[..., int]


@pytest.fixture
def url(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of a database, which the command line reads from its environment."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("STORAGE__SPOOL_PATH", "")
    return database_url


@pytest.fixture
def command() -> Command:
    """Return a function that runs `ledger scores`, or another command of the ledger, and gives its exit status."""

    def run(*arguments: str, name: str = "scores") -> int:
        return exit_status("ledger", name, *arguments)

    return run


def fill(url: str) -> None:
    begin_ms = epoch_ms(datetime.now(UTC)) // DAY_MS * DAY_MS - 3 * DAY_MS
    records: list[LedgerRecord] = []
    for hour in range(48):
        side = Signal.LONG if hour % 2 else Signal.SHORT
        known = {"closed_ms": begin_ms + hour * HOUR_MS, "known_ms": begin_ms + hour * HOUR_MS}
        records.append(settled(0.01 if hour % 4 else -0.01, (1, PLAN), side=side, **known))

    async def write() -> None:
        settings = configured(StorageSettings, url=SecretStr(url), spool_path="")
        async with open_ledger(settings) as ledger:
            await keep(ledger, records)

    asyncio.run(write())


def test_the_records_of_the_store_are_printed_with_their_intervals(
    url: str, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(url)
    assert command("--group", "side", "--horizon", "1", "--json") == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (found["group"], found["count"]) == ("side", 2)
    long, short = found["records"]
    assert (long["side"], long["count"], long["hits"], long["hit_rate"]) == ("Long", 24, 24, 1.0)
    assert (short["side"], short["count"], short["hits"], short["hit_rate"]) == ("Short", 24, 12, 0.5)
    assert short["low"] < 0.5 < short["high"]
    assert short["verdict"] == "insufficient"
    assert command("--lane", "rules", "--days", "10") == 0
    table = capsys.readouterr().out
    assert "rules" in table
    assert "75.0% [" in table
    assert "plan" in table


def test_bands_of_prices_are_printed_with_what_they_hold(
    url: str, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(name="bands") == 0
    assert "no band of prices was given out in these days" in capsys.readouterr().out

    async def write() -> None:
        async with open_documents(configured(StorageSettings, url=SecretStr(url), spool_path="")) as documents:
            await keep_bands(documents, datetime.now(UTC))

    asyncio.run(write())
    assert command(name="bands") == 0
    table = capsys.readouterr().out
    assert "90.0%" in table
    assert f"{HELD_SHARE:.1%} [" in table
    assert command("--days", "60", "--json", name="bands") == 0
    settled, waiting = json.loads(capsys.readouterr().out)["price_bands"]
    assert (settled["horizon"], settled["settled"], settled["stretches"]) == (1, SETTLED, SETTLED)
    assert settled["high"] < settled["coverage"] == COVERAGE
    assert (waiting["horizon"], waiting["waiting"], waiting["share"]) == (24, STILL_WAITING, None)
    assert command("--days", "0", name="bands") == 2


def test_an_empty_store_says_that_nothing_is_settled(
    url: str, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command() == 0
    assert "no answer of these days is settled yet" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [("--group", "weekday"), ("--horizon", "2"), ("--days", "0"), ("--symbol", "../x")]
)
def test_what_is_no_question_is_refused(url: str, command: Command, arguments: tuple[str, ...]) -> None:
    assert command(*arguments) == 2
