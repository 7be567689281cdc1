"""Tables on terminals of any width: no word is cut."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console, Group
from rich.table import Table

from commands.console import fitted, show

VERSIONS = ("lightgbm_model_20261129_120423", "logistic_model_20261129_120517")


def table(*rows: str) -> Table:
    table = Table("version", "market", "verdict", title="Models")
    for row in rows:
        table.add_row(row, "BTCUSDT 15m", "production")
    return table


def printed(shown: Table, width: int) -> str:
    console = Console(file=StringIO(), width=width)
    console.print(fitted(Group(shown), console))
    output = console.file
    assert isinstance(output, StringIO)
    return output.getvalue()


@pytest.mark.parametrize("width", [44, 50, 60, 100])
def test_every_word_of_a_table_is_read_on_any_terminal(width: int) -> None:
    text = printed(table(*VERSIONS), width)
    assert "…" not in text
    assert all(len(line) <= width for line in text.splitlines())
    for version in VERSIONS:
        assert version in text
    assert text.count("production") == 2
    # Rows where they fit, else a line for each value, by its name.
    assert text.count("verdict") == (1 if width == 100 else 2)


def test_what_is_empty_says_so() -> None:
    assert printed(table(), 80).split() == ["Models", "none"]


def test_a_line_of_markdown_is_whole_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    line = f"| learner | {'0.5418 [0.5348, 0.5482] | ' * 12}"
    show({}, f"words\n{line}", as_json=False)
    assert capsys.readouterr().out == f"words\n{line}\n"
