"""Figures in the cells of tables."""

from __future__ import annotations

from models.evaluation.bootstrap import Interval


def number(value: float | None, *, signed: bool = False) -> str:
    """Return four decimals, five and the sign of a difference, or a dash for what is unknown."""
    return "-" if value is None else f"{value:{'+.5' if signed else '.4'}f}"


def interval(ends: Interval | None, *, signed: bool = False) -> str:
    """Return both ends in brackets, nothing where there is no interval."""
    return f"[{number(ends.low, signed=signed)}, {number(ends.high, signed=signed)}]" if ends else ""
