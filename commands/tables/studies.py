"""The table of a study, for a terminal and as Markdown."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from commands.tables.figures import interval, markdown_lines, number
from domain.values import utc_time
from models.evaluation.metrics import HEADINGS
from models.studies.rows import StudyResult, StudyRow

# Heading and metric of `Scores`.
DIFFERENCE, SECONDS = "Brier less logistic's", "CPU s"


def study_table(result: StudyResult, subject: str, trials: int) -> Group:
    """Return the table, ready to print.

    Args:
        result: What was judged.
        subject: Names market and timeframe.
        trials: Settings that were judged on some of these candles so far.
    """
    table = Table(title=_title(result, subject), title_justify="left")
    table.add_column("learner")
    for heading in ("n", *HEADINGS, DIFFERENCE, SECONDS):
        table.add_column(heading, justify="right")
    for row in result.rows:
        cells = [f"{figure}\n{reach}".rstrip() for figure, reach in _cells(row)]
        table.add_row(row.name, f"{row.scores.count:,}", *cells, _seconds(row))
    return Group(table, Text(_trials(trials)), *([Text(result.note)] if result.note else []))


def study_markdown(result: StudyResult, subject: str, trials: int) -> str:
    """Return the table as Markdown, after lines that name its data; arguments as `study_table`."""
    headings = ("learner", "n", *HEADINGS, DIFFERENCE, SECONDS)
    lines = [
        f"{_title(result, subject)}. Brackets: 95 % intervals from a block bootstrap.",
        _trials(trials),
        *([result.note] if result.note else []),
        "",
    ]
    rows = [
        (
            row.name,
            f"{row.scores.count:,}",
            *(f"{figure} {reach}".rstrip() for figure, reach in _cells(row)),
            _seconds(row),
        )
        for row in result.rows
    ]
    return "\n".join([*lines, *markdown_lines(headings, rows, right=True)]) + "\n"


def _trials(trials: int) -> str:
    return f"Trials: {trials:,} settings were judged on some of these candles so far; the best looks better than it is."


def _title(result: StudyResult, subject: str) -> str:
    days = [utc_time(time).date() for time in (result.first_ms, result.last_ms)]
    return f"{subject}, {result.candles:,} candles, judged from {days[0]} to {days[1]} in {result.folds} folds"


def _cells(row: StudyRow) -> list[tuple[str, str]]:
    """Return figure and interval of every column except the learner's name, n and CPU seconds."""
    scores = row.scores
    cells = [(number(getattr(scores, name)), interval(scores.intervals.get(name))) for name in HEADINGS.values()]
    compared = row.against_logistic
    if compared is None:
        return [*cells, ("", "")]
    return [*cells, (number(compared.difference, signed=True), interval(compared.interval, signed=True))]


def _seconds(row: StudyRow) -> str:
    return "" if row.cpu_seconds is None else f"{row.cpu_seconds:,.0f}"
