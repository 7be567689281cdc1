"""What tables of results have in common: figures as cells, plain tables, tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from domain.trading.evidence import Interval95
from models.evaluation.bootstrap import Interval


def formatted(value: float | None, form: str) -> str:
    """Return a number by a format specification, or a dash for None."""
    return "-" if value is None else f"{value:{form}}"


def number(value: float | None, *, signed: bool = False) -> str:
    """Return four decimals, five and the sign for a difference, or a dash for None."""
    return formatted(value, "+.5f" if signed else ".4f")


def interval(ends: Interval | None, *, signed: bool = False) -> str:
    """Return both ends in brackets, or an empty text without an interval."""
    return f"[{number(ends.low, signed=signed)}, {number(ends.high, signed=signed)}]" if ends else ""


def mean_text(mean: Interval95, form: str = "+.3f") -> str:
    """Return a mean by a format specification, with the ends of its interval where they are known."""
    ends = "" if mean.low is None or mean.high is None else f" [{mean.low:{form}}, {mean.high:{form}}]"
    return f"{formatted(mean.mean, form)}{ends}"


def facts_table(facts: Mapping[str, str], title: str | None = None) -> Table:
    """Return names and values, one below the other."""
    table = Table(box=None, show_header=False, pad_edge=False, title=title, title_justify="left")
    for name, value in facts.items():
        table.add_row(Text(name, "bold"), Text(value))
    return table


def headed_table(first: str, *headings: str, title: str | None = None) -> Table:
    """Return an empty table; all columns but the first are aligned to the right."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    table.add_column(first, no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right")
    return table


def markdown_lines(headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: bool = False) -> list[str]:
    """Return the lines of a table in Markdown.

    Args:
        headings: Of the columns.
        rows: Cells, as many as headings.
        right: Whether all columns but the first are aligned to the right.
    """
    rule = f"| --- |{' ---: |' * (len(headings) - 1)}" if right else f"|{' --- |' * len(headings)}"
    heading, *body = (f"| {' | '.join(row)} |" for row in (headings, *rows))
    return [heading, rule, *body]


def whole_lines(lines: Iterable[str]) -> list[Text]:
    """Return lines that are printed as long as they are, however wide the terminal is."""
    return [Text(line, no_wrap=True, overflow="ignore") for line in lines]
