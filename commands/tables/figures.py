"""Formatting of figures for cells of tables."""

from __future__ import annotations

from models.evaluation.bootstrap import Interval


def number(value: float | None, *, signed: bool = False) -> str:
    """Return four decimals, five and the sign for a difference, or a dash for None."""
    return "-" if value is None else f"{value:{'+.5' if signed else '.4'}f}"


def interval(ends: Interval | None, *, signed: bool = False) -> str:
    """Return both ends in brackets, or an empty text without an interval."""
    return f"[{number(ends.low, signed=signed)}, {number(ends.high, signed=signed)}]" if ends else ""
