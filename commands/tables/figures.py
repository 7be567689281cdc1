"""Formatting of figures for cells of tables, and tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from models.evaluation.bootstrap import Interval


def number(value: float | None, *, signed: bool = False) -> str:
    """Return four decimals, five and the sign for a difference, or a dash for None."""
    return "-" if value is None else f"{value:{'+.5' if signed else '.4'}f}"


def interval(ends: Interval | None, *, signed: bool = False) -> str:
    """Return both ends in brackets, or an empty text without an interval."""
    return f"[{number(ends.low, signed=signed)}, {number(ends.high, signed=signed)}]" if ends else ""


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
