"""`candles remove`: candles out of the store, after a question or with `--yes`."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.candle_exports import PLAIN, REFERENCE, csv_text, reference
from tests.fixtures.commands import printed

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Return a function that runs a command of `candles` with answers on its input; its status and what it printed."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/store.db")

    def run(*arguments: object, answers: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(answers))
        return printed(capsys, "candles", *arguments)

    return run


@pytest.fixture
def stored(command: Command, tmp_path: Path) -> None:
    """Store 300 candles of 1h and 75 of 4h of one market, and those of another."""
    for name in ("BTCUSDT", "ETHUSDT"):
        (tmp_path / f"{name}-1h.csv").write_text(PLAIN)
        assert command("store", tmp_path / f"{name}-1h.csv")[0] == 0
    assert command("store", tmp_path / "BTCUSDT-1h.csv", "--timeframe", "4h")[0] == 0


def removed(command: Command, *arguments: object) -> int:
    status, shown, errors = command("remove", *arguments, "--yes", "--json")
    assert (status, errors) == (0, "")
    return int(json.loads(shown)["removed_candles"])


@pytest.mark.usefixtures("stored")
def test_candles_of_one_timeframe_or_of_all_are_removed_and_counted(command: Command) -> None:
    status, shown, _ = command("remove", "btc/usdt", "--timeframe", "4h", "--yes", "--json")
    assert status == 0
    assert json.loads(shown) == {"symbol": "BTCUSDT", "timeframe": "4h", "removed_candles": 75}
    status, shown, _ = command("remove", "BTCUSDT", "--yes")
    assert (status, shown) == (0, "300 stored candles of BTCUSDT removed\n")
    assert removed(command, "BTCUSDT") == 0
    assert removed(command, "ETHUSDT") == 300


@pytest.mark.usefixtures("stored")
def test_it_asks_first_and_removes_only_after_a_yes(command: Command) -> None:
    for answers in ("n\n", ""):
        status, shown, errors = command("remove", "BTCUSDT", "--json", answers=answers)
        assert (status, shown) == (2, "")
        assert "Remove the stored 1h, 4h candles of BTCUSDT?" in errors
        assert errors.endswith("nothing is removed: answer y, or give --yes\n")
    status, shown, _ = command("remove", "BTCUSDT", "--json", answers="y\n")
    assert (status, json.loads(shown)["removed_candles"]) == (0, 375)


def test_without_candles_there_is_no_question(command: Command) -> None:
    status, shown, errors = command("remove", "BTCUSDT", "--timeframe", "1h")
    assert (status, shown, errors) == (0, "0 stored 1h candles of BTCUSDT removed\n", "")


def test_what_is_no_symbol_is_refused(command: Command) -> None:
    status, shown, errors = command("remove", "../x", "--yes")
    assert (status, shown) == (2, "")
    assert errors.startswith("error: a symbol has at most 20 capital letters")


@pytest.mark.usefixtures("stored")
def test_candles_of_other_prices_are_taken_in_place_of_removed_ones(command: Command, tmp_path: Path) -> None:
    file = tmp_path / "BTCUSDT-1h.csv"
    file.write_text(csv_text(reference(price=2 * REFERENCE[0].close)))
    status, _, errors = command("store", file)
    assert status == 2
    assert "cli.py candles remove BTCUSDT --timeframe 1h" in errors
    assert removed(command, "BTCUSDT", "--timeframe", "1h") == 300
    assert command("store", file)[0] == 0
