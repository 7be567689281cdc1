"""Help texts on a narrow terminal: no word is cut."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from cli import cli
from commands.console import CUT


def command_paths(command: object, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from command_paths(inner, *path, name)


def test_every_word_of_every_help_is_read_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    paths = list(command_paths(typer.main.get_command(cli)))
    assert len(paths) > 50
    for path in paths:
        shown = CliRunner().invoke(cli, [*path, "--help"])
        assert shown.exit_code == 0
        assert CUT not in shown.output, path
