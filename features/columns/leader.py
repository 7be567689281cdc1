"""The columns that tell what the leading market did at the same moments, in units of its usual move.

A coin follows bitcoin, see `domain/naming/leaders.py`. Where the leader's candles are not known, or nothing leads, the
columns have the values of the market itself: bitcoin leads itself, and no value is ever missing.
"""

from __future__ import annotations

from dataclasses import replace

from features.columns.column import Column, lagged
from features.columns.extended import return_in_deviations
from features.columns.standard import standard_columns

PREFIX = "leader_"


def led_columns() -> tuple[Column, ...]:
    """Return the standard columns and those of the leader, 83 in all; they need no more candles than the standard."""
    return (*standard_columns(), *leader_columns())


def leader_columns() -> tuple[Column, ...]:
    """Return the columns of the leader."""
    last = return_in_deviations(1, 20)
    return (
        _of_leader(last),
        *(_of_leader(lagged(last, rows)) for rows in (1, 2, 3)),
        _of_leader(return_in_deviations(3, 20)),
        *(_of_leader(return_in_deviations(rows, 48)) for rows in (6, 12, 24)),
    )


def _of_leader(column: Column) -> Column:
    return replace(
        column,
        name=f"{PREFIX}{column.name}",
        group="leader",
        definition=f"{column.definition}, of the leading market; of the market itself where that is not known",
        of_leader=True,
    )
