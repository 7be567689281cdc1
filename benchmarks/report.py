"""Rows as Markdown, and the command of a single measurement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

Row = Mapping[str, str | float]


def verdict(name: str, measured: float, target: float, *, at_least: bool = False) -> Row:
    """Return a row that holds a measurement against its target."""
    met = measured >= target if at_least else measured <= target
    bound = f"{'at least' if at_least else 'at most'} {target:g}"
    return {"figure": name, "measured": measured, "target": bound, "met": "yes" if met else "no"}


def markdown_table(rows: Sequence[Row]) -> str:
    """Return rows with equal keys as a Markdown table."""
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "| " + " | ".join("---" for _ in names) + " |"]
    lines += ["| " + " | ".join(_cell(row[name]) for name in names) + " |" for row in rows]
    return "\n".join(lines)


def print_measured(measure: Callable[[], Sequence[Row]], targets: Callable[[Sequence[Row]], Sequence[Row]]) -> None:
    """Measure, and print the rows and their targets."""
    rows = measure()
    print(markdown_table(rows), markdown_table(targets(rows)), sep="\n\n")


def _cell(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
