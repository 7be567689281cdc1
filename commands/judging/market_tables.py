"""Tables of markets in a document: each between two marks, with a picture, replaced whenever it is made anew."""

from __future__ import annotations

import re
from pathlib import Path

from commands.tables.figures import interval, markdown_lines, number
from domain.errors import InvalidRequest
from domain.values import utc_time
from models.evaluation.learners_plot import LearnerMarks, Reach, write_learners
from models.studies.market_table import MarketTable
from models.studies.rows import StudyRow

HEADINGS = (
    *("learner", "n", "accuracy", "AUC", "Brier", "less logistic's, 1e-5", "top tenth", "ECE"),
    *("CPU s", "made", "settings"),
)
# A learner that always says one side has a Brier score far from all others, which would be alone in the picture.
_NOT_DRAWN = "majority"


def markdown(table: MarketTable, timeframe: str, trials: int, picture: str) -> str:
    """Return a table as Markdown.

    Args:
        table: Its rows.
        timeframe: Of the candles.
        trials: Settings that were judged on some of these candles so far.
        picture: Where its picture is, seen from the document.
    """
    first, last = (utc_time(time).date() for time in (table.first_ms, table.last_ms))
    title = f"{table.symbol} {timeframe}, {first} to {last}"
    lines = [
        f"{title}, by learners of the candles before. Brackets: 95 % intervals from a block bootstrap. "
        f"Trials: {trials:,} settings were judged on some of these candles so far.",
        "",
        *markdown_lines(HEADINGS, map(_cells, table.rows), right=True),
        "",
        f"![Brier score less that of logistic regression, and area under the curve: {title}]({picture})",
    ]
    return "\n".join(lines)


def draw(path: Path, table: MarketTable, timeframe: str) -> None:
    """Write the picture of a table."""
    first, last = (utc_time(time).date() for time in (table.first_ms, table.last_ms))
    marks = [
        LearnerMarks(
            row.name,
            Reach(row.against_logistic.difference, row.against_logistic.interval)
            if row.against_logistic
            else Reach(0.0, None),
            Reach(row.scores.auc, row.scores.intervals.get("auc")),
        )
        for row in table.rows
        if row.name != _NOT_DRAWN
    ]
    write_learners(path, marks, f"{table.symbol} {timeframe}, {first} to {last}")


def replace_between_marks(document: str, name: str, content: str) -> str:
    """Return a document with new content between `<!-- begin NAME -->` and `<!-- end NAME -->`.

    Raises:
        InvalidRequest: the document does not have both marks once.
    """
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    if document.count(begin) != 1 or document.count(end) != 1 or document.index(begin) > document.index(end):
        raise InvalidRequest(f"the document needs the lines {begin} and {end} once, where this table goes")
    found = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    return found.sub(lambda _: f"{begin}\n{content}\n{end}", document)


def _cells(row: StudyRow) -> tuple[str, ...]:
    scores, compared = row.scores, row.against_logistic
    figures = (f"{number(value)} {interval(scores.intervals.get(name))}".rstrip() for name, value in _of(row).items())
    difference = ""
    if compared is not None and compared.difference is not None:
        ends = compared.interval
        reach = f" [{1e5 * ends.low:+.0f}, {1e5 * ends.high:+.0f}]" if ends else ""
        difference = f"{1e5 * compared.difference:+.0f}{reach}"
    return (
        *(row.name, f"{scores.count:,}", *figures, difference),
        *(number(scores.top_tenth), number(scores.ece)),
        "" if row.cpu_seconds is None else f"{row.cpu_seconds:,.0f}",
        f"{row.made_at:%Y-%m-%d}" if row.made_at else "",
        f"`{row.settings[:8]}`" if row.settings else "",
    )


def _of(row: StudyRow) -> dict[str, float | None]:
    return {"accuracy": row.scores.accuracy, "auc": row.scores.auc, "brier": row.scores.brier}
