"""The versions that come with the service, as a table for a terminal and for the README."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group

from commands.tables.figures import interval, markdown_lines, number, whole_lines
from domain.values import day_text

if TYPE_CHECKING:
    from models.evaluation.gate import Comparison
    from services.training.default_models import DefaultModel

HEADINGS = (
    *("candles", "ahead", "type", "serves", "judged on", "n", "Brier", "vs prior, 1e-5", "vs logistic, 1e-5"),
    *("AUC", "top tenth", "ECE", "ONNX, kB"),
)


def built_table(built: Sequence[DefaultModel]) -> Group:
    """Return the figures out of sample of each version, as lines of Markdown that a README can take."""
    return Group(*whole_lines(markdown_lines(HEADINGS, map(_row, built))))


def _row(built: DefaultModel) -> tuple[str, ...]:
    model, scores = built.metadata, built.metadata.metrics
    comparisons = model.verdict.comparisons[:2] if model.verdict else ()
    by_rival = {comparison.against: comparison for comparison in comparisons}
    judged = f"{day_text(model.judged.first_ms)} to {day_text(model.judged.last_ms)}" if model.judged else "-"
    return (
        *(str(model.timeframe), str(model.horizon_candles), str(model.type), "yes" if built.serves else "no"),
        judged,
        f"{scores.count:,}" if scores else "-",
        number(scores.brier if scores else None),
        _cell(by_rival.get("the prior")),
        _cell(by_rival.get("logistic regression")),
        f"{number(scores.auc)} {interval(scores.intervals.get('auc'))}".rstrip() if scores else "-",
        number(scores.top_tenth if scores else None),
        number(scores.ece if scores else None),
        f"{built.graph_bytes / 1000:,.0f}",
    )


def _cell(comparison: Comparison | None) -> str:
    """Return a difference of Brier scores in hundred-thousandths with its interval; below 0 is better."""
    if comparison is None or comparison.difference is None:
        return "-"
    ends = comparison.interval
    shown = f" [{1e5 * ends.low:+.0f}, {1e5 * ends.high:+.0f}]" if ends else ""
    return f"{1e5 * comparison.difference:+.0f}{shown}"
