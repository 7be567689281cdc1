"""Help texts on a narrow terminal: no word is cut."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import typer

from cli import cli
from commands.console import CUT
from commands.help import explain
from domain.forecasting import ModelType
from domain.market import Timeframe
from tests.fixtures.commands import exit_status


def command_paths(command: object, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from command_paths(inner, *path, name)


def test_every_word_of_every_help_is_read_on_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    command = typer.main.get_command(cli)
    explain(command)
    paths = list(command_paths(command))
    assert len(paths) > 50
    for path in paths:
        assert command.main([*path, "--help"], prog_name="cli.py", standalone_mode=False) == 0
        shown = capsys.readouterr().out
        assert CUT not in shown, path
        # A flag takes no value.
        assert "<bool>" not in shown, path


def test_lists_of_values_break_between_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    exit_status("train", "--help")
    shown = capsys.readouterr().out
    assert [name for name in (*ModelType, *Timeframe) if name not in shown] == []
