"""`candles store`: files of candles into the store of the service."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from config.settings import StorageSettings
from domain.market import Candle, Timeframe
from storage.factory import build_store
from tests.fixtures.candle_exports import EXPORTS, NAMES, PLAIN, REFERENCE, csv_text, reference
from tests.fixtures.commands import printed
from tests.fixtures.settings import configured

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the URL of a database, which the command line reads from its environment."""
    url = f"sqlite:///{tmp_path}/store.db"
    monkeypatch.setenv("DATABASE_URL", url)
    return url


@pytest.fixture
def store(capsys: pytest.CaptureFixture[str], url: str) -> Command:
    """Return a function that runs the command, and gives its status and what it printed."""
    return partial(printed, capsys, "candles", "store")


@pytest.fixture
def stored(store: Command) -> Callable[..., Any]:
    """Return a function that gives the document of the command."""

    def run(*arguments: object) -> Any:
        status, shown, errors = store(*arguments, "--json")
        assert (status, errors) == (0, "")
        return json.loads(shown)

    return run


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def candles_in(url: str, symbol: str, timeframe: Timeframe = Timeframe.H1) -> list[Candle]:
    settings = configured(StorageSettings, url=SecretStr(url), spool_path="")

    async def read() -> list[Candle]:
        opened = build_store(settings)
        await opened.open()
        try:
            return await opened.candle_history(symbol, timeframe, 1_000)
        finally:
            await opened.close()

    return asyncio.run(read())


def counts(document: Any) -> tuple[int, ...]:
    return tuple(document[name] for name in ("read", "added", "revised", "left_out", "candles"))


def test_candles_of_a_file_are_stored_once(tmp_path: Path, url: str, stored: Callable[..., Any]) -> None:
    file = write(tmp_path / "XBTUSD_60.csv", EXPORTS["Kraken"])
    first = stored(file)
    assert (first["file"], first["symbol"], first["timeframe"]) == (str(file), "XBTUSD", "1h")
    assert counts(first) == (300, 300, 0, 0, 300)
    assert (first["first"], first["last"]) == (REFERENCE[0]._asdict(), REFERENCE[-1]._asdict())
    assert candles_in(url, "XBTUSD") == REFERENCE
    assert counts(stored(file)) == (300, 0, 0, 0, 300)


def test_a_small_change_is_a_revision_and_a_great_one_stores_nothing(
    tmp_path: Path, url: str, store: Command, stored: Callable[..., Any]
) -> None:
    stored(write(tmp_path / "BTCUSDT-1h.csv", csv_text([list(candle) for candle in REFERENCE[:200]])))
    rows = [list(candle) for candle in REFERENCE]
    rows[10][2] *= 1.1
    assert counts(stored(write(tmp_path / "BTCUSDT-1h.csv", csv_text(rows)))) == (300, 100, 1, 0, 300)
    assert candles_in(url, "BTCUSDT")[10].high == pytest.approx(REFERENCE[10].high * 1.1)
    other = [list(candle) for candle in reference(price=REFERENCE[0].close * 2)]
    status, shown, errors = store(write(tmp_path / "BTCUSDT-1h.csv", csv_text(other)))
    assert (status, shown) == (2, "")
    assert errors.startswith("error: BTCUSDT-1h.csv: BTCUSDT 1h candle of ")
    assert "None of the candles are stored" in errors
    assert "remove the stored ones: cli.py candles remove BTCUSDT --timeframe 1h" in errors
    assert errors.count("\n") == 1
    assert candles_in(url, "BTCUSDT")[-1] == REFERENCE[-1]


def test_candles_that_the_store_would_drop_are_left_out_and_counted(
    tmp_path: Path, url: str, stored: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE__CANDLES_PER_SERIES", "500")
    span_ms = len(REFERENCE) * Timeframe.H1.ms
    older = [candle._replace(timestamp=candle.timestamp - span_ms) for candle in REFERENCE]
    assert counts(stored(write(tmp_path / "BTCUSDT-1h.csv", csv_text([*older, *REFERENCE])))) == (600, 500, 0, 100, 500)
    assert candles_in(url, "BTCUSDT") == [*older[100:], *REFERENCE]
    # The store has newer ones: of those of the file none would stay.
    assert counts(stored(write(tmp_path / "BTCUSDT-1h.csv", csv_text(older[:100])))) == (100, 0, 0, 100, 500)


def test_several_files_are_stored_and_those_that_cannot_be_are_named(tmp_path: Path, url: str, store: Command) -> None:
    good = write(tmp_path / "BTCUSDT-1h.csv", PLAIN)
    volumeless = write(tmp_path / "EURUSD-1h.csv", csv_text([row[:5] for row in reference(price=1.1)], NAMES[:5]))
    files = good, volumeless, write(tmp_path / "answer.json", b"{}"), write(tmp_path / "data.csv", PLAIN)
    status, shown, errors = store(*files, "--json")
    assert status == 2
    assert [(one["symbol"], one["added"]) for one in json.loads(shown)["files"]] == [("BTCUSDT", 300), ("EURUSD", 300)]
    unread, unnamed = errors.splitlines()
    assert unread.startswith("error: answer.json: ")
    assert unnamed == "error: data.csv: which market is it? Its name does not tell; give --symbol"
    status, shown, errors = store(good, "--timeframe", "4h")
    assert (status, errors) == (0, "")
    assert "BTCUSDT 4h" in shown
    assert "Stored as candles that a client posted" in shown
    assert len(candles_in(url, "BTCUSDT", Timeframe.H4)) == 75


def test_candles_off_the_grid_of_the_stored_ones_are_refused(
    tmp_path: Path, store: Command, stored: Callable[..., Any]
) -> None:
    stored(write(tmp_path / "BTCUSDT-1h.csv", PLAIN))
    shifted = [[candle.timestamp + 1_800_000, *candle[1:]] for candle in REFERENCE]
    status, _, errors = store(write(tmp_path / "BTCUSDT-1h.csv", csv_text(shifted)))
    assert status == 2
    assert "those of the file cannot be of one market" in errors


def test_a_database_that_another_program_holds_is_named_and_the_same_command_goes_on(
    tmp_path: Path, url: str, store: Command, stored: Callable[..., Any]
) -> None:
    stored(write(tmp_path / "ETHUSDT-1h.csv", PLAIN))
    file = write(tmp_path / "BTCUSDT-1h.csv", PLAIN)
    holder = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    try:
        holder.execute("BEGIN IMMEDIATE")
        status, shown, errors = store(file)
    finally:
        holder.close()
    assert (status, shown) == (2, "")
    assert "another program keeps the database file locked" in errors
    assert errors.count("\n") == 1
    assert counts(stored(file)) == (300, 300, 0, 0, 300)
