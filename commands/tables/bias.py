"""What looks ahead, and how much history is needed, as tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from commands.tables.figures import facts_table
from domain.values import minute_text

Document = Mapping[str, Any]
KINDS = {
    "indicator": "indicators of the catalogue",
    "feature": "features",
    "rule_indicator": "indicators of the rules",
    "rule": "rules",
    "past_judgement": "past judgements",
    "model": "models",
}
# An error that falls to this share of itself goes on falling: the file is too short to tell where it ends.
SETTLING = 0.01
UNITS = {"value": "value", "range": "range of values", "moments": "moments"}


def lookahead_table(document: Document) -> Group:
    """Return what was checked, and each value that looks ahead with both of its values."""
    kinds = ", ".join(f"{count} {KINDS[kind]}" for kind, count in document["checked_by_kind"].items())
    facts = facts_table(
        {
            **_market(document),
            "checked": f"{document['checked']:,} values: {kinds}",
            "moments": f"{document['moments']:,}; after each the future was cut off, and replaced by other candles",
        }
    )
    culprits = document["culprits"]
    if not culprits:
        return Group(facts, Text("\nNothing looks ahead.", "green"))
    table = _table(f"{len(culprits):,} look ahead", "kind", "name", "first candle", "with the future", "without it")
    for culprit in culprits:
        table.add_row(
            KINDS[culprit["kind"]],
            culprit["name"],
            minute_text(culprit["opened_ms"]),
            _value(culprit["with_future"]),
            _value(culprit["without_future"]),
        )
    return Group(facts, table)


def history_table(document: Document) -> Group:
    """Return the values that need more than the shortest history, the most demanding of each kind first."""
    history = document["history"]
    lengths = [int(length) for length in history[0]["errors"]]
    parts: list[RenderableType] = [facts_table(_market(document))]
    for kind in dict.fromkeys(need["kind"] for need in history):
        own = [need for need in history if need["kind"] == kind]
        demanding = [need for need in own if need["needed_candles"] is None or need["needed_candles"] > lengths[0]]
        parts += _needs(kind, sorted(demanding, key=_demand), lengths)
        parts.append(Text(f"{len(own) - len(demanding):,} of {len(own):,} need no more than {lengths[0]} candles"))
    legend = (
        "\nErrors against the longest history, as a share of the value; of its usual range, where values cross or come "
        "near zero; of the moments, where it is a word. A dash: no value with so few candles. >: it settles beyond "
        "what these candles can show. never: it depends on where the candles begin."
    )
    return Group(*parts, Text(legend, "dim"))


def _needs(kind: str, needs: Sequence[Document], lengths: Sequence[int]) -> list[RenderableType]:
    if not needs:
        return [Text(f"\n{KINDS[kind]}", "italic")]
    table = _table(f"\n{KINDS[kind]}", "name", "needs", *(f"{length:,}" for length in lengths), "share of")
    for column in table.columns[1:-1]:
        column.justify = "right"
    for need in needs:
        errors = ("-" if error is None else f"{error:.0e}" if error else "0" for error in need["errors"].values())
        table.add_row(need["name"], _needed(need), *errors, UNITS[need["unit"]])
    return [table]


def _demand(need: Document) -> tuple[bool, int]:
    return need["needed_candles"] is not None, -(need["needed_candles"] or 0)


def _needed(need: Document) -> str:
    if need["needed_candles"] is not None:
        return f"{need['needed_candles']:,}"
    known = {int(length): error for length, error in need["errors"].items() if error is not None}
    if not known:
        return "no value"
    shortest, longest = min(known), max(known)
    return f"> {longest:,}" if known[longest] < SETTLING * known[shortest] else "never"


def _market(document: Document) -> dict[str, str]:
    first, last = minute_text(document["first_ms"]), minute_text(document["last_ms"])
    return {
        "market": f"{document['symbol'] or 'unknown'} {document['timeframe']}",
        "candles": f"{document['candles']:,}, {first} to {last}",
    }


def _table(title: str, *headings: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title=title, title_justify="left")
    for heading in headings:
        table.add_column(heading, no_wrap=True)
    return table


def _value(value: float | str | None) -> str:
    return "none" if value is None else value if isinstance(value, str) else f"{value:.8g}"
