"""`cli.py replay`: the same answer as over HTTP, without a service."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from domain.market import CandleSeries, Timeframe
from domain.values import epoch_ms
from features.candle_reading.writing import write_candles
from tests.fixtures.commands import exit_status
from tests.fixtures.replaying import DAY, hours_until

Command = Callable[..., int]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Return a function that runs `replay` on a store of its own and gives its exit status."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/store.db")
    monkeypatch.setenv("STORAGE__SPOOL_PATH", "")
    monkeypatch.setenv("MODELS__SAVE_PATH", f"{tmp_path}/models")
    monkeypatch.setenv("MARKET_DATA__SOURCES", "stored,synthetic")
    return partial(exit_status, "replay")


def test_a_file_is_replayed_up_to_the_moment(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "BTCUSDT-1h.csv"
    write_candles(CandleSeries(Timeframe.H1, hours_until(DAY)), file)
    moment = "2021-03-08T12:30"
    assert command("BTCUSDT", "--as-of", moment, "--file", str(file), "--timeframes", "1h,4h", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["as_of"], list(answer["timeframes"])) == ("2021-03-08T12:30:00Z", ["1h", "4h"])
    assert answer["newest_candle_ms"] == epoch_ms(DAY) - 37 * Timeframe.H1.ms
    assert (answer["model_version"], answer["recorded"], answer["differences"]) == (None, [], [])
    assert "no model was in production for BTCUSDT 1h" in answer["forecast_note"]


def test_what_cannot_be_replayed_is_told_in_a_line(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in (
        (("BTCUSDT", "--as-of", "soon"), "needs a time such as 2022-03-01T12:00, or epoch milliseconds"),
        (("BTCUSDT", "--as-of", "2999-01-01"), "a replay is of the past"),
        (
            ("BTCUSDT", "--as-of", "2022-01-01", "--timeframes", "7h"),
            "--timeframes: '7h' is no timeframe; there are 1m, ",
        ),
        (("NOSUCHUSDT", "--as-of", "2022-01-01"), "no source knows NOSUCHUSDT"),
    ):
        assert command(*arguments) == 2
        assert words in " ".join(capsys.readouterr().err.split())
