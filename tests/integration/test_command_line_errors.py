"""Wrong arguments and files: one line on stderr in plain words, nothing on stdout, and status 2."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tests.fixtures.candle_exports import PLAIN
from tests.fixtures.commands import exit_status


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["train", "x.csv", "--epochs", "x"], "--epochs: needs a whole number, received x; see cli.py train --help"),
        (["train", "x.csv", "--epochs", "0"], "--epochs: needs at least 1, received 0; see cli.py train --help"),
        (
            ["candles", "download", "BTCUSDT", "--format", "xlsx"],
            "--format: needs one of csv.gz, parquet, received xlsx; see cli.py candles download --help",
        ),
        (
            ["backtest", "x.csv", "--since", "yesterday"],
            "--since: needs a day in UTC such as 2026-01-31 or 2026-01-31T12:30, received yesterday; "
            "see cli.py backtest --help",
        ),
        (
            ["ledger", "export", "2026"],
            "DAY: needs a day in UTC such as 2026-01-31, received 2026; see cli.py ledger export --help",
        ),
        (["analyze"], "Missing argument 'FILE'; see cli.py analyze --help"),
        (["analyze", "x.csv", "--fast"], "No such option: --fast; see cli.py analyze --help"),
        (["analyse"], "No such command 'analyse'. Did you mean 'analyze'?; see cli.py --help"),
        (["analyze", "x.csv", "--json"], "x.csv: cannot be read: No such file or directory"),
        (["candles", "store", "x.csv", "--json"], "x.csv: cannot be read: No such file or directory"),
        (["candles", "check", "x.csv", "--json"], "x.csv: cannot be read: No such file or directory"),
    ],
)
def test_an_error_is_one_line(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    line: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/store.db")
    assert exit_status(*arguments) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", f"error: {line}\n")


def test_a_group_without_a_command_prints_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_status("candles") == 2
    shown = capsys.readouterr()
    assert "store" in shown.out
    assert shown.err == ""


def test_an_analysis_is_one_document(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "BTCUSDT-1h.csv"
    file.write_text(PLAIN)
    assert exit_status("analyze", file, "--json") == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    document = json.loads(shown.out)
    assert (document["symbol"], document["timeframe"], document["source_data"]) == ("BTCUSDT", "1h", "files")


def test_the_version_is_that_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert exit_status("--version") == 0
    assert capsys.readouterr().out == f"{project['version']}\n"
